// The GraphQL interface: docs/graphql.md as written, the npm packages graphql, graphql-http (its audit)
// and graphql-ws.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, parse, printSchema, validate, validateSchema } from 'graphql';
import { auditServer } from 'graphql-http';
import { CloseCode, createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { testExamples } from './examples.js';
import { pdfOfPngs } from './pdf_writer.js';
import { pageUri, readPage, root, startServer } from './server.js';

const key = 'a-key-of-twenty-or-more-characters';
let server;
let keyed;
let image;
before(async () => {
  server = await startServer(['--max-upload-size-mb', '2']);
  keyed = await startServer([], { MAOOCR_API_KEYS: key });
  image = await pageUri('samples/page.png');
});
after(async () => {
  assert.equal(await server.stop(), 0);
  assert.equal(await keyed.stop(), 0);
});

async function post(body, { url = server.url, headers = {}, ...init } = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json().catch(() => undefined) };
}

async function ask(query, variables = {}, options = {}) {
  return (await post({ query, variables }, options)).body;
}

async function answer(query, variables, options) {
  const { data, errors } = await ask(query, variables, options);
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

// Nothing is being computed, soon.
async function waitUntilIdle(url = server.url) {
  for (let i = 0; i < 100; i += 1) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    if (/^vllm:num_requests_running\S* 0$/m.test(metrics) && /^vllm:num_requests_waiting\S* 0$/m.test(metrics)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('something is still being computed');
}

testExamples('docs/graphql.md', 7, () => server.url);

describe('schema', () => {
  test('introspection gives the schema as it was written', async () => {
    const schema = buildClientSchema(await answer(getIntrospectionQuery({ schemaDescription: true, specifiedByUrl: true })));
    assert.deepEqual(validateSchema(schema), []);
    const header = readFileSync(path.join(root, 'src/serve/graphql_api/schema_sdl.h'), 'utf8');
    const written = buildSchema(/R"graphql\((.*?)\)graphql"/s.exec(header)[1]);
    assert.equal(printSchema(lexicographicSortSchema(schema)), printSchema(lexicographicSortSchema(written)));
  });

  test('everything is described or named after what it is', async () => {
    const schema = buildClientSchema(await answer(getIntrospectionQuery()));
    for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
      for (const field of Object.values(root.getFields())) assert.ok(field.description, `${root}.${field.name}`);
    }
    for (const value of schema.getType('OcrMode').getValues()) assert.ok(value.description, value.name);
  });

  test('graphql-js refuses what the server refuses', async () => {
    const schema = buildClientSchema(await answer(getIntrospectionQuery()));
    for (const query of ['{ healthy }', 'mutation { ocr { text } }', 'mutation { ocr(input: {mode: MARKDOWNN}) { text } }', '{ jobs(first: "a") { hasMore } }']) {
      const expected = validate(schema, parse(query)).map((error) => error.message);
      const { errors } = await ask(query);
      assert.deepEqual(errors.map((error) => error.message), expected);
      assert.equal(errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
    }
  });
});

describe('over HTTP', () => {
  test("graphql-http's audit", async () => {
    const results = await auditServer({ url: `${server.url}/graphql` });
    assert.equal(results.length, 61);
    const bad = results.filter((result) => result.status !== 'ok');
    assert.deepEqual(bad.map((result) => `${result.name}: ${result.reason}`), []);
  });

  const json = 'application/json; charset=utf-8';
  const response = 'application/graphql-response+json; charset=utf-8';
  const query = '{ version }';
  for (const [what, init, status, type, allow = null] of [
    ['an error in a field', { accept: 'application/graphql-response+json', body: { query: '{ job(id: "x") { id } }' } }, 200, response],
    ['no operation', { accept: 'application/graphql-response+json', body: { query: '{' } }, 400, response],
    ['preferences', { accept: 'application/graphql-response+json;q=0.5, application/json', body: { query } }, 200, json],
    ['json is not wanted', { accept: '*/*;q=0.1, application/json;q=0', body: { query } }, 200, response],
    ['latin1', { accept: 'application/json; charset=latin1', body: { query } }, 406, json],
    ['html', { accept: 'text/html', body: { query } }, 406, json],
    ['a body of text', { type: 'text/plain', body: { query } }, 415, json],
    ['utf-16', { type: 'application/json; charset=utf-16', body: { query } }, 415, json],
    ['a subscription', { body: { query: 'subscription { job(id: "x") { id } }' } }, 400, json],
    ['a batch', { body: [{ query }] }, 400, json],
    ['no JSON', { body: '{' }, 400, json],
    ['GET', { query: '?query=%7Bversion%7D' }, 200, json],
    ['GET with variables', { query: '?query=query+Q($n:String!){model(name:$n){name}}&variables={"n":"x"}&operationName=Q' }, 200, json],
    ['GET with broken variables', { query: '?query={version}&variables={' }, 400, json],
    ['a mutation by GET', { query: '?query=mutation%7BdeleteJob(id:"x")%7D' }, 405, json, 'POST'],
    ['GET without a query', { query: '' }, 400, json],
  ]) {
    test(what, async () => {
      const got = await fetch(`${server.url}/graphql${init.query ?? ''}`, {
        method: init.body === undefined ? 'GET' : 'POST',
        headers: { ...(init.accept && { accept: init.accept }), ...(init.body !== undefined && { 'content-type': init.type ?? 'application/json' }) },
        body: typeof init.body === 'object' ? JSON.stringify(init.body) : init.body,
      });
      assert.deepEqual([got.status, got.headers.get('content-type'), got.headers.get('allow')], [status, type, allow]);
    });
  }

  test('HEAD, and other methods', async () => {
    assert.equal((await fetch(`${server.url}/graphql?query=%7Bversion%7D`, { method: 'HEAD' })).status, 200);
    assert.equal((await fetch(`${server.url}/graphql`, { method: 'PUT', body: '{}' })).status, 405);
  });

  test('keys', async () => {
    const options = (given) => ({ url: keyed.url, headers: given ? { authorization: `Bearer ${given}` } : {} });
    assert.equal((await post({ query }, options())).status, 401);
    assert.equal((await post({ query }, options('wrong'))).status, 401);
    assert.equal((await post({ query }, options(key))).status, 200);
    assert.equal((await fetch(`${keyed.url}/graphql?query=%7Bversion%7D&api_key=${key}`)).status, 401);
  });
});

const ocr = `($input: OcrInput!) { ocr(input: $input) {
  text rawText data caption boxes { label text box boxNorm } figures { path box } imageDims { w h }
  metadata { mode grounding size baseSize imageSize cropMode finishReason tokens { prompt image output }
    generations timingsMs { total } model inferenceEngine requestId fromCache method missing ignored } } }`;

describe('reading pages', () => {
  test('every mode answers as REST does', async () => {
    const { modes } = await answer('{ modes { tasks { mode name needs grounding groundingIsOptional } sizes { size baseSize } } }');
    assert.equal(modes.tasks.length, 13);
    assert.equal(modes.sizes.length, 6);
    for (const { mode, name, needs } of modes.tasks) {
      const more = {};
      if (needs.includes('findTerm')) more.findTerm = 'Markdown';
      if (needs.includes('prompt')) more.prompt = 'Free OCR.';
      const { ocr: read } = await answer(`mutation ${ocr}`, { input: { image, mode, size: 'BASE', ...more } });
      const rest = await (await fetch(`${server.url}/api/ocr`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ image, mode: name, size: 'base', find_term: more.findTerm, prompt: more.prompt }),
      })).json();
      assert.equal(read.text, rest.text, mode);
      assert.equal(read.rawText, rest.raw_text, mode);
      assert.deepEqual(read.data, rest.data ?? null, mode);
      assert.deepEqual(read.boxes.map((box) => box.box), rest.boxes.map((box) => box.box), mode);
      assert.deepEqual(read.imageDims, rest.image_dims);
      assert.equal(read.metadata.mode, mode);
      assert.equal(read.metadata.size, 'BASE');
      assert.equal(read.metadata.finishReason, rest.metadata.finish_reason.toUpperCase());
      assert.deepEqual(read.metadata.tokens, rest.metadata.tokens);
    }
  });

  test('keys of a schema stay as they were written', async () => {
    const { ocr: read } = await answer(`mutation ${ocr}`, { input: { image, mode: 'KV_JSON', schema: { Pages: '', Blocks: '' } } });
    assert.deepEqual(read.data, { Pages: null, Blocks: '8' });
    assert.deepEqual(read.metadata.missing, ['Pages']);
  });

  test('several pages one after the other, with ids of their own', async () => {
    const data = await answer(`mutation ($a: OcrInput!, $b: OcrInput!) {
      a: ocr(input: $a) { text metadata { requestId } } b: ocr(input: $b) { text metadata { requestId } } }`,
    { a: { image, mode: 'PLAIN_OCR', size: 'TINY' }, b: { image, mode: 'PLAIN_OCR', size: 'SMALL' } });
    assert.notEqual(data.a.metadata.requestId, data.b.metadata.requestId);
    assert.match(data.b.text, /\w/);
  });

  test('one may fail without the others', async () => {
    const { data, errors } = await ask(`mutation ($input: OcrInput!) {
      bad: ocr(input: {image: "aGVsbG8="}) { text } good: ocr(input: $input) { text } }`, { input: { image, mode: 'PLAIN_OCR', size: 'BASE' } });
    assert.equal(data.bad, null);
    assert.match(data.good.text, /^The reading machine/);
    assert.deepEqual(errors.map((error) => [error.path, error.extensions]), [[['bad'], { code: 'invalid_value', http: { status: 400 } }]]);
  });

  test('known answers come from the cache unless they should not', async () => {
    const read = async (more, options) => (await answer(`mutation ${ocr}`, { input: { image, mode: 'PLAIN_OCR', size: 'SMALL', ...more } }, options)).ocr.metadata.fromCache;
    await read({});
    assert.equal(await read({}), true);
    assert.equal(await read({ bypassCache: true }), false);
    assert.equal(await read({}, { headers: { 'cache-control': 'no-cache' } }), false);
  });

  for (const [what, input, code, status, message] of [
    ['no image', {}, 'invalid_value', 400, /image/],
    ['two images', { image: 'aGVsbG8=', imageUrl: 'http://127.0.0.1/a.png' }, 'invalid_value', 400, /two images/],
    ['no base64', { image: '*' }, 'invalid_value', 400, /base64/],
    ['an address of this machine', { imageUrl: 'http://127.0.0.1:1/a.png' }, 'invalid_value', 400, /127\.0\.0\.1/],
    ['no term', { image: 'aGVsbG8=', mode: 'FIND_REF' }, 'invalid_value', 400, /find_term/],
    ['a model that is not there', { image: 'aGVsbG8=', model: '没有' }, 'model_not_found', 404, /没有/],
    ['a size that is none', { image: 'aGVsbG8=', baseSize: 7 }, 'invalid_value', 400, /base_size/],
    ['a time in the past', { image: 'aGVsbG8=', timeoutMs: -1 }, 'invalid_value', 400, /timeout_ms/],
  ]) {
    test(`refused: ${what}`, async () => {
      const { data, errors } = await ask('mutation ($input: OcrInput!) { ocr(input: $input) { text } }', { input });
      assert.equal(data.ocr, null);
      assert.deepEqual(errors[0].extensions, { code, http: { status } });
      assert.match(errors[0].message, message);
    });
  }

  test('a client that goes away ends its page', async () => {
    const controller = new AbortController();
    const request = post({ query: `mutation ${ocr}`, variables: { input: { image, size: 'LARGE', bypassCache: true } } }, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 300));
    controller.abort();
    await assert.rejects(request, { name: 'AbortError' });
    await waitUntilIdle();
  });
});

