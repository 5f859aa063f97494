// Callbacks of jobs as a receiver of Standard Webhooks sees them.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { readPage, startServer } from './server.js';

const key = randomBytes(32);
const options = ['--webhook-secret', `whsec_${key.toString('base64')}`, '--webhook-allow-private'];

let folder;
let server;
let receiver;
let answer; // what the receiver does: a status, or nothing at all
let waiting = [];
const received = [];
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'maoocr-callbacks-'));
  server = await startServer(['--data-dir', folder, ...options]);
  receiver = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    waiting.splice(0).forEach((wake) => wake());
    if (answer === undefined) return;
    response.writeHead(answer);
    response.end();
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  receiver.closeAllConnections();
  receiver.close();
  assert.equal(await server.stop(), 0);
  await rm(folder, { recursive: true });
});

async function submit(callback, image = 'samples/page.png') {
  const form = new FormData();
  form.append('image', new Blob([await readPage(image)]), 'page.png');
  form.append('size', 'tiny');
  const query = new URLSearchParams({ callback_url: callback });
  const response = await fetch(`${server.url}/api/ocr/async?${query}`, { method: 'POST', body: form });
  return { status: response.status, body: await response.json() };
}

const job = async (id) => (await fetch(`${server.url}/api/jobs/${id}`)).json();

async function nextRequest(count) {
  while (received.length < count) await new Promise((resolve) => waiting.push(resolve));
  return received[count - 1];
}

async function callbackState(id, state) {
  for (;;) {
    const { callback } = await job(id);
    if (callback.status === state) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function verify({ headers, body }) {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = createHmac('sha256', key).update(signed).digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${expected}`);
  assert.ok(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < 300);
  assert.equal(headers['content-type'], 'application/json');
  return JSON.parse(body);
}

const hook = () => `http://127.0.0.1:${receiver.address().port}/hook`;

test('the end of a job is told, signed', async () => {
  answer = 204;
  const { status, body } = await submit(hook());
  assert.equal(status, 202, JSON.stringify(body));
  const request = await nextRequest(received.length + 1);
  const event = verify(request);
  assert.equal(request.headers['webhook-id'], event.id);
  assert.equal(event.object, 'event');
  assert.equal(event.type, 'job.succeeded');
  assert.equal(event.data.id, body.id);
  const result = await (await fetch(server.url + event.data.result_url)).json();
  assert.match(result.text, /./);
  await callbackState(body.id, 'delivered');
});

test('what kill -9 cut off between the end and the callback is told after the start', async () => {
  answer = undefined;
  const { body } = await submit(hook());
  const first = await nextRequest(received.length + 1);
  assert.equal((await job(body.id)).status, 'succeeded');
  assert.equal((await job(body.id)).callback.status, 'pending');
  await server.stop('SIGKILL');
  answer = 200;
  const count = received.length;
  server = await startServer(['--data-dir', folder, ...options]);
  const second = await nextRequest(count + 1);
  verify(second);
  assert.equal(second.body, first.body);
  assert.equal(second.headers['webhook-id'], first.headers['webhook-id']);
  await callbackState(body.id, 'delivered');
  assert.equal((await job(body.id)).attempts, 1); // the job itself was not done again
});

test('a refusal is tried again; a receiver that hangs holds up nothing', async () => {
  answer = undefined;
  const before = received.length;
  const hanging = await submit(hook());
  await nextRequest(before + 1);
  answer = 500;
  const refused = await submit(hook());
  await nextRequest(before + 2);
  answer = 200;
  await nextRequest(before + 3); // after 5 seconds
  await callbackState(refused.body.id, 'delivered');
  assert.equal((await job(hanging.body.id)).status, 'succeeded');
});

test('URLs that could not be called are refused at once', async () => {
  for (const url of ['hook', 'ftp://example.org/', 'http://user:password@example.org/']) {
    const { status, body } = await submit(url);
    assert.equal(status, 400);
    assert.match(body.error.message, /^callback_url: /);
  }
});

test('without a secret callbacks are refused; private addresses need the setting', async () => {
  const plain = await startServer();
  const careful = await startServer(options.slice(0, 2));
  const main = server;
  try {
    server = plain;
    const off = await submit('https://example.org/');
    assert.equal(off.status, 400);
    assert.match(off.body.error.message, /callbacks are switched off/);
    server = careful;
    const count = received.length;
    assert.equal((await submit(hook())).status, 400); // another port than 80 and 443
    const { status, body } = await submit('http://127.0.0.1/hook');
    assert.equal(status, 202);
    while ((await job(body.id)).status !== 'succeeded') await new Promise((r) => setTimeout(r, 50));
    while (!/attempt 1: '127.0.0.1' is not on the public internet/.test(careful.log())) {
      await new Promise((r) => setTimeout(r, 50));
    }
    assert.equal(received.length, count);
  } finally {
    server = main;
    assert.equal(await plain.stop(), 0);
    assert.equal(await careful.stop(), 0);
  }
});
