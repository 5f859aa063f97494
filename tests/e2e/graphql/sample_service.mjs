// src/serve/graphql/sample_service_for_test.cc once more, with graphql-js.
import { load } from './peer.mjs';

const { buildSchema, GraphQLError, valueFromASTUntyped } = load('graphql');

const { inspect: show } = load('graphql/jsutils/inspect.js');

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function coerceLong(value) {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new Error(`Long cannot represent value: ${show(value)}`);
}

function coerceBase64(value) {
  if (typeof value === 'string' && BASE64.test(value)) return value;
  throw new Error(`Base64 cannot represent value: ${show(value)}`);
}

function setScalar(schema, name, coerce) {
  const type = schema.getType(name);
  type.parseValue = coerce;
  type.serialize = (value) => {
    try {
      return coerce(value);
    } catch (error) {
      throw new GraphQLError(error.message);
    }
  };
  type.parseLiteral = (node, variables) => coerce(valueFromASTUntyped(node, variables));
}

async function* ticks(_root, { to, failAt }) {
  for (let i = 1; i <= Math.min(to, 100); ++i) {
    if (failAt === i) throw new Error('the source broke');
    yield { number: i, label: 'tick', strict: i % 2 === 0 ? null : 'odd' };
  }
}

export function makeSampleSchema(sdl, data) {
  const schema = buildSchema(sdl);
  setScalar(schema, 'Long', coerceLong);
  setScalar(schema, 'Base64', coerceBase64);
  const resolvers = {
    Query: {
      version: () => '1.0',
      page: (_, { id }) => data.pages.find((page) => page.id === id),
      pages: (_, { first }) =>
        first == null ? data.pages : data.pages.slice(0, Math.max(first, 0)),
      element: (_, { kind = 'block' }) => data.elements[kind],
      tree: () => data.tree,
      echo: (_, args) => args,
      required: (_, args) => args,
      fail: (_, { message }) => {
        throw new Error(message);
      },
      failStrictly: () => {
        throw new Error('failed strictly');
      },
    },
    Page: {
      block: (page, { index }) => {
        if (index < 0 || index >= page.blocks.length) throw new Error(`there is no block ${index}`);
        return page.blocks[index];
      },
    },
    Mutation: {
      addPage: (_, { page }) => ({
        id: 'new',
        title: page.title,
        blocks: [],
        raw: page,
        mode: page.mode ?? null,
      }),
      count: (_root, _args, context) => ++context.calls,
      fail: () => {
        throw new Error('no');
      },
    },
  };
  for (const [type, fields] of Object.entries(resolvers)) {
    for (const [field, resolve] of Object.entries(fields)) {
      schema.getType(type).getFields()[field].resolve = resolve;
    }
  }
  for (const name of ['ticks', 'ticksStrict']) {
    const field = schema.getType('Subscription').getFields()[name];
    field.subscribe = ticks;
    field.resolve = (event) => event;
  }
  return schema;
}