describe('documents', () => {
  const png = readFileSync(path.join(root, 'samples/page.png'));
  const pdf = pdfOfPngs([png, png]).toString('base64');
  const fields = 'text rawText imageDims { w } pages { page error { message } result { text rawText boxes { label box } imageDims { w h } metadata { size tokens { output } } } } metadata { mode pagesTotal pagesRead pagesFailed generations tokens { output } }';

  test('a PDF as REST reads it', async () => {
    const input = { image: pdf, size: 'BASE', pages: '1-', dpi: 144 };
    const { ocr } = await answer(`mutation ($input: OcrInput!) { ocr(input: $input) { ${fields} } }`, { input });
    const rest = await (await fetch(`${server.url}/api/ocr`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...input, size: 'base' }),
    })).json();
    assert.equal(ocr.text, rest.text);
    assert.equal(ocr.rawText, rest.raw_text);
    assert.match(ocr.text, /^# The reading machine/);
    assert.equal(ocr.imageDims, null);
    assert.deepEqual(ocr.pages.map(({ page }) => page), [1, 2]);
    ocr.pages.forEach(({ result }, i) => {
      assert.equal(result.text, rest.pages[i].text);
      assert.deepEqual(result.imageDims, rest.pages[i].image_dims);
      assert.deepEqual(result.boxes.map(({ box }) => box), rest.pages[i].boxes.map(({ box }) => box));
    });
    assert.deepEqual(ocr.metadata, { mode: 'MARKDOWN', pagesTotal: 2, pagesRead: 2, pagesFailed: 0, generations: 2, tokens: { output: rest.metadata.tokens.output } });
  });

  test('errors', async () => {
    for (const [input, message] of [[{ image: pdf, pages: '3' }, /no page 3; the document has 2/], [{ image: pdf, dpi: 1 }, /dpi: 1; the limits are/], [{ image: pdf, pages: 'all' }, /pages: expected/]]) {
      const { data, errors } = await ask('mutation ($input: OcrInput!) { ocr(input: $input) { text } }', { input });
      assert.equal(data.ocr, null);
      assert.match(errors[0].message, message);
      assert.equal(errors[0].extensions.http.status, 400);
    }
  });

  test('page by page as a subscription', async () => {
    const { client, run } = connect();
    const { seen, ended } = run('subscription ($input: OcrInput!) { ocr(input: $input) { text page progress { pagesDone pagesTotal } pageResult { page result { rawText } } result { pages { page } } } }', { input: { image: pdf, size: 'SMALL', bypassCache: true } });
    assert.equal(await ended, undefined);
    const events = seen.map((value) => value.data.ocr);
    assert.deepEqual(events.filter(({ progress }) => progress).map(({ progress }) => progress), [0, 1, 2].map((pagesDone) => ({ pagesDone, pagesTotal: 2 })));
    for (const number of [1, 2]) {
      const last = events.findIndex(({ pageResult }) => pageResult?.page === number);
      const texts = events.filter(({ text, page }) => text !== null && page === number);
      assert.ok(texts.length > (number === 1 ? 2 : 0)); // a later page may be done when its turn comes
      assert.equal(texts.map(({ text }) => text).join(''), events[last].pageResult.result.rawText);
      assert.ok(events.lastIndexOf(texts.at(-1)) < last);
    }
    assert.deepEqual(events.at(-1).result.pages, [{ page: 1 }, { page: 2 }]);
    await client.dispose();
  });

  test('as a job', async () => {
    const { submitJob } = await answer('mutation ($ocr: OcrInput!) { submitJob(ocr: $ocr) { id } }', { ocr: { image: pdf, size: 'BASE', pages: '2' } });
    const { client, run } = connect();
    const { seen, ended } = run('subscription ($id: ID!) { job(id: $id) { status progress { pagesDone pagesTotal } ocrResult { pages { page result { text } } } } }', { id: submitJob.id });
    assert.equal(await ended, undefined);
    await client.dispose();
    const { job } = seen.at(-1).data;
    assert.equal(job.status, 'SUCCEEDED');
    assert.deepEqual(job.progress, { pagesDone: 1, pagesTotal: 1 });
    assert.equal(job.ocrResult.pages[0].page, 2);
    assert.match(job.ocrResult.pages[0].result.text, /^# The reading machine/);
  });
});

