// A client that knows nothing but the address, as grpcurl: it asks the server by reflection what
// there is, and calls that.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { pdfOfPngs } from './pdf_writer.js';
import { pageUri, readPage, startServer } from './server.js';

const options = { keepCase: true, longs: Number, enums: String, oneofs: true, defaults: true };
const credentials = grpc.credentials.createInsecure();
const services = ['grpc.health.v1.Health', 'inference.GRPCInferenceService', 'maoocr.v1.OcrService'];

let server;
let address;
let clients;

const field = (type, id, rule) => ({ type, id, ...(rule && { rule }) });
// The part of the reflection protocol that is used here.
const reflection = protoLoader.fromJSON(
  {
    nested: {
      grpc: {
        nested: {
          reflection: {
            nested: {
              v1alpha: {
                nested: {
                  Request: {
                    oneofs: { kind: { oneof: ['file_containing_symbol', 'list_services'] } },
                    fields: {
                      file_containing_symbol: field('string', 4),
                      list_services: field('string', 7),
                    },
                  },
                  Files: { fields: { file_descriptor_proto: field('bytes', 1, 'repeated') } },
                  Service: { fields: { name: field('string', 1) } },
                  Services: { fields: { service: field('Service', 1, 'repeated') } },
                  Response: {
                    fields: {
                      file_descriptor_response: field('Files', 4),
                      list_services_response: field('Services', 6),
                    },
                  },
                  ServerReflection: {
                    methods: {
                      ServerReflectionInfo: {
                        requestType: 'Request',
                        requestStream: true,
                        responseType: 'Response',
                        responseStream: true,
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
  options,
);

function reflect(request) {
  const { ServerReflection } =
    grpc.loadPackageDefinition(reflection).grpc.reflection.v1alpha;
  const client = new ServerReflection(address, credentials);
  return new Promise((resolve, reject) => {
    const stream = client.ServerReflectionInfo();
    stream.on('data', (response) => {
      stream.end();
      resolve(response);
    });
    stream.on('error', reject);
    stream.on('end', () => client.close());
    stream.write(request);
  });
}

function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return Buffer.from([...bytes, number]);
}

// A client for a service, made from nothing but what the server says of it.
async function discover(name) {
  const { file_descriptor_response: files } = await reflect({ file_containing_symbol: name });
  const set = files.file_descriptor_proto.map((file) =>
    Buffer.concat([Buffer.from([0x0a]), varint(file.length), file]),
  );
  const definition = protoLoader.loadFileDescriptorSetFromBuffer(Buffer.concat(set), options);
  return new (grpc.makeClientConstructor(definition[name]))(address, credentials, {
    'grpc.max_receive_message_length': -1,
  });
}

function call(client, method, request, metadata = new grpc.Metadata(), callOptions = {}) {
  return new Promise((resolve, reject) => {
    let headers;
    client[method](request, metadata, callOptions, (error, response) =>
      error ? reject(error) : resolve({ response, headers }),
    ).on('metadata', (received) => {
      headers = received;
    });
  });
}

async function events(stream) {
  const received = [];
  for await (const event of stream) received.push(event);
  return received;
}

before(async () => {
  server = await startServer();
  [, address] = /listening on (\S+): grpc/.exec(server.log());
  const [health, inference, ocr] = await Promise.all(services.map(discover));
  clients = { health, inference, ocr };
});
after(async () => {
  for (const client of Object.values(clients ?? {})) client.close();
  assert.equal(await server.stop(), 0);
});

describe('reflection', () => {
  test('lists the services', async () => {
    const { list_services_response: list } = await reflect({ list_services: '*' });
    const names = list.service.map(({ name }) => name).sort();
    assert.deepEqual(names, [...services, 'grpc.reflection.v1alpha.ServerReflection'].sort());
  });

  test('describes their methods', () => {
    const { service } = clients.ocr.constructor;
    assert.deepEqual(Object.keys(service).sort(), [
      'Generate', 'GenerateStream', 'GetHealth', 'ListModels', 'Ocr', 'OcrStream',
    ]);
    assert.equal(service.Ocr.responseStream, false);
    assert.equal(service.OcrStream.responseStream, true);
    const { service: inference } = clients.inference.constructor;
    assert.equal(inference.ModelStreamInfer.requestStream, true);
  });
});

describe('OcrService', () => {
  test('reads a page as HTTP does', async () => {
    const http = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image_url', image_url: { url: await pageUri('samples/page.png') } },
              { type: 'text', text: '<|grounding|>Convert the document to markdown.' },
            ],
          },
        ],
      }),
    });
    const { choices, usage } = await http.json();
    const metadata = new grpc.Metadata();
    metadata.set('x-request-id', 'sample-page');
    const { response, headers } = await call(
      clients.ocr,
      'Ocr',
      { image: await readPage('samples/page.png'), options: { bypass_cache: true } },
      metadata,
    );
    assert.equal(response.raw_text, choices[0].message.content);
    assert.match(response.text, /^# The reading machine/);
    assert.doesNotMatch(response.text, /<\|/);
    const [{ label, pixels }] = response.boxes;
    assert.equal(label, 'title');
    const { width, height } = response.image_dims;
    assert.ok(pixels.x1 < pixels.x2 && pixels.x2 <= width && pixels.y2 <= height);
    assert.equal(response.metadata.finish_reason, 'stop');
    assert.equal(response.metadata.model, 'maoocr-tiny');
    assert.equal(response.metadata.cached, false);
    assert.equal(response.metadata.usage.prompt_tokens, usage.prompt_tokens);
    assert.ok(response.metadata.timings.generate_ms > 0);
    assert.equal(response.metadata.request_id, 'sample-page');
    assert.deepEqual(headers.get('x-request-id'), ['sample-page']);
  });

  test('every mode answers as /api/ocr does', async () => {
    const image = await readPage('samples/page.png');
    const box = ({ x1, y1, x2, y2 }) => [x1, y1, x2, y2];
    const schema = '{"Pages": "", "Blocks": ""}';
    for (const [mode, more] of [
      ['markdown'], ['plain_ocr'], ['ocr'], ['multilingual'], ['tables_csv'], ['tables_md'],
      ['kv_json'], ['kv_json', { schema }], ['figure_chart'], ['find_ref', { find_term: 'processor' }],
      ['layout_map'], ['pii_redact'], ['describe'], ['freeform', { prompt: 'Free OCR.' }],
      ['markdown', { include_caption: true, grounding: false, size_mode: 'tiny' }],
    ]) {
      const { size_mode: size, ...fields } = more ?? {};
      const http = await fetch(`${server.url}/api/ocr`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ image: image.toString('base64'), mode, size, ...fields }),
      });
      const rest = await http.json();
      const { response } = await call(clients.ocr, 'Ocr', { image, mode, ...more });
      assert.equal(response.text, rest.text, mode);
      assert.equal(response.raw_text, rest.raw_text);
      assert.equal(response.data, rest.data === undefined ? '' : JSON.stringify(rest.data));
      assert.equal(response.caption, rest.caption ?? '');
      assert.deepEqual(
        response.boxes.map(({ label, text, pixels, normalized }) => ({
          label, text, box: box(pixels), box_norm: box(normalized),
        })),
        rest.boxes,
      );
      assert.deepEqual(
        response.figures.map(({ path, pixels }) => ({ path, box: box(pixels) })),
        rest.figures ?? [],
      );
      assert.deepEqual(response.image_dims, { width: rest.image_dims.w, height: rest.image_dims.h });
      const { metadata } = response;
      assert.equal(metadata.usage.prompt_tokens, rest.metadata.tokens.prompt);
      assert.equal(metadata.usage.image_tokens, rest.metadata.tokens.image);
      assert.equal(metadata.usage.completion_tokens, rest.metadata.tokens.output);
      assert.equal(metadata.num_generations, rest.metadata.generations);
      assert.equal(metadata.size_mode, rest.metadata.size);
      for (const name of ['mode', 'grounding', 'finish_reason', 'model']) {
        assert.equal(metadata[name], rest.metadata[name]);
      }
      assert.equal(metadata.method, rest.metadata.method ?? '');
      for (const name of ['missing', 'ignored']) {
        assert.deepEqual(metadata[name], rest.metadata[name] ?? []);
      }
    }
  });

  test('streams the text of the whole answer', async () => {
    const image = await readPage('tests/fixtures/maoocr-tiny/base_free.png');
    const request = { image, mode: 'text', options: { bypass_cache: true } };
    const received = await events(clients.ocr.OcrStream(request));
    const result = received.pop();
    assert.equal(result.event, 'result');
    assert.ok(received.length > 5);
    assert.ok(received.every(({ event }) => event === 'delta'));
    const text = received.map(({ delta }) => delta.text).join('');
    assert.equal(text, result.result.raw_text);
    assert.doesNotMatch(text, /\uFFFD/);
    const { response } = await call(clients.ocr, 'Ocr', request);
    assert.equal(response.raw_text, text);
  });

  test('a PDF as HTTP reads it', async () => {
    const png = await readPage('samples/page.png');
    const image = pdfOfPngs([png, png]);
    const http = await fetch(`${server.url}/api/ocr?size=base`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/pdf' },
      body: image,
    });
    const rest = await http.json();
    const request = { image, size_mode: 'base' };
    const { response } = await call(clients.ocr, 'Ocr', request);
    assert.equal(response.text, rest.text);
    assert.equal(response.raw_text, rest.raw_text);
    assert.equal(response.image_dims, null);
    assert.deepEqual(response.pages.map(({ page }) => page), [1, 2]);
    response.pages.forEach(({ outcome, result }, i) => {
      assert.equal(outcome, 'result');
      assert.equal(result.text, rest.pages[i].text);
      assert.equal(result.boxes.length, rest.pages[i].boxes.length);
    });
    assert.equal(response.metadata.pages_total, 2);
    assert.equal(response.metadata.usage.completion_tokens, rest.metadata.tokens.output);
    await assert.rejects(call(clients.ocr, 'Ocr', { ...request, pages: '3' }), {
      code: grpc.status.OUT_OF_RANGE,
      details: /no page 3; the document has 2/,
    });

    const received = await events(clients.ocr.OcrStream({ ...request, options: { bypass_cache: true } }));
    const result = received.pop();
    assert.equal(result.event, 'result');
    assert.equal(result.result.text, rest.text);
    assert.deepEqual(result.result.pages, []);
    const progress = received.filter(({ event }) => event === 'progress');
    assert.deepEqual(progress.map((event) => event.progress.pages_done), [0, 1, 2]);
    const pages = received.filter(({ event }) => event === 'page').map(({ page }) => page);
    assert.deepEqual(pages.map(({ page }) => page), [1, 2]);
    for (const { page, result: read } of pages) {
      const deltas = received.filter(({ event, delta }) => event === 'delta' && delta.page === page);
      assert.ok(deltas.length > (page === 1 ? 2 : 0)); // a later page may be done when its turn comes
      assert.equal(deltas.map(({ delta }) => delta.text).join(''), read.raw_text);
    }
  });

  test('generates without an image', async () => {
    const { response } = await call(clients.ocr, 'Generate', {
      prompt: 'Hello',
      sampling: { max_tokens: 4, ignore_eos: true },
    });
    assert.equal(response.metadata.finish_reason, 'length');
    assert.equal(response.metadata.usage.completion_tokens, 4);
  });

  test('cancelling stops the work', async () => {
    const image = await readPage('samples/page.png');
    const stream = clients.ocr.OcrStream({ image, options: { bypass_cache: true } });
    await assert.rejects(
      async () => {
        for await (const event of stream) {
          assert.equal(event.event, 'delta');
          stream.cancel();
        }
      },
      { code: grpc.status.CANCELLED },
    );
    for (;;) {
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      if (/^vllm:num_requests_running\S* 0$/m.test(metrics)) break;
    }
  });

  test('errors have a code and a reason', async () => {
    const deadline = () => ({ deadline: Date.now() + 50 });
    const image = await readPage('samples/page.png');
    const none = new grpc.Metadata();
    await assert.rejects(
      call(clients.ocr, 'Ocr', { image, options: { bypass_cache: true } }, none, deadline()),
      { code: grpc.status.DEADLINE_EXCEEDED },
    );
    await assert.rejects(call(clients.ocr, 'Ocr', { image, mode: 'nonsense' }), {
      code: grpc.status.INVALID_ARGUMENT,
      details: /mode: there is no 'nonsense'; there is markdown/,
    });
    await assert.rejects(call(clients.ocr, 'Ocr', { image: Buffer.alloc(60 << 20) }), {
      code: grpc.status.RESOURCE_EXHAUSTED,
    });
  });

  test('tells its models and its health', async () => {
    const { response } = await call(clients.ocr, 'ListModels', {});
    assert.equal(response.models[0].name, 'maoocr-tiny');
    assert.equal(response.models[0].state, 'loaded');
    const { response: health } = await call(clients.ocr, 'GetHealth', {});
    const http = await (await fetch(`${server.url}/health`)).json();
    assert.equal(health.status, http.status);
    assert.equal(health.inference_engine, http.inference_engine);
  });
});

