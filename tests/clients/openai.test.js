// The official openai client.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { pageUri, readPage, startServer } from './server.js';

const markdown = '<|grounding|>Convert the document to markdown.';
let server;
let client;
before(async () => {
  server = await startServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

async function page(text, extra = {}, file = 'samples/page.png') {
  return {
    model: 'maoocr-tiny',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text },
          { type: 'image_url', image_url: { url: await pageUri(file) } },
        ],
      },
    ],
    ...extra,
  };
}

describe('chat completions', () => {
  test('read a page', async () => {
    const answer = await client.chat.completions.create(await page(markdown));
    assert.equal(answer.object, 'chat.completion');
    assert.equal(answer.model, 'maoocr-tiny');
    assert.match(answer.id, /^chatcmpl-/);
    const [choice] = answer.choices;
    assert.equal(choice.finish_reason, 'stop');
    assert.match(choice.message.content, /^<\|ref\|>title<\|\/ref\|><\|det\|>.*\n# The reading machine/);
    assert.match(choice.message.content, /<td>blocks<\/td><td>8<\/td>/);
    const { usage } = answer;
    assert.ok(usage.prompt_tokens > 256 && usage.completion_tokens > 100);
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  });

  test('streams join to the whole answer, with usage in the last chunk', async () => {
    const whole = await client.chat.completions.create(await page(markdown));
    const stream = await client.chat.completions.create(
      await page(markdown, { stream: true, stream_options: { include_usage: true } }),
      { headers: { 'Cache-Control': 'no-cache' } },
    );
    let text = '';
    let role;
    let finish;
    let usage;
    let chunks = 0;
    for await (const chunk of stream) {
      chunks += 1;
      assert.equal(chunk.object, 'chat.completion.chunk');
      if (chunk.usage) usage = chunk.usage;
      if (chunk.choices.length === 0) continue;
      const [choice] = chunk.choices;
      role ??= choice.delta.role;
      text += choice.delta.content ?? '';
      finish = choice.finish_reason ?? finish;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(role, 'assistant');
    assert.equal(finish, 'stop');
    assert.ok(chunks > 50);
    assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  });

  test('other fonts and accents, never half a character', async () => {
    const stream = await client.chat.completions.create(
      await page('Free OCR.', { stream: true }, 'tests/fixtures/maoocr-tiny/base_free.png'),
    );
    let text = '';
    for await (const chunk of stream) {
      const piece = chunk.choices[0]?.delta.content ?? '';
      assert.ok(!piece.includes('\ufffd'));
      text += piece;
    }
    const { output } = JSON.parse(await readPage('tests/fixtures/maoocr-tiny/base_free.json'));
    assert.equal(text.trim(), output.trim());
  });

  test('the image may stand before the text, and the text hold <image>', async () => {
    const body = await page(markdown);
    const whole = await client.chat.completions.create(body);
    body.messages[0].content.reverse();
    body.messages[0].content[1].text = `<image>\n${markdown}`;
    const other = await client.chat.completions.create(body);
    assert.equal(other.choices[0].message.content, whole.choices[0].message.content);
  });

  test('max_tokens, stop, n, seed', async () => {
    const cut = await client.chat.completions.create(await page(markdown, { max_tokens: 5 }));
    assert.equal(cut.choices[0].finish_reason, 'length');
    assert.equal(cut.usage.completion_tokens, 5);
    const stopped = await client.chat.completions.create(await page(markdown, { stop: ['machine'] }));
    assert.match(stopped.choices[0].message.content, /# The reading $/);
    assert.equal(stopped.choices[0].finish_reason, 'stop');
    const several = await client.chat.completions.create(
      await page(markdown, { n: 3, max_tokens: 8, temperature: 2, seed: 7 }),
    );
    assert.deepEqual(several.choices.map((choice) => choice.index), [0, 1, 2]);
    const again = await client.chat.completions.create(
      await page(markdown, { n: 3, max_tokens: 8, temperature: 2, seed: 7 }),
      { headers: { 'Cache-Control': 'no-cache' } },
    );
    assert.deepEqual(again.choices, several.choices);
  });

  test('logprobs', async () => {
    const answer = await client.chat.completions.create(
      await page(markdown, { max_tokens: 4, logprobs: true, top_logprobs: 2 }),
    );
    const { content } = answer.choices[0].logprobs;
    assert.equal(content.length, 4);
    for (const token of content) {
      assert.ok(token.logprob <= 0);
      assert.equal(token.top_logprobs.length, 2);
      assert.equal(token.top_logprobs[0].token, token.token); // greedy
      assert.equal(Buffer.from(token.bytes).toString(), token.token);
    }
  });

  test("vLLM's fields", async () => {
    const answer = await client.chat.completions.create(
      await page(markdown, {
        skip_special_tokens: true,
        max_tokens: 30,
        vllm_xargs: { ngram_size: 30, window_size: 90, whitelist_token_ids: '[1, 2]' },
        mm_processor_kwargs: { mode: 'tiny' },
      }),
    );
    assert.ok(!answer.choices[0].message.content.includes('<|ref|>'));
    assert.ok(answer.usage.prompt_tokens < 100); // 73 image rows in mode tiny
  });
});

describe('structured output', () => {
  const schema = {
    type: 'object',
    properties: {
      title: { type: 'string', maxLength: 20 },
      pages: { type: 'integer', minimum: 1, maximum: 99 },
      kind: { enum: ['letter', 'report', '报告'] },
    },
    required: ['title', 'pages', 'kind'],
    additionalProperties: false,
  };
  test('json_schema', async () => {
    const answer = await client.chat.completions.create(
      await page('Describe this image in detail.', {
        max_tokens: 200,
        response_format: { type: 'json_schema', json_schema: { name: 'page', schema } },
      }),
    );
    const value = JSON.parse(answer.choices[0].message.content);
    assert.deepEqual(Object.keys(value), ['title', 'pages', 'kind']);
    assert.ok(Number.isInteger(value.pages) && value.pages >= 1 && value.pages <= 99);
    assert.ok(schema.properties.kind.enum.includes(value.kind));
  });
  test("vLLM's choice and regex", async () => {
    const choose = async (structured_outputs) =>
      (await client.chat.completions.create(await page('Free OCR.', { max_tokens: 20, structured_outputs })))
        .choices[0].message.content;
    assert.ok(['yes', 'no'].includes(await choose({ choice: ['yes', 'no'] })));
    assert.match(await choose({ regex: '[0-9]{3}-[a-c]+x' }), /^[0-9]{3}-[a-c]+x$|^[0-9]{3}-[a-c]+$/);
  });
  test('what is not supported is named', async () => {
    await assert.rejects(
      client.chat.completions.create(
        await page('x', { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { not: {} } } } }),
      ),
      (error) => error.status === 400 && /not/.test(error.message),
    );
  });
});

describe('errors', () => {
  const fails = async (body, status, pattern) => {
    await assert.rejects(client.chat.completions.create(body), (error) => {
      assert.equal(error.status, status);
      assert.match(error.message, pattern);
      assert.match(error.headers['x-request-id'], /^[0-9a-f]{32}$/);
      return true;
    });
  };
  test('unknown model', async () => fails({ ...(await page('x')), model: 'nope' }, 404, /no model 'nope'/));
  test('no messages', () => fails({ model: 'maoocr-tiny', messages: [] }, 400, /messages/));
  test('wrong type', async () =>
    fails(await page('x', { max_tokens: 'many' }), 400, /max_tokens: expected an integer/));
  test('out of range', async () => fails(await page('x', { top_p: 3 }), 400, /top_p/));
  test('not an image', async () => {
    const body = await page('x');
    body.messages[0].content[1].image_url.url = `data:image/png;base64,${btoa('hello')}`;
    await fails(body, 400, /known format/);
  });
  test('corrupt image', async () => {
    const body = await page('x');
    const uri = await pageUri('samples/page.png');
    body.messages[0].content[1].image_url.url = uri.slice(0, 4000);
    await fails(body, 422, /truncated/);
  });
  test('unknown mode', async () =>
    fails(await page('x', { mm_processor_kwargs: { mode: 'enormous' } }), 400, /enormous/));
  test('no JSON', async () => {
    const response = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: '{' });
    assert.equal(response.status, 400);
    assert.equal((await response.json()).error.type, 'invalid_request_error');
  });
});

