// Work in the background: jobs, the official client's files and batches, statistics, kill -9.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { pageUri, readPage, startServer } from './server.js';

let server;
let folder;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'maoocr-jobs-'));
  server = await startServer(['--data-dir', folder]);
});
after(async () => {
  assert.equal(await server.stop(), 0);
  await rm(folder, { recursive: true });
});

const ask = async (target, init) => {
  const response = await fetch(server.url + target, init);
  return { status: response.status, body: await response.json() };
};

async function submit(size = 'tiny', query = '', headers = {}) {
  const form = new FormData();
  form.append('image', new Blob([await readPage('samples/page.png')]), 'page.png');
  form.append('size', size);
  const { status, body } = await ask(`/api/ocr/async${query}`, { method: 'POST', body: form, headers });
  assert.ok(status === 202 || status === 200, JSON.stringify(body));
  return body;
}

async function waitFor(id) {
  let { body } = await ask(`/api/jobs/${id}?wait=0`);
  while (['queued', 'running'].includes(body.status)) {
    ({ body } = await ask(`/api/jobs/${id}?wait=20&version=${body.version}`));
  }
  return body;
}

test('a job is accepted, waited for, read and deleted', async () => {
  const job = await submit('base');
  assert.match(job.id, /^job_[0-9a-f]{32}$/);
  const done = await waitFor(job.id);
  assert.equal(done.status, 'succeeded', JSON.stringify(done));
  const { body } = await ask(done.result_url);
  assert.match(body.text, /^# The reading machine/);
  assert.equal((await ask(`/api/jobs/${job.id}`, { method: 'DELETE' })).body.deleted, true);
  const gone = await ask(`/api/jobs/${job.id}`);
  assert.equal(gone.status, 404);
  assert.equal(gone.body.error.code, 'job_not_found');
  assert.equal((await ask(done.result_url)).body.error.code, 'job_not_found');
});

test('the same key gives the same job', async () => {
  const first = await submit('tiny', '', { 'Idempotency-Key': 'once' });
  const second = await submit('tiny', '', { 'Idempotency-Key': 'once' });
  assert.equal(second.id, first.id);
});

test('what fails says why', async () => {
  const { status, body } = await ask('/api/jobs', {
    method: 'POST',
    body: JSON.stringify({ url: '/api/ocr', body: { image: btoa('hello') } }),
  });
  assert.equal(status, 202);
  const done = await waitFor(body.id);
  assert.equal(done.status, 'failed');
  assert.match(done.error.message, /known format/);
  const result = await ask(`/api/jobs/${body.id}/result`);
  assert.equal(result.status, 404);
  assert.equal(result.body.error.code, 'result_not_found');
  assert.equal((await ask('/api/jobs', { method: 'POST', body: '{"url":"/metrics","body":{}}' })).status, 400);
});

test('jobs are listed and cancelled', async () => {
  const jobs = await Promise.all(Array.from({ length: 12 }, () => submit('base', '', { 'Cache-Control': 'no-cache' })));
  const last = jobs.at(-1);
  await ask(`/api/jobs/${last.id}`, { method: 'DELETE' });
  const done = await waitFor(last.id);
  assert.ok(['cancelled', 'succeeded'].includes(done.status), done.status);
  const { body } = await ask('/api/jobs?limit=5');
  assert.equal(body.data.length, 5);
  assert.equal(body.has_more, true);
  for (const job of jobs) await waitFor(job.id);
});

test('a batch by the official client', async () => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  const image = await pageUri('samples/page.png');
  const line = (id, mode) => ({
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'maoocr-tiny',
      max_tokens: 40,
      mm_processor_kwargs: { mode },
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: image } }, { type: 'text', text: 'Free OCR.' }] }],
    },
  });
  const lines = [line('a', 'tiny'), line('b', 'small'), line('wrong', 'enormous')];
  const file = await client.files.create({
    purpose: 'batch',
    file: await toFile(Buffer.from(lines.map((each) => JSON.stringify(each)).join('\n')), 'lines.jsonl'),
  });
  assert.match(file.id, /^file-/);
  assert.deepEqual((await client.files.list({ purpose: 'batch' })).data.map((each) => each.id), [file.id]);
  let batch = await client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' });
  while (!['completed', 'failed'].includes(batch.status)) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    batch = await client.batches.retrieve(batch.id);
  }
  assert.equal(batch.status, 'completed', JSON.stringify(batch.errors));
  assert.deepEqual(batch.request_counts, { total: 3, completed: 2, failed: 1 });
  const read = async (id) =>
    (await (await client.files.content(id)).text()).trim().split('\n').map((each) => JSON.parse(each));
  const output = await read(batch.output_file_id);
  assert.deepEqual(output.map((each) => each.custom_id), ['a', 'b']);
  assert.equal(output[0].response.status_code, 200);
  assert.ok(output[0].response.body.choices[0].message.content.length > 20);
  const [error] = await read(batch.error_file_id);
  assert.equal(error.custom_id, 'wrong');
  await client.files.del(file.id);
  await assert.rejects(client.files.retrieve(file.id), { status: 404, code: 'file_not_found' });
  await assert.rejects(client.batches.retrieve('batch_none'), { status: 404, code: 'batch_not_found' });
  await assert.rejects(client.batches.cancel('batch_none'), { status: 404, code: 'batch_not_found' });
  const again = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' };
  await assert.rejects(client.batches.create(again), { status: 404, code: 'file_not_found' });
});

test('a batch with wrong lines fails with all of them', async () => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' });
  const file = await client.files.create({
    purpose: 'batch',
    file: await toFile(Buffer.from('{"custom_id":"a"}\nnonsense\n'), 'wrong.jsonl'),
  });
  let batch = await client.batches.create({ input_file_id: file.id, endpoint: '/v1/completions', completion_window: '24h' });
  while (batch.status === 'validating') batch = await client.batches.retrieve(batch.id);
  assert.equal(batch.status, 'failed');
  assert.deepEqual(batch.errors.data.map((each) => each.line), [1, 2]);
});

test('statistics', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1200)); // they are flushed once a second
  const { body } = await ask('/api/stats?group=kind');
  const ocr = body.data.find((row) => row.kind === 'ocr');
  assert.ok(ocr.pages > 0 && ocr.output_tokens > 0);
  assert.equal((await ask('/api/stats?group=colour')).status, 400);
});

test('kill -9 in the middle of 100 jobs: each is done once', { timeout: 600_000 }, async () => {
  const jobs = [];
  for (let i = 0; i < 100; i += 1) jobs.push((await submit('tiny', '', { 'Cache-Control': 'no-cache' })).id);
  for (let kill = 0; kill < 2; kill += 1) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await server.stop('SIGKILL');
    server = await startServer(['--data-dir', folder]);
  }
  const attempts = [];
  for (const id of jobs) {
    const done = await waitFor(id);
    assert.equal(done.status, 'succeeded', JSON.stringify(done));
    attempts.push(done.attempts);
    assert.match((await ask(done.result_url)).body.text, /./);
  }
  assert.ok(Math.max(...attempts) > 1, 'no job was interrupted');
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.doesNotMatch(metrics, /finished_reason="error"/);
});
