// MaoOCR's GraphQL against graphql-js: which documents are accepted, with which errors at which
// places, and what comes of executing them.
import { isDeepStrictEqual } from 'node:util';
import { documents, requests, syntax } from './documents.mjs';
import { generate, makeRandom, mutate } from './generator.mjs';
import { Peer, Report, load } from './peer.mjs';
import { makeSampleSchema } from './sample_service.mjs';

const {
  buildClientSchema, execute, getIntrospectionQuery, introspectionFromSchema, lexicographicSortSchema, parse,
  printSchema, subscribe, validate,
} = load('graphql');

const NUM_MUTATED = 4000;
const NUM_GENERATED = 1500;

const peer = new Peer();
const report = new Report();
const { sdl, data } = await peer.ask({ op: 'sdl' });
const schema = makeSampleSchema(sdl, data);
const random = makeRandom(20211001);

// Messages that are meant to differ: they speak of how resolvers are written in JavaScript.
function normalizedMessage(message) {
  if (/^Abstract type |^the value says in "__typename"|^Runtime Object type /.test(message)) return 'not a member';
  return message;
}

const summary = (error) => ({
  message: normalizedMessage(error.message),
  locations: error.locations ?? [],
  path: error.path ?? [],
});
const byText = (a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
const summaries = (errors) => (errors ?? []).map((e) => summary(JSON.parse(JSON.stringify(e)))).sort(byText);

function parsed(source) {
  try {
    return { document: parse(source) };
  } catch (error) {
    return { error };
  }
}

function compare(topic, source, ours, theirs) {
  report.check(topic, isDeepStrictEqual(ours, theirs), () =>
    `${JSON.stringify(source)}\n  MaoOCR:     ${JSON.stringify(ours)}\n  graphql-js: ${JSON.stringify(theirs)}`);
}

async function compareParse(source) {
  const ours = await peer.ask({ op: 'parse', source });
  const theirs = parsed(source);
  compare('parse', source, ours.error ? summary(ours.error) : null,
    theirs.error ? summary(JSON.parse(JSON.stringify(theirs.error))) : null);
}

// What graphql-js finds besides in documents that are refused anyway: it looks into type
// definitions, and it compares fields although fragments contain themselves.
function comparable(errors) {
  const refused = errors.filter((error) => error.message.endsWith('definition is not executable.'));
  if (refused.length > 0) return refused;
  const isCyclic = errors.some((error) => / within itself( via |\.$)/.test(error.message));
  return isCyclic ? errors.filter((error) => !/^Fields ".*" conflict /.test(error.message)) : errors;
}

// Whether the document is valid.
async function compareValidation(source) {
  const theirs = parsed(source);
  const errors = theirs.error ? [theirs.error] : validate(schema, theirs.document);
  const ours = await peer.ask({ op: 'validate', source });
  compare('validate', source, comparable(summaries(ours.errors)), comparable(summaries(errors)));
  return errors.length === 0;
}

const plain = (result) => ({
  data: result.data === undefined ? 'none' : JSON.parse(JSON.stringify(result.data)),
  errors: summaries(result.errors),
});

async function compareExecution(request) {
  const document = parse(request.query);
  const ours = await peer.ask({ op: 'execute', request });
  const args = {
    schema, document, variableValues: request.variables ?? {}, operationName: request.operationName,
    contextValue: { calls: 0 }, rootValue: {},
  };
  if (!document.definitions.some((d) => d.operation === 'subscription')) {
    compare('execute', request, plain(ours), plain(await execute(args)));
    return;
  }
  const responses = [];
  let failure = null;
  try {
    for await (const response of await subscribe(args)) responses.push(plain(response));
  } catch (error) {
    failure = error.message;
  }
  compare('subscribe', request, [ours.responses.map(plain), ours.error], [responses, failure]);
}

// Not executed: required variables without values, and lists of all types, which JavaScript has in
// another order and with some of later editions.
const NOT_EXECUTED = /\$[a-z]+: [^=)]*!\)|__schema \{ (types|directives)/;

for (const source of syntax) await compareParse(source);
for (const source of [...syntax, ...documents]) {
  if ((await compareValidation(source)) && !NOT_EXECUTED.test(source)) await compareExecution({ query: source });
}
for (const request of requests) await compareExecution(request);
await compareExecution({ query: 'subscription { ticks(to: 5, failAt: 3) { number } }' });
await compareExecution({ query: 'subscription ($n: Int!) { ticks(to: $n) { number } }', variables: { n: 2 } });

for (let i = 0; i < NUM_MUTATED; ++i) {
  const pool = random(3) ? documents : syntax;
  await compareParse(mutate(pool[random(pool.length)], random));
}
for (let i = 0; i < NUM_GENERATED; ++i) {
  const source = generate(schema, random);
  if (await compareValidation(source)) {
    await compareExecution({ query: source, variables: { i: random(100), b: random(2) === 0 } });
  }
}

// Clients build their view of the schema from introspection.
const query = getIntrospectionQuery({ schemaDescription: true, specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true });
const introspection = await peer.ask({ op: 'execute', request: { query } });
const printed = (client) => printSchema(lexicographicSortSchema(client));
compare('introspect', 'printSchema', printed(buildClientSchema(introspection.data)),
  printed(buildClientSchema(introspectionFromSchema(schema, { schemaDescription: true, specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true }))));
compare('introspect', 'defaults', printed(buildClientSchema((await peer.ask({ op: 'execute', request: { query: getIntrospectionQuery() } })).data)),
  printed(buildClientSchema(introspectionFromSchema(schema, { specifiedByUrl: false, directiveIsRepeatable: false, schemaDescription: false, inputValueDeprecation: false }))));

peer.close();
report.finish({ parse: NUM_MUTATED + 200, validate: NUM_GENERATED + 400, execute: 500, subscribe: 5, introspect: 2 });