describe('health', () => {
  test('every service is serving', async () => {
    for (const service of ['', ...services]) {
      const { response } = await call(clients.health, 'Check', { service });
      assert.equal(response.status, 'SERVING');
    }
    await assert.rejects(call(clients.health, 'Check', { service: 'nonsense' }), {
      code: grpc.status.NOT_FOUND,
    });
  });
});

// Descriptors give maps as lists of key and value.
describe('Open Inference Protocol', () => {
  const bytes = (name) => ({ name, datatype: 'BYTES', shape: [1] });
  const raw = (element) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(element.length);
    return Buffer.concat([length, element]);
  };

  test('ModelInfer reads a page from raw tensors', async () => {
    const image = await readPage('tests/fixtures/maoocr-tiny/tiny_free.png');
    const { response } = await call(clients.inference, 'ModelInfer', {
      model_name: 'maoocr-tiny',
      id: '17',
      inputs: [bytes('image'), bytes('prompt')],
      raw_input_contents: [raw(image), raw(Buffer.from('Free OCR.'))],
      parameters: [{ key: 'size_mode', value: { string_param: 'tiny' } }],
    });
    assert.equal(response.id, '17');
    assert.deepEqual(response.outputs.map(({ name }) => name), ['text', 'raw_text']);
    const text = response.raw_output_contents[1];
    assert.equal(text.readUInt32LE(0), text.length - 4);
    const { response: native } = await call(clients.ocr, 'Ocr', {
      image,
      mode: 'text',
      size_mode: 'tiny',
    });
    assert.equal(text.subarray(4).toString(), native.raw_text);
    assert.equal(native.metadata.size_mode, 'tiny');
  });

  test('ModelStreamInfer sends pieces', async () => {
    const image = await readPage('tests/fixtures/maoocr-tiny/tiny_free.png');
    const stream = clients.inference.ModelStreamInfer();
    stream.write({
      model_name: 'maoocr-tiny',
      inputs: [{ ...bytes('image'), contents: { bytes_contents: [image] } }],
      parameters: ['stream', 'bypass_cache'].map((key) => ({ key, value: { bool_param: true } })),
    });
    stream.end();
    const received = await events(stream);
    const last = received.pop().infer_response;
    const joined = received.map(({ infer_response: { outputs } }) =>
      outputs[0].contents.bytes_contents[0].toString(),
    );
    assert.ok(joined.length > 5);
    assert.equal(joined.join(''), last.outputs[1].contents.bytes_contents[0].toString());
    const final = last.parameters.find(({ key }) => key === 'triton_final_response');
    assert.equal(final.value.bool_param, true);
  });
});
