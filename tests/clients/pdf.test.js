// PDF files over every interface that reads documents.
import assert from 'node:assert/strict';
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { pdfOfPngs } from './pdf_writer.js';
import { readPage, root, startServer } from './server.js';

const split = '\n\n<--- Page Split --->\n';
let server;
let png;
let pdf;
before(async () => {
  server = await startServer(['--max-pages', '4']);
  png = await readPage('samples/page.png');
  pdf = pdfOfPngs([png, png, png]);
});
after(async () => assert.equal(await server.stop(), 0));

async function send(target, body, headers = {}) {
  const response = await fetch(server.url + target, { method: 'POST', body, headers });
  return { status: response.status, body: await response.json() };
}
const postPdf = (query, file = pdf) => send(`/api/ocr${query}`, file, { 'Content-Type': 'application/pdf' });
const postJson = (target, body) => send(target, JSON.stringify(body), { 'Content-Type': 'application/json' });
const uriOf = (file) => `data:application/pdf;base64,${file.toString('base64')}`;

test('/api/ocr reads all pages, each as its picture is read', async () => {
  const { status, body } = await postPdf('?page_pictures=true');
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body.pages.map(({ page }) => page), [1, 2, 3]);
  assert.equal(body.text, body.pages.map(({ text }) => text + split).join(''));
  assert.match(body.text, /^# The reading machine/);
  assert.equal(body.metadata.pages_read, 3);
  // The picture is a JPEG of what was read; read again as a picture it says the same.
  const rendered = Buffer.from(body.pages[0].page_picture.split(',')[1], 'base64');
  const again = await send('/api/ocr?ngram_size=20&window_size=50', rendered, { 'Content-Type': 'image/jpeg' });
  assert.match(again.body.text, /^# The reading machine/);
  assert.deepEqual(again.body.image_dims, body.pages[0].image_dims);
});

test('a Chinese document is rendered and read', async () => {
  const file = await readFile(path.join(root, 'tests/fixtures/pdf/chinese.pdf'));
  const { status, body } = await postPdf('?size=small', file);
  assert.equal(status, 200);
  assert.equal(body.metadata.pages_total, 2);
  assert.deepEqual(body.pages[1].image_dims, { w: 840, h: 1190 });
});

test('several documents at once keep their pages apart', async () => {
  const other = pdfOfPngs([png]);
  const answers = await Promise.all([postPdf('?pages=1-2&size=tiny'), postPdf('?size=tiny', other), postPdf('?pages=3&size=tiny')]);
  assert.deepEqual(answers.map(({ body }) => body.pages.length), [2, 1, 1]);
  assert.equal(answers[2].body.pages[0].page, 3);
  assert.equal(answers[2].body.pages[0].text, answers[1].body.pages[0].text);
});

test('limits are named', async () => {
  const check = async (query, file, expected, message) => {
    const { status, body } = await postPdf(query, file);
    assert.equal(status, expected, JSON.stringify(body));
    assert.match(body.error.message, message);
  };
  await check('', pdfOfPngs([png, png, png, png, png]), 400, /limit of 4 pages/);
  await check('?pages=4', pdf, 400, /no page 4; the document has 3/);
  await check('?dpi=700', pdf, 400, /dpi: 700; the limits are 36 and 600/);
  await check('', Buffer.from('%PDF-1.7 nothing'), 422, /the PDF is broken/);
  const locked = await readFile(path.join(root, 'tests/fixtures/pdf/needs_password.pdf'));
  await check('', locked, 400, /encrypted and needs a password/);
});

test("Mistral's pages count from 0", async () => {
  const { body } = await postJson('/v1/ocr', {
    model: 'mistral-ocr-latest',
    document: { type: 'document_url', document_url: uriOf(pdf) },
    pages: [0, 2],
  });
  assert.deepEqual(body.pages.map(({ index }) => index), [0, 2]);
  assert.match(body.pages[1].markdown, /^# The reading machine/);
  assert.equal(body.pages[0].dimensions.dpi, 144);
});

test('a chat takes a document of one page and says so of others', async () => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  const ask = (file) =>
    client.chat.completions.create({
      model: 'maoocr-tiny',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'file', file: { filename: 'a.pdf', file_data: uriOf(file) } },
            { type: 'text', text: 'Free OCR.' },
          ],
        },
      ],
    });
  assert.match((await ask(pdfOfPngs([png]))).choices[0].message.content, /The reading machine/);
  await assert.rejects(ask(pdf), /400 a\.pdf: has 3 pages, and one is read here/);
});

test('a job shows its pages', async () => {
  const form = new FormData();
  form.append('file', new Blob([pdf]), 'a.pdf');
  form.append('seed', '7');
  let { body } = await send('/api/ocr/async', form);
  while (['queued', 'running'].includes(body.status)) {
    body = await (await fetch(`${server.url}/api/jobs/${body.id}?wait=20&version=${body.version}`)).json();
  }
  assert.equal(body.status, 'succeeded', JSON.stringify(body));
  assert.equal(body.progress.pages_done, 3);
  assert.equal(body.progress.pages_total, 3);
  const result = await (await fetch(server.url + body.result_url)).json();
  assert.equal(result.pages.length, 3);
});

test('a client that goes leaves nothing behind', async () => {
  const controller = new AbortController();
  const request = fetch(`${server.url}/api/ocr?size=large&seed=1`, {
    method: 'POST',
    body: pdfOfPngs([png, png, png, png]),
    headers: { 'Content-Type': 'application/pdf', Accept: 'text/event-stream' },
    signal: controller.signal,
  });
  await (await request).body.getReader().read();
  controller.abort();
  for (;;) {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    if (/vllm:num_requests_running\{[^}]*\} 0/.test(metrics) && /vllm:num_requests_waiting\{[^}]*\} 0/.test(metrics)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
