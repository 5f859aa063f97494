// docs/websocket.md as the npm client `ws` sees it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { readPage, startServer } from './server.js';

const samplePage = 'samples/page.png';
const smallPage = 'tests/fixtures/maoocr-tiny/tiny_free.png';
const key = 'a-key-of-twenty-or-more-characters';

let server;
let image;
let small;
before(async () => {
  server = await startServer(['--max-upload-size-mb', '1'], { MAOOCR_API_KEYS: key });
  image = (await readPage(samplePage)).toString('base64');
  small = (await readPage(smallPage)).toString('base64');
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

function connect(path, options = {}) {
  const { headers = { authorization: `Bearer ${key}` }, ...rest } = options;
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers, ...rest });
  const messages = [];
  const waiting = [];
  let closed;
  const give = () => {
    while (waiting.length > 0 && messages.length > 0) waiting.shift().resolve(messages.shift());
    while (waiting.length > 0 && closed) waiting.shift().reject(closed);
  };
  socket.on('message', (data, isBinary) => {
    assert.equal(isBinary, false);
    messages.push(JSON.parse(data.toString('utf8')));
    give();
  });
  const closing = new Promise((resolve) => {
    socket.on('close', (code) => {
      closed = new Error(`closed with ${code}`);
      resolve(code);
      give();
    });
  });
  const opening = new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (request, response) => {
      reject(Object.assign(new Error('refused'), { status: response.statusCode }));
      request.destroy();
    });
    socket.on('error', reject);
  });
  const next = () =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      give();
    });
  return {
    socket,
    opening,
    closing,
    next,
    send: (message) =>
      socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    // All messages up to the one that `isLast`.
    async until(isLast) {
      const received = [];
      do received.push(await next());
      while (!isLast(received.at(-1)));
      return received;
    },
    async close(code) {
      socket.close(code);
      return closing;
    },
  };
}

async function open(path, options) {
  const connection = connect(path, options);
  await connection.opening;
  return connection;
}

const isEnd = ({ finished }) => finished;
const isEndOf = (id) => (message) =>
  message.id === id && (message.type === 'result' || message.type === 'error');

async function http(path, body) {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return response.json();
}

async function chat(content, extra = {}) {
  const { choices, usage } = await http('/v1/chat/completions', {
    messages: [{ role: 'user', content }],
    ...extra,
  });
  return { text: choices[0].message.content, reason: choices[0].finish_reason, usage };
}