describe('prompts', () => {
  const generate = `mutation ($input: GenerateInput!) { generate(input: $input) {
    text finishReason usage { promptTokens imageTokens completionTokens totalTokens } model inferenceEngine requestId fromCache } }`;

  test('with an image, as /v1/chat/completions answers', async () => {
    const { generate: read } = await answer(generate, { input: { prompt: 'Free OCR.', images: [image], size: 'BASE', maxTokens: 40 } });
    const chat = await (await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        max_tokens: 40,
        mm_processor_kwargs: { mode: 'base' },
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: image } }, { type: 'text', text: 'Free OCR.' }] }],
      }),
    })).json();
    assert.equal(read.text, chat.choices[0].message.content);
    assert.equal(read.finishReason, 'LENGTH');
    assert.equal(read.usage.totalTokens, chat.usage.total_tokens);
  });

  test('in Chinese', async () => {
    const { generate: read } = await answer(generate, {
      input: { prompt: '这是什么？请回答“发票”或“收据”。', maxTokens: 64, structuredOutputs: { choice: ['发票', '收据'] } },
    });
    assert.ok(['发票', '收据'].includes(read.text), read.text);
    assert.equal(read.finishReason, 'STOP');
  });

  test('a JSON schema', async () => {
    const { generate: read } = await answer(generate, {
      input: {
        prompt: 'Free OCR.',
        maxTokens: 400,
        responseFormat: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object', properties: { zeta: { type: 'boolean' }, alpha: { type: 'boolean' } }, required: ['zeta', 'alpha'], additionalProperties: false } } },
      },
    });
    assert.deepEqual(Object.keys(JSON.parse(read.text)), ['zeta', 'alpha']);
  });

  test('refused', async () => {
    for (const [input, message] of [[{ prompt: '' }, /prompt/], [{ prompt: 'a', topP: 7 }, /top_p/], [{ prompt: 'a', images: ['*'] }, /base64|image/], [{ prompt: 'a', timeoutMs: -1 }, /timeoutMs/]]) {
      const { data, errors } = await ask(generate, { input });
      assert.equal(data.generate, null);
      assert.match(errors[0].message, message);
      assert.equal(errors[0].extensions.http.status, 400);
    }
  });
});

