// The REST interface: docs/rest_api.md as written, the npm client of Ollama, Mistral's shape.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ollama } from 'ollama';
import { testExamples } from './examples.js';
import { pageUri, readPage, startServer } from './server.js';

const samplePage = 'samples/page.png';
const text = /^The reading machine\n/;
let server;
before(async () => {
  server = await startServer();
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

testExamples('docs/rest_api.md', 9, () => server.url);

async function form(fields, file = samplePage) {
  const body = new FormData();
  body.append('image', new Blob([await readPage(file)], { type: 'image/png' }), '页 "1".png');
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return body;
}

async function ocr(fields, init = {}) {
  const response = await fetch(`${server.url}/api/ocr`, {
    method: 'POST',
    body: await form(fields),
    ...init,
  });
  return { status: response.status, body: await response.json() };
}

describe('/api/ocr', () => {
  test('every mode answers', async () => {
    const modes = {
      markdown: /^# The reading machine\n\n/,
      plain_ocr: text,
      ocr: /The reading machine/,
      multilingual: text,
      tables_csv: /^Part,Number\r\nblocks,8\r\ncolumns,2\r\n$/,
      tables_md: /^\| Part \| Number \|\n\| --- \| --- \|\n\| blocks \| 8 \|\n\| columns \| 2 \|\n$/,
      kv_json: /^{"Part":"Number","blocks":"8","columns":"2"}$/,
      figure_chart: /./,
      find_ref: /processor/,
      layout_map: /^\[{"type":"title","box":\[\d+,\d+,\d+,\d+\],"text":"# The reading machine"}/,
      pii_redact: /^# The reading machine\n\n/,
      describe: /./,
      freeform: /./,
    };
    for (const [mode, expected] of Object.entries(modes)) {
      const { status, body } = await ocr({ mode, prompt: 'Free OCR.', find_term: 'A Processor' });
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.success, true);
      assert.match(body.text, expected, mode);
      assert.equal(body.metadata.mode, mode);
      assert.equal(body.metadata.model, 'maoocr-tiny');
    }
  });

  test('boxes lie on the page', async () => {
    const { body } = await ocr({ mode: 'markdown' });
    const { w, h } = body.image_dims;
    assert.equal(body.boxes.length, 8);
    for (const { box } of body.boxes) {
      const [x1, y1, x2, y2] = box;
      assert.ok(0 <= x1 && x1 < x2 && x2 <= w && 0 <= y1 && y1 < y2 && y2 <= h, `${box}`);
    }
  });

  test('the result cache and its bypass', async () => {
    await ocr({ mode: 'markdown' });
    assert.equal((await ocr({ mode: 'markdown' })).body.metadata.from_cache, true);
    const fresh = await ocr({ mode: 'markdown' }, { headers: { 'Cache-Control': 'no-cache' } });
    assert.equal(fresh.body.metadata.from_cache, false);
  });

  test('a stream says the same as the answer', async () => {
    const response = await fetch(`${server.url}/api/ocr`, {
      method: 'POST',
      body: await form({ mode: 'markdown', seed: '5' }),
      headers: { Accept: 'application/x-ndjson' },
    });
    const events = (await response.text()).trimEnd().split('\n').map((line) => JSON.parse(line));
    const page = events.find(({ event }) => event === 'page');
    const pieces = events.filter(({ event }) => event === 'text').map((event) => event.text);
    assert.ok(pieces.length > 10);
    assert.equal(pieces.join(''), page.raw_text);
    assert.equal(page.text, (await ocr({ mode: 'markdown' })).body.text);
    assert.equal(events.at(-1).event, 'done');
  });

  test('errors have the envelope and the status', async () => {
    const { status, body } = await ocr({ mode: 'nonsense' });
    assert.equal(status, 400);
    assert.equal(body.success, false);
    assert.match(body.error.message, /there is markdown, plain_ocr/);
    const broken = await fetch(`${server.url}/api/ocr`, {
      method: 'POST',
      body: (await readPage(samplePage)).subarray(0, 500),
      headers: { 'Content-Type': 'image/png' },
    });
    assert.equal(broken.status, 422);
  });
});

describe('ollama client', () => {
  const client = () => new Ollama({ host: server.url });

  test('generate, at once and streamed', async () => {
    const request = {
      model: 'maoocr-tiny',
      prompt: '<image>\nFree OCR.',
      images: [await readPage(samplePage)],
    };
    const whole = await client().generate(request);
    assert.match(whole.response, text);
    assert.equal(whole.done_reason, 'stop');
    assert.ok(whole.eval_count > 100 && whole.total_duration > 0);
    let streamed = '';
    for await (const part of await client().generate({ ...request, stream: true })) {
      streamed += part.response;
      if (part.done) assert.equal(part.prompt_eval_count, whole.prompt_eval_count);
    }
    assert.equal(streamed, whole.response);
  });

  test('chat stops at num_predict', async () => {
    const answer = await client().chat({
      model: 'maoocr-tiny:latest',
      messages: [
        { role: 'user', content: 'Free OCR.', images: [await readPage(samplePage)] },
      ],
      options: { num_predict: 4 },
    });
    assert.equal(answer.message.role, 'assistant');
    assert.match(answer.message.content, /^The/);
    assert.equal(answer.done_reason, 'length');
    assert.equal(answer.eval_count, 4);
  });

  test('models', async () => {
    const { models } = await client().list();
    assert.deepEqual(models.map(({ name }) => name), ['maoocr-tiny']);
    const shown = await client().show({ model: 'maoocr-tiny' });
    assert.ok(shown.capabilities.includes('vision'));
    assert.equal((await client().ps()).models.length, 1);
    assert.match((await client().version()).version, /^\d+\.\d+/);
  });

  test('format holds the answer to a schema', async () => {
    const { response } = await client().generate({
      model: 'maoocr-tiny',
      prompt: 'Free OCR.',
      images: [await readPage(samplePage)],
      format: {
        type: 'object',
        properties: { title: { type: 'string', maxLength: 20 }, ok: { type: 'boolean' } },
        required: ['title', 'ok'],
        additionalProperties: false,
      },
    });
    const answer = JSON.parse(response);
    assert.deepEqual(Object.keys(answer), ['title', 'ok']);
    assert.equal(typeof answer.ok, 'boolean');
  });

  test('errors arrive as such', async () => {
    await assert.rejects(client().generate({ model: 'none', prompt: 'x' }), /no model 'none'/);
    await assert.rejects(
      client().generate({ model: 'maoocr-tiny', prompt: 'x', format: 'xml' }),
      /format/,
    );
  });
});

describe('/v1/ocr', () => {
  test('a page in Mistral\'s shape', async () => {
    const response = await fetch(`${server.url}/v1/ocr`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        model: 'mistral-ocr-latest',
        document: { type: 'document_url', document_url: await pageUri(samplePage) },
        include_image_base64: true,
        table_format: 'markdown',
      }),
    });
    assert.equal(response.status, 200);
    const { pages, usage_info } = await response.json();
    assert.equal(pages.length, 1);
    assert.match(pages[0].markdown, /^# The reading machine\n\n/);
    assert.match(pages[0].markdown, /\n\n\[tbl-0\.md\]\(tbl-0\.md\)\n\n/);
    assert.equal(
      pages[0].tables[0].content,
      '| Part | Number |\n| --- | --- |\n| blocks | 8 |\n| columns | 2 |\n',
    );
    assert.deepEqual(pages[0].images, []);
    assert.ok(pages[0].dimensions.width > 0);
    assert.equal(usage_info.pages_processed, 1);
    assert.equal(usage_info.doc_size_bytes, (await readPage(samplePage)).length);
  });
});