describe('/ws/stream', () => {
  test('answers as chat completions do, prompt after prompt over one socket', async () => {
    const connection = await open('/ws/stream');
    const expected = await chat([
      { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } },
      { type: 'text', text: 'Free OCR.' },
    ]);
    for (const picture of [image, `data:image/png;base64,${image}`]) {
      connection.send({ prompt: 'Free OCR.', images: [picture] });
      const received = await connection.until(isEnd);
      const end = received.pop();
      assert.equal(received.map(({ text }) => text).join(''), expected.text);
      assert.ok(received.every(({ finished }) => finished === false));
      assert.equal(end.text, '');
      assert.equal(end.finish_reason, 'stop');
      assert.equal(end.model, 'maoocr-tiny');
      assert.equal(end.usage.completion_tokens, expected.usage.completion_tokens);
      assert.equal(end.usage.prompt_tokens, expected.usage.prompt_tokens);
    }
    assert.equal(await connection.close(1000), 1000);
  });

  test('text comes in pieces', async () => {
    const connection = await open('/ws/stream');
    connection.send({ prompt: 'Free OCR.', images: [small], seed: 1 });
    const received = await connection.until(isEnd);
    assert.ok(received.length > 5);
    await connection.close();
  });

  test('after a mistake the socket goes on', async () => {
    const connection = await open('/ws/stream');
    const mistakes = [
      ['{', /no valid JSON/, 'invalid_value'],
      ['[]', /expected an object/, 'invalid_value'],
      [{}, /prompt: expected a text/, 'invalid_value'],
      [{ prompt: 'x', temperature: 'hot' }, /temperature/, 'invalid_value'],
      [{ prompt: 'x', images: ['!'] }, /base64/, 'invalid_value'],
      [{ prompt: 'x', images: [Buffer.from('no image').toString('base64')] }, /image/, 'invalid_value'],
      [{ prompt: 'x', model: 'other' }, /no model 'other'/, 'model_not_found'],
      [{ type: 'cancel' }, /nothing is being answered/, 'invalid_value'],
    ];
    for (const [message, reason, code] of mistakes) {
      connection.send(message);
      const { error, finished } = await connection.next();
      assert.match(error.message, reason);
      assert.equal(error.code, code);
      assert.equal(finished, true);
    }
    // Without ignore_eos this model ends so short an answer by itself, as it does over HTTP.
    connection.send({ prompt: 'Hello', max_tokens: 5, ignore_eos: true });
    const end = (await connection.until(isEnd)).pop();
    assert.equal(end.finish_reason, 'length');
    assert.equal(end.usage.completion_tokens, 5);
    const { reason } = await chat('Hello', { max_tokens: 5, ignore_eos: true });
    assert.equal(reason, 'length');
    await connection.close();
  });

  test('cancel ends the answer, and the next prompt is answered', async () => {
    const connection = await open('/ws/stream');
    connection.send({ prompt: 'Hello', max_tokens: 4000, ignore_eos: true });
    assert.equal((await connection.next()).finished, false);
    connection.send({ prompt: 'Another' });
    connection.send({ type: 'cancel' });
    const received = await connection.until(isEnd);
    const refused = received.find(({ error, finished }) => error && !finished);
    assert.match(refused.error.message, /a prompt is being answered/);
    assert.equal(received.at(-1).error.code, 'cancelled');
    connection.send({ prompt: 'Hello', max_tokens: 2, ignore_eos: true });
    assert.equal((await connection.until(isEnd)).pop().finish_reason, 'length');
    await connection.close();
  });

  test('a schema keeps the order of its properties', async () => {
    const connection = await open('/ws/stream');
    const schema = {
      type: 'object',
      properties: { zebra: { enum: [1] }, ape: { enum: [2] } },
      required: ['zebra', 'ape'],
    };
    connection.send({
      prompt: 'Hello',
      response_format: { type: 'json_schema', json_schema: { name: 'animals', schema } },
    });
    const text = (await connection.until(isEnd)).map((message) => message.text).join('');
    assert.deepEqual(Object.keys(JSON.parse(text)), ['zebra', 'ape']);
    await connection.close();
  });
});

