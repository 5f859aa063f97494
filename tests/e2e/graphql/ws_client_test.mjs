// The client of the npm package graphql-ws against the session, over a socket that is none: every
// message goes through the pipe to graphql_peer.
import { isDeepStrictEqual } from 'node:util';
import { Peer, Report, load } from './peer.mjs';

const { createClient, CloseCode } = load('graphql-ws');

const peer = new Peer();
const report = new Report();
let sessions = 0;

class PipeSocket {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;

  constructor(_url, protocol) {
    this.protocol = protocol;
    this.readyState = PipeSocket.CONNECTING;
    this.session = ++sessions;
    queueMicrotask(() => {
      this.readyState = PipeSocket.OPEN;
      this.onopen?.({});
    });
  }

  async send(text) {
    const { send, close } = await peer.ask({ op: 'ws', session: this.session, event: 'message', text });
    for (const data of send) this.onmessage?.({ data });
    if (close) this.close(close.code, close.reason);
  }

  close(code = 1000, reason = '') {
    if (this.readyState === PipeSocket.CLOSED) return;
    this.readyState = PipeSocket.CLOSED;
    this.onclose?.({ code, reason, wasClean: true });
  }
}

// Everything that a subscription delivers, and how it ended.
function run(client, payload) {
  const seen = [];
  return new Promise((resolve) => {
    client.subscribe(payload, {
      next: (value) => seen.push(value),
      error: (error) => resolve({ seen, error: Array.isArray(error) ? error.map((e) => e.message) : `closed ${error.code}` }),
      complete: () => resolve({ seen, error: null }),
    });
  });
}

const same = (topic, ours, expected) =>
  report.check(topic, isDeepStrictEqual(ours, expected), () => `${JSON.stringify(ours)} is not ${JSON.stringify(expected)}`);

const client = createClient({
  url: 'ws://pipe', webSocketImpl: PipeSocket, lazy: true, retryAttempts: 0, keepAlive: 0, connectionParams: { token: 't' },
});
const ticks = (n) => Array.from({ length: n }, (_, i) => ({ data: { ticks: { number: i + 1 } } }));

same('client', await run(client, { query: '{ version }' }), { seen: [{ data: { version: '1.0' } }], error: null });
same('client', await run(client, { query: 'mutation { count }' }), { seen: [{ data: { count: 1 } }], error: null });
same('client', await run(client, { query: 'subscription { ticks(to: 3) { number } }' }), { seen: ticks(3), error: null });
same('client', await run(client, { query: 'subscription ($n: Int!) { ticks(to: $n) { number } }', variables: { n: 2 } }),
  { seen: ticks(2), error: null });
same('client', await run(client, { query: 'subscription { ticks(to: 3, failAt: 2) { number } }' }),
  { seen: ticks(1), error: ['the source broke'] });
same('client', await run(client, { query: '{ vershun }' }),
  { seen: [], error: ['Cannot query field "vershun" on type "Query". Did you mean "version"?'] });
same('client', await run(client, { query: '{' }), { seen: [], error: ['Syntax Error: Expected Name, found <EOF>.'] });
same('client', (await run(client, { query: '{ version fail }' })).seen.map((r) => [r.data, r.errors.length]),
  [[{ version: '1.0', fail: null }, 1]]);
const together = await Promise.all([1, 2, 3].map((n) => run(client, { query: `subscription { ticks(to: ${n}) { number } }` })));
same('client', together, [1, 2, 3].map((n) => ({ seen: ticks(n), error: null })));
await client.dispose();

// What a well-behaved client never sends.
const init = JSON.stringify({ type: 'connection_init' });
const subscribe = (id, query = '{ version }') => JSON.stringify({ id, type: 'subscribe', payload: { query } });
for (const [messages, code] of [
  [[subscribe('1')], CloseCode.Unauthorized],
  [[init, init], CloseCode.TooManyInitialisationRequests],
  [['{'], CloseCode.BadRequest],
  [['[]'], CloseCode.BadRequest],
  [['{"type":1}'], CloseCode.BadRequest],
  [['{"type":"next","id":"1"}'], CloseCode.BadRequest],
  [['{"type":"connection_init","payload":1}'], CloseCode.BadRequest],
  [[init, '{"type":"subscribe","id":"","payload":{"query":"{a}"}}'], CloseCode.BadRequest],
  [[init, '{"type":"subscribe","id":"1"}'], CloseCode.BadRequest],
  [[init, '{"type":"subscribe","id":"1","payload":{"query":1}}'], CloseCode.BadRequest],
  [[init, '{"type":"complete"}'], CloseCode.BadRequest],
  [[init, '{"type":"complete","id":"gone"}', '{"type":"ping"}', '{"type":"pong"}', subscribe('1'), subscribe('1')], null],
]) {
  const session = ++sessions;
  let close = null;
  for (const text of messages) close ??= (await peer.ask({ op: 'ws', session, event: 'message', text })).close;
  same('close', close?.code ?? null, code);
}
same('close', (await peer.ask({ op: 'ws', session: ++sessions, event: 'timeout' })).close.code,
  CloseCode.ConnectionInitialisationTimeout);

peer.close();
report.finish({ client: 9, close: 13 });