test('completions, with echo and several prompts', async () => {
  const answer = await client.completions.create({
    model: 'maoocr-tiny',
    prompt: ['Free', 'OCR'],
    max_tokens: 3,
    echo: true,
  });
  assert.equal(answer.object, 'text_completion');
  assert.equal(answer.choices.length, 2);
  assert.ok(answer.choices[0].text.startsWith('Free'));
  assert.ok(answer.choices[1].text.startsWith('OCR'));
});

test('models', async () => {
  const list = await client.models.list();
  assert.deepEqual(list.data.map((model) => model.id), ['maoocr-tiny']);
  assert.equal((await client.models.retrieve('maoocr-tiny')).object, 'model');
  await assert.rejects(client.models.retrieve('other'), { status: 404 });
});

test('tokenize and detokenize', async () => {
  const post = async (path_, body) =>
    (await fetch(server.url + path_, { method: 'POST', body: JSON.stringify(body) })).json();
  const { tokens, count } = await post('/tokenize', { prompt: 'Free OCR. 你好', add_special_tokens: false });
  assert.equal(tokens.length, count);
  assert.equal((await post('/detokenize', { tokens })).prompt, 'Free OCR. 你好');
});

test('a client that goes away stops its request', async () => {
  const stream = await client.chat.completions.create(await page(markdown, { stream: true }), {
    headers: { 'Cache-Control': 'no-cache' },
  });
  for await (const chunk of stream) {
    assert.ok(chunk);
    break; // closes the connection
  }
  for (;;) {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    if (/request_success_total\{[^}]*finished_reason="abort"[^}]*\} [1-9]/.test(metrics)) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