// A client of graphql-ws, and all that a subscription gives it.
function connect({ url = server.url, connectionParams, headers, ...options } = {}) {
  const events = [];
  class Socket extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols, { headers });
    }
  }
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: Socket, retryAttempts: 0, connectionParams, ...options });
  const run = (query, variables) => {
    const seen = [];
    let stop;
    const ended = new Promise((resolve) => {
      stop = client.subscribe({ query, variables }, {
        next: (value) => {
          seen.push(value);
          events.forEach((listener) => listener(value));
        },
        error: (error) => resolve(Array.isArray(error) ? error : { closed: error.code ?? error.message }),
        complete: () => resolve(undefined),
      });
    });
    return { seen, ended, stop, next: () => new Promise((resolve) => events.push(resolve)) };
  };
  return { client, run };
}

describe('over WebSocket', () => {
  test('a page: its text as it is written, then the answer', async () => {
    const { client, run } = connect();
    const { seen, ended } = run(`subscription ($input: OcrInput!) { ocr(input: $input) { text result { text rawText boxes { label } } } }`, { input: { image, size: 'BASE', bypassCache: true } });
    assert.equal(await ended, undefined);
    const events = seen.map((value) => value.data.ocr);
    const { result } = events.at(-1);
    assert.ok(events.length > 5, `${events.length} events`);
    assert.equal(events.slice(0, -1).map((event) => event.text).join(''), result.rawText);
    assert.match(result.text, /^# The reading machine/);
    assert.equal(result.boxes.length, 8);
    await client.dispose();
  });

  test('a prompt in Chinese, whole characters', async () => {
    const { client, run } = connect();
    const { seen, ended } = run('subscription ($input: GenerateInput!) { generate(input: $input) { text result { text finishReason } } }', {
      input: { prompt: '你好', maxTokens: 64, structuredOutputs: { choice: ['你好，世界'] }, bypassCache: true },
    });
    assert.equal(await ended, undefined);
    const events = seen.map((value) => value.data.generate);
    assert.equal(events.slice(0, -1).map((event) => event.text).join(''), '你好，世界');
    assert.deepEqual(events.at(-1), { text: null, result: { text: '你好，世界', finishReason: 'STOP' } });
    await client.dispose();
  });

  test('queries and mutations, several at once', async () => {
    const { client, run } = connect();
    const runs = ['TINY', 'SMALL', 'BASE'].map((size) => run(`mutation ($input: OcrInput!) { ocr(input: $input) { metadata { size } } }`, { input: { image, size, mode: 'PLAIN_OCR' } }));
    const version = run('{ version }');
    await version.ended;
    assert.match(version.seen[0].data.version, /^\d/);
    await Promise.all(runs.map((each) => each.ended));
    assert.deepEqual(runs.map((each) => each.seen[0].data.ocr.metadata.size), ['TINY', 'SMALL', 'BASE']);
    await client.dispose();
  });

  test('what is stopped ends, and the socket goes on', async () => {
    const { client, run } = connect();
    const large = run('subscription ($input: OcrInput!) { ocr(input: $input) { text } }', { input: { image, size: 'BASE', bypassCache: true } });
    await large.next();
    large.stop();
    await large.ended;
    await waitUntilIdle();
    const after = run('{ version }');
    assert.equal(await after.ended, undefined);
    await client.dispose();
  });

  test('a client that goes away ends all it has begun', async () => {
    const { client, run } = connect();
    const pages = [1, 2, 3].map(() => run('subscription ($input: OcrInput!) { ocr(input: $input) { text } }', { input: { image, size: 'LARGE', bypassCache: true } }));
    await pages[0].next();
    client.terminate();
    await waitUntilIdle();
  });

  test('errors end a subscription', async () => {
    const { client, run } = connect();
    const [bad] = await run('subscription { ocr(input: {image: "aGVsbG8="}) { text } }').ended;
    assert.deepEqual(bad.extensions, { code: 'invalid_value', http: { status: 400 } });
    assert.match(bad.message, /known format/);
    const [missing] = await run('subscription { job(id: "job_00000000000000000000000000000000") { status } }').ended;
    assert.deepEqual(missing.extensions, { code: 'job_not_found', http: { status: 404 } });
    const [invalid] = await run('subscription { ocr(input: {}) { nothing } }').ended;
    assert.equal(invalid.extensions.code, 'GRAPHQL_VALIDATION_FAILED');
    await client.dispose();
  });

  test('operations at the same time are limited', async () => {
    const { client, run } = connect();
    const input = { image, size: 'LARGE', bypassCache: true };
    const runs = Array.from({ length: 17 }, () => run('subscription ($input: OcrInput!) { ocr(input: $input) { text } }', { input }));
    const [error] = await runs[16].ended;
    assert.equal(error.extensions.code, 'RESOURCE_EXHAUSTED');
    client.terminate();
    await waitUntilIdle();
  });

  test('keys: in the header, in connection_init, none, wrong', async () => {
    const version = async (options) => {
      const { client, run } = connect({ url: keyed.url, ...options });
      const { seen, ended } = run('{ version }');
      const error = await ended;
      await client.dispose();
      return error === undefined ? seen.length : error.closed;
    };
    assert.equal(await version({ headers: { authorization: `Bearer ${key}` } }), 1);
    assert.equal(await version({ connectionParams: { Authorization: `Bearer ${key}` } }), 1);
    assert.equal(await version({ connectionParams: { apiKey: key } }), 1);
    assert.equal(await version({}), CloseCode.Forbidden);
    assert.equal(await version({ connectionParams: { apiKey: 'wrong' } }), CloseCode.Forbidden);
    assert.match(String(await version({ headers: { authorization: 'Bearer wrong' } })), /401/);
  });

  const open = (url = server.url, protocols = 'graphql-transport-ws') => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocols);
    const closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve([code, reason.toString()])));
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => resolve({ socket, closed }));
    });
  };
  const init = '{"type":"connection_init"}';
  const subscribe = (id) => JSON.stringify({ id, type: 'subscribe', payload: { query: 'subscription ($input: OcrInput!) { ocr(input: $input) { text } }', variables: { input: { image, bypassCache: true } } } });
  for (const [what, messages, code] of [
    ['an operation before connection_init', ['{"id":"1","type":"subscribe","payload":{"query":"{version}"}}'], CloseCode.Unauthorized],
    ['two of connection_init', [init, init], CloseCode.TooManyInitialisationRequests],
    ['no JSON', ['{'], CloseCode.BadRequest],
    ['another type', [init, '{"type":"next","id":"1"}'], CloseCode.BadRequest],
    ['no payload', [init, '{"type":"subscribe","id":"1"}'], CloseCode.BadRequest],
    ['an id in use', [init, () => subscribe('1'), () => subscribe('1')], CloseCode.SubscriberAlreadyExists],
    ['much before connection_init', [`{"type":"ping","payload":{"a":"${'x'.repeat(200_000)}"}}`], 1008],
  ]) {
    test(`closed: ${what}`, { timeout: 30_000 }, async () => {
      const { socket, closed } = await open();
      for (const message of messages) socket.send(typeof message === 'function' ? message() : message);
      assert.equal((await closed)[0], code);
      await waitUntilIdle();
    });
  }

  test('closed: silence', { timeout: 30_000 }, async () => {
    const { closed } = await open(keyed.url);
    assert.deepEqual(await closed, [CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout']);
  });

  test('ping', async () => {
    const { socket } = await open();
    socket.send(init);
    socket.send('{"type":"ping","payload":{"a":1}}');
    const messages = [];
    await new Promise((resolve) => socket.on('message', (data) => messages.push(JSON.parse(data)) === 2 && resolve()));
    assert.deepEqual(messages, [{ type: 'connection_ack' }, { type: 'pong', payload: { a: 1 } }]);
    socket.close();
  });
});

