// The audit of the npm package graphql-http (GraphQL over HTTP), and what it leaves out.
import { Peer, Report, load } from './peer.mjs';

const { auditServer } = load('graphql-http');

const peer = new Peer();
const report = new Report();

// What fetch() would do through a server.
async function fetchFn(url, { method = 'GET', headers = {}, body } = {}) {
  const reply = await peer.ask({
    op: 'http',
    method,
    contentType: headers['content-type'] ?? '',
    accept: headers.accept ?? '',
    queryString: new URL(url).search.slice(1),
    body: body ?? '',
  });
  const allow = reply.allow ? { allow: reply.allow } : {};
  return new Response(reply.body, {
    status: reply.status,
    headers: { 'content-type': reply.contentType, ...allow },
  });
}

for (const result of await auditServer({ url: 'http://audited/graphql', fetchFn })) {
  report.check('audit', result.status === 'ok', () => `${result.name}: ${result.status}, ${result.reason}`);
}

const JSON_TYPE = 'application/json; charset=utf-8';
const RESPONSE_TYPE = 'application/graphql-response+json; charset=utf-8';
const post = (accept, body, contentType = 'application/json') => ({ op: 'http', method: 'POST', accept, contentType, body: JSON.stringify(body) });
const get = (queryString, accept = '') => ({ op: 'http', method: 'GET', queryString, accept });

for (const [question, status, contentType, allow = ''] of [
  [post('application/graphql-response+json', { query: '{ fail }' }), 200, RESPONSE_TYPE],
  [post('application/graphql-response+json', { query: '{ failStrictly }' }), 200, RESPONSE_TYPE],
  [post('application/graphql-response+json, application/json;q=0.9', { query: '{ version }' }), 200, RESPONSE_TYPE],
  [post('application/graphql-response+json;q=0.5, application/json', { query: '{ version }' }), 200, JSON_TYPE],
  [post('application/json, application/graphql-response+json', { query: '{ version }' }), 200, JSON_TYPE],
  [post('application/*', { query: '{ version }' }), 200, JSON_TYPE],
  [post('*/*;q=0.1, application/json;q=0', { query: '{ version }' }), 200, RESPONSE_TYPE],
  [post('APPLICATION/JSON; charset="UTF-8"', { query: '{ version }' }), 200, JSON_TYPE],
  [post('application/json; charset=latin1', { query: '{ version }' }), 406, JSON_TYPE],
  [post('text/html', { query: '{ version }' }), 406, JSON_TYPE],
  [post('', { query: '{ version }' }, 'text/plain'), 415, JSON_TYPE],
  [post('', { query: '{ version }' }, 'application/json; charset=utf-16'), 415, JSON_TYPE],
  [post('', { query: 'subscription { ticks(to: 1) { number } }' }), 400, JSON_TYPE],
  [post('', [{ query: '{ version }' }]), 400, JSON_TYPE],
  [get('query=mutation%20%7B%20count%20%7D'), 405, JSON_TYPE, 'POST'],
  [get('query=%7Bversion%7D'), 200, JSON_TYPE],
  [get('query=query+Q($i:Int){echo(int:$i)}&variables={"i":1}&operationName=Q'), 200, JSON_TYPE],
  [get('query={version}&variables={'), 400, JSON_TYPE],
  [get('query={version}&variables=[]'), 400, JSON_TYPE],
  [get('query={version}&variables=&extensions='), 200, JSON_TYPE],
  [get('query=%ff'), 200, JSON_TYPE],
  [get('query=%ff', 'application/graphql-response+json'), 400, RESPONSE_TYPE],
  [get(''), 400, JSON_TYPE],
  [{ op: 'http', method: 'PUT' }, 405, JSON_TYPE, 'GET, POST'],
]) {
  const reply = await peer.ask(question);
  report.check('reply', reply.status === status && reply.contentType === contentType && reply.allow === allow, () =>
    `${JSON.stringify(question)}\n  ${JSON.stringify(reply)}`);
}

peer.close();
report.finish({ audit: 60, reply: 24 });