describe('/ws/ocr', () => {
  test('reads a page as /api/ocr does, and tells how it goes', async () => {
    const connection = await open('/ws/ocr');
    const fields = { image: small, mode: 'plain_ocr' };
    connection.send({ id: 'first', ...fields, seed: 2 });
    const received = await connection.until(isEndOf('first'));
    assert.deepEqual(received[0], { id: 'first', type: 'accepted' });
    assert.deepEqual(received[1], { id: 'first', type: 'progress', stage: 'reading', page: 1 });
    const { result } = received.pop();
    const pieces = received.slice(2);
    assert.ok(pieces.length > 5);
    assert.ok(pieces.every(({ id, type }) => id === 'first' && type === 'text'));
    assert.equal(pieces.map(({ text }) => text).join(''), result.raw_text);
    const expected = await http('/api/ocr', fields);
    for (const name of ['success', 'text', 'raw_text', 'boxes', 'image_dims']) {
      assert.deepEqual(result[name], expected[name]);
    }
    assert.deepEqual(result.metadata.tokens, expected.metadata.tokens);
    await connection.close();
  });

  test('pages over one socket do not wait for each other', async () => {
    const connection = await open('/ws/ocr');
    const ids = [1, 'two', '第三页'];
    ids.forEach((id, seed) => connection.send({ id, image: small, mode: 'text', seed: seed + 10 }));
    const left = new Set(ids);
    const texts = [];
    while (left.size > 0) {
      const message = await connection.next();
      assert.ok(ids.includes(message.id));
      if (message.type !== 'result') continue;
      assert.ok(left.delete(message.id));
      texts.push(message.result.text);
    }
    assert.equal(new Set(texts).size, 1);
    assert.notEqual(texts[0], '');
    await connection.close();
  });

  test('cancel ends one page and no other', async () => {
    const connection = await open('/ws/ocr');
    connection.send({ id: 'a', image, mode: 'markdown', seed: 21 });
    connection.send({ id: 'b', image, mode: 'markdown', seed: 22 });
    connection.send({ id: 'a', type: 'cancel' });
    const ends = {};
    while (Object.keys(ends).length < 2) {
      const message = await connection.next();
      if (isEndOf(message.id)(message)) ends[message.id] = message;
    }
    assert.equal(ends.a.error.code, 'cancelled');
    assert.match(ends.b.result.text, /^# The reading machine/);
    connection.send({ id: 'a', image: small, mode: 'text' });
    assert.equal((await connection.until(isEndOf('a'))).pop().type, 'result');
    await connection.close();
  });

  test('Chinese goes both ways', async () => {
    const connection = await open('/ws/ocr');
    const fields = { image: small, mode: 'find_ref', find_term: '没有的词' };
    connection.send({ id: '编号', ...fields });
    const { result } = (await connection.until(isEndOf('编号'))).pop();
    assert.equal(result.metadata.method, 'none');
    connection.send({ id: '编号', image: small, mode: 'kv_json', schema: { 总额: '', 日期: '' } });
    const filled = (await connection.until(isEndOf('编号'))).pop();
    assert.deepEqual(filled.result.data, { 总额: null, 日期: null });
    assert.deepEqual(Object.keys(filled.result.data), ['总额', '日期']);
    connection.send({ id: '编号', image: small, mode: '不存在' });
    const { error } = (await connection.until(isEndOf('编号'))).pop();
    assert.match(error.message, /'不存在'/);
    await connection.close();
  });

  test('mistakes are answered and the socket goes on', async () => {
    const connection = await open('/ws/ocr');
    for (const [message, id, reason] of [
      ['nonsense', undefined, /no valid JSON/],
      [[1], undefined, /expected an object/],
      [{ image: small }, undefined, /id: expected/],
      [{ id: 7 }, 7, /image: there is none/],
      [{ id: 7, image: small, mode: 'sing' }, 7, /there is no 'sing'; there is markdown/],
      [{ id: 7, type: 'dance' }, 7, /type: expected ocr or cancel/],
      [{ id: 7, type: 'cancel' }, 7, /no page with this id/],
    ]) {
      connection.send(message);
      const answer = await connection.next();
      assert.equal(answer.type, 'error');
      assert.equal(answer.id, id);
      assert.match(answer.error.message, reason);
      assert.equal(answer.error.code, 'invalid_value');
    }
    connection.send({ id: 7, image: small, mode: 'text' });
    assert.equal((await connection.until(isEndOf(7))).pop().type, 'result');
    await connection.close();
  });
});

describe('the socket itself', () => {
  test('a key is needed, wherever it stands', async () => {
    for (const path of ['/ws/stream', '/ws/ocr']) {
      for (const headers of [{}, { authorization: `Bearer not-${key}` }, { 'x-api-key': 'short' }]) {
        await assert.rejects(connect(path, { headers }).opening, { status: 401 });
      }
      for (const [where, headers] of [
        [path, { 'x-api-key': key }],
        [`${path}?api_key=${key}`, {}],
      ]) {
        const connection = await open(where, { headers });
        await connection.close();
      }
    }
  });

  test('pages of other origins are refused', async () => {
    await assert.rejects(connect('/ws/ocr', { origin: 'https://example.org' }).opening, {
      status: 403,
    });
    const connection = await open('/ws/ocr', { origin: server.url });
    await connection.close();
  });

  test('a message above the limit ends the socket with 1009', async () => {
    const connection = await open('/ws/ocr');
    connection.send({ id: 1, image: 'A'.repeat(1_600_000) });
    assert.equal(await connection.closing, 1009);
  });

  test('binary messages are refused with 1003', async () => {
    const connection = await open('/ws/stream');
    connection.socket.send(Buffer.from('{}'));
    assert.equal(await connection.closing, 1003);
  });

  test('compression is offered in vain', async () => {
    for (const perMessageDeflate of [true, false]) {
      const connection = await open('/ws/ocr', { perMessageDeflate });
      assert.equal(connection.socket.extensions, '');
      connection.send({ id: 1, image: small, mode: 'text' });
      assert.equal((await connection.until(isEndOf(1))).pop().type, 'result');
      await connection.close();
    }
  });

  test('pings are answered', async () => {
    const { socket, close } = await open('/ws/ocr');
    const pong = new Promise((resolve) => socket.on('pong', (data) => resolve(data.toString())));
    socket.ping('还在吗');
    assert.equal(await pong, '还在吗');
    await close();
  });

  test('a client that goes away leaves nothing behind', async () => {
    const connection = await open('/ws/stream');
    connection.send({ prompt: 'Hello', max_tokens: 4000, ignore_eos: true });
    await connection.next();
    connection.socket.terminate();
    for (;;) {
      const metrics = await (
        await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${key}` } })
      ).text();
      if (/^vllm:num_requests_running\S* 0$/m.test(metrics)) break;
    }
  });
});