describe('jobs', () => {
  test('submitted, followed, read, deleted', async () => {
    const { submitJob } = await answer('mutation ($ocr: OcrInput!) { submitJob(ocr: $ocr, idempotencyKey: "一") { id status version result createdAt } }', { ocr: { image, size: 'BASE' } });
    assert.match(submitJob.id, /^job_[0-9a-f]{32}$/);
    assert.equal(submitJob.result, null);
    const again = await answer('mutation ($ocr: OcrInput!) { submitJob(ocr: $ocr, idempotencyKey: "一") { id } }', { ocr: { image, size: 'BASE' } });
    assert.equal(again.submitJob.id, submitJob.id);
    const { client, run } = connect();
    const { seen, ended } = run('subscription ($id: ID!) { job(id: $id) { status version } }', { id: submitJob.id });
    assert.equal(await ended, undefined);
    await client.dispose();
    const states = seen.map((value) => value.data.job.status);
    assert.equal(states.at(-1), 'SUCCEEDED', states.join());
    assert.deepEqual([...new Set(states)], states.filter((state, i) => state !== states[i - 1]));
    const { job } = await answer(`query ($id: ID!) { job(id: $id) { status attempts finishedAt expiresAt error { code } cancelRequested result
      ocrResult { text boxes { box } metadata { mode size requestId } } } }`, { id: submitJob.id });
    assert.match(job.ocrResult.text, /^# The reading machine/);
    assert.equal(job.ocrResult.text, job.result.text);
    assert.equal(job.ocrResult.metadata.mode, 'MARKDOWN');
    const { jobs } = await answer('{ jobs(status: SUCCEEDED, first: 5) { hasMore jobs { id } } }');
    assert.ok(jobs.jobs.some((each) => each.id === submitJob.id));
    const { deleteJob } = await answer('mutation ($id: ID!) { deleteJob(id: $id) }', { id: submitJob.id });
    assert.equal(deleteJob, submitJob.id);
    const { data, errors } = await ask('query ($id: ID!) { job(id: $id) { id } }', { id: submitJob.id });
    assert.equal(data.job, null);
    assert.equal(errors[0].extensions.http.status, 404);
  });

  test('cancelled, and what fails says why', async () => {
    const jobs = [];
    for (let i = 0; i < 12; i += 1) {
      jobs.push((await answer('mutation ($ocr: OcrInput!) { submitJob(ocr: $ocr) { id } }', { ocr: { image, size: 'BASE', bypassCache: true } })).submitJob.id);
    }
    const { cancelJob } = await answer('mutation ($id: ID!) { cancelJob(id: $id) { status cancelRequested } }', { id: jobs.at(-1) });
    assert.ok(cancelJob.status === 'CANCELLED' || cancelJob.cancelRequested, JSON.stringify(cancelJob));
    const bad = (await answer('mutation { submitJob(ocr: {image: "aGVsbG8="}) { id } }')).submitJob.id;
    const { client, run } = connect();
    const { seen, ended } = run('subscription ($id: ID!) { job(id: $id) { status error { message } } }', { id: bad });
    await ended;
    assert.match(seen.at(-1).data.job.error.message, /known format/);
    for (const id of jobs) await run('subscription ($id: ID!) { job(id: $id) { status } }', { id }).ended;
    await client.dispose();
    const { errors } = await ask('mutation { submitJob(ocr: {image: "aGVsbG8="}, callbackUrl: "http://127.0.0.1/") { id } }');
    assert.equal(errors[0].extensions.http.status, 400);
    assert.equal((await ask('{ jobs(first: 1000) { hasMore } }')).errors[0].extensions.code, 'invalid_value');
  });

  test('statistics', async () => {
    const { stats } = await answer('{ stats(group: KIND, days: 1) { group from to rows { name begin requests pages outputTokens computeMs } } }');
    assert.equal(stats.group, 'KIND');
    const row = stats.rows.find((each) => each.name === 'ocr');
    assert.ok(row.pages > 0 && row.outputTokens > 0, JSON.stringify(stats));
    assert.ok((await answer('{ stats { rows { begin name } } }')).stats.rows[0].begin);
    assert.match((await ask('{ stats(days: 0) { group } }')).errors[0].message, /days/);
  });
});

describe('refused', () => {
  const deep = (n) => `${'{a'.repeat(n)}${'}'.repeat(n)}`;
  for (const [what, body, status, message] of [
    ['a deep query', { query: deep(10_000) }, 200, /nest|deep|depth/i],
    ['many fields', { query: `{ ${Array.from({ length: 2000 }, (_, i) => `a${i}: version`).join(' ')} }` }, 200, /limit/],
    ['aliases of what costs', { query: `mutation { ${Array.from({ length: 5 }, (_, i) => `a${i}: ocr(input: {image: "x"}) { text }`).join(' ')} }` }, 200, /5 root fields; the limit is 4/],
    ['the same through fragments', { query: 'mutation { ...a ...a } fragment a on Mutation { a: deleteJob(id: 1) b: deleteJob(id: 1) c: deleteJob(id: 1) ...b } fragment b on Mutation { d: deleteJob(id: 1) e: deleteJob(id: 1) }' }, 200, /root fields; the limit is 4/],
    ['fragments inside one another', { query: `{ ...f0 } ${Array.from({ length: 30 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`).join(' ')} fragment f30 on Query { version }` }, 200, /limit|large|deep|nest/i],
    ['introspection of introspection', { query: '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }' }, 200, /introspection depth/],
    ['a large document', { query: `{ version } # ${'x'.repeat(300_000)}` }, 200, /262144|bytes/],
    ['deep variables', `{"query":"{version}","variables":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, 400, /deep|nest/i],
  ]) {
    test(what, async () => {
      const start = Date.now();
      const answered = await post(body);
      assert.equal(answered.status, status, JSON.stringify(answered.body));
      assert.equal(answered.body.data, undefined);
      assert.match(answered.body.errors[0].message, message);
      assert.ok(Date.now() - start < 5000);
    });
  }

  test('a large body', async () => {
    const { status } = await post({ query: '{ version }', variables: { a: 'x'.repeat(3 << 20) } });
    assert.equal(status, 413);
  });

  test('and the server still answers', async () => {
    assert.deepEqual((await answer('{ health { status ready } }')).health, { status: 'HEALTHY', ready: true });
    await waitUntilIdle();
  });
});

test('a port of its own', async () => {
  const port = 20_000 + (process.pid % 10_000);
  const apart = await startServer(['--graphql-port', String(port)]);
  const own = `http://127.0.0.1:${port}`;
  assert.match((await answer('{ version }', {}, { url: own })).version, /^\d/);
  assert.equal((await post({ query: '{ version }' }, { url: apart.url })).status, 404);
  assert.equal((await fetch(`${own}/v1/models`)).status, 404);
  assert.equal((await fetch(`${own}/health`)).status, 200);
  assert.equal(await apart.stop(), 0);
});
