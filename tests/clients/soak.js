// A long time of rough treatment: readers, clients that hang up, broken and oversize requests, all
// at once. Every complete answer must be the right one, memory must stay flat after the warm-up, and
// in the end nothing may be left in the server.
//
//   MAOOCR=build/release/src/apps/maoocr node tests/clients/soak.js [MINUTES] [CLIENTS]
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { pageUri, startServer } from './server.js';

const minutes = Number(process.argv[2] ?? 20);
const numClients = Number(process.argv[3] ?? 8);
const tasks = ['<|grounding|>Convert the document to markdown.', 'Free OCR.', '<|grounding|>OCR this image.'];
const modes = ['tiny', 'small', 'base'];
const fixtures = 'tests/fixtures/maoocr-tiny/';
const files = ['samples/page.png', `${fixtures}base_free.png`, `${fixtures}base_markdown.png`, `${fixtures}tiny_free.png`];

const server = await startServer(['--max-num-seqs', '8']);
const pages = await Promise.all(files.map(pageUri));
const expected = new Map(); // of each kind of request: its text
const counts = { right: 0, hungUp: 0, refused: 0, busy: 0 };
const random = (n) => Math.floor(Math.random() * n);
const pick = (list) => list[random(list.length)];

function body(page, task, mode, extra) {
  return {
    model: 'maoocr-tiny',
    max_tokens: 200,
    mm_processor_kwargs: { mode },
    messages: [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: page } }, { type: 'text', text: task }] },
    ],
    ...extra,
  };
}

const post = (json, options = {}) =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    body: typeof json === 'string' ? json : JSON.stringify(json),
    ...options,
    headers: { 'Cache-Control': Math.random() < 0.8 ? 'no-cache' : 'max-age=60', ...options.headers },
  });

// Returns the text of a stream; with `limit` hangs up after so many chunks.
async function readStream(response, limit = Infinity) {
  const decoder = new TextDecoder();
  let text = '';
  let rest = '';
  let ended = false;
  let chunks = 0;
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    const events = rest.split('\n\n');
    rest = events.pop();
    for (const event of events) {
      if (event === 'data: [DONE]') ended = true;
      else if (event.startsWith('data: ')) {
        const chunk = JSON.parse(event.slice(6));
        assert.ok(!chunk.error, event);
        text += chunk.choices[0]?.delta?.content ?? '';
      }
      chunks += 1;
    }
    if (chunks >= limit) return undefined; // leaving the loop closes the connection
  }
  assert.ok(ended, 'a stream without its end');
  return text;
}

async function read() {
  const [page, task, mode] = [random(pages.length), random(tasks.length), pick(modes)];
  const stream = Math.random() < 0.5;
  const response = await post(body(pages[page], tasks[task], mode, { stream }));
  if (response.status === 429) {
    counts.busy += 1;
    return;
  }
  assert.equal(response.status, 200);
  const text = stream ? await readStream(response) : (await response.json()).choices[0].message.content;
  const kind = `${page} ${task} ${mode}`;
  if (!expected.has(kind)) expected.set(kind, text);
  assert.equal(text, expected.get(kind), `another answer to ${kind}`);
  counts.right += 1;
}

async function hangUp() {
  const abort = new AbortController();
  const json = body(pick(pages), pick(tasks), pick(modes), { stream: Math.random() < 0.7 });
  const timer = setTimeout(() => abort.abort(), random(1500));
  try {
    const response = await post(json, { signal: abort.signal });
    await readStream(response, 1 + random(60)).catch(() => {});
    abort.abort();
  } catch (error) {
    assert.equal(error.name, 'AbortError');
  }
  clearTimeout(timer);
  counts.hungUp += 1;
}

async function sendWrong() {
  const wrong = [
    [400, () => post('{"model":')],
    [400, () => post(`${'['.repeat(100000)}`)],
    [400, () => post(body('data:image/png;base64,AAAA', 'x', 'tiny'))],
    [422, () => post(body(pages[0].slice(0, 3000), 'x', 'tiny'))],
    [400, () => post(body(pages[0], 'x', 'huge'))],
    [404, () => post({ ...body(pages[0], 'x', 'tiny'), model: 'other' })],
    [413, () => post('x'.repeat(53 * 1024 * 1024))],
    [404, () => fetch(`${server.url}/nothing`)],
  ];
  const [status, send] = pick(wrong);
  assert.equal((await send()).status, status);
  counts.refused += 1;
}

// A connection that says half a thing and goes.
async function sendGarbage() {
  const { hostname, port } = new URL(server.url);
  await new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname, () => {
      socket.write(pick(['GET / HT', 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{', '\0\x01\x02\r\n\r\n']));
      setTimeout(() => socket.destroy(), random(300));
    });
    socket.on('close', resolve);
    socket.on('error', () => {});
  });
  counts.hungUp += 1;
}

const residentMb = () =>
  Number(/VmRSS:\s+(\d+)/.exec(execFileSync('cat', [`/proc/${server.child.pid}/status`]).toString())[1]) / 1024;

async function metric(name) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
}

const end = Date.now() + minutes * 60_000;
async function client() {
  while (Date.now() < end) {
    const dice = Math.random();
    await (dice < 0.5 ? read() : dice < 0.75 ? hangUp() : dice < 0.9 ? sendWrong() : sendGarbage());
  }
}

const samples = [];
const watch = setInterval(() => {
  samples.push(residentMb());
  console.log(
    `${Math.round((end - Date.now()) / 1000)} s left: ${samples.at(-1).toFixed(0)} MB resident, ${JSON.stringify(counts)}`,
  );
}, Math.max(2000, minutes * 1000));
await Promise.all(Array.from({ length: numClients }, client));
clearInterval(watch);

// All is over: nothing may be left.
for (const name of ['vllm:num_requests_running', 'vllm:num_requests_waiting', 'vllm:kv_cache_usage_perc']) {
  const deadline = Date.now() + 10_000;
  while ((await metric(name)) !== 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await metric(name), 0, name);
}
assert.equal(await metric('vllm:request_success_total{') > 0, true);
assert.equal(await server.stop(), 0);
const half = samples.slice(Math.floor(samples.length / 2));
const quarter = samples.slice(Math.floor(samples.length / 4), Math.floor(samples.length / 2));
console.log(JSON.stringify({ minutes, numClients, ...counts, residentMb: { secondQuarter: Math.max(...quarter), lastHalf: Math.max(...half) } }));
assert.ok(
  Math.max(...half) <= Math.max(...quarter) * 1.05 + 20,
  `memory grows: ${samples.map((mb) => mb.toFixed(0)).join(' ')} MB`,
);
