#!/usr/bin/env node
// Throughput and latency of a server with an OpenAI interface, by number of clients at once.
//
//   node tools/serve_bench.mjs --url http://127.0.0.1:8000 [--model NAME] [--concurrency 1,2,4,8,16,32]
//        [--requests N] [--max-tokens N] [--ignore-eos] [--mode MODE] [--prompt TEXT] [--json FILE] PAGE...
//
// Each client reads one page after the other, streaming, as if nobody had asked about that page
// before: without the server's result cache, and with a cache salt of its own (llama-server:
// cache_prompt off). Prints pages and tokens a second, and percentiles of the time to the first token
// and to the last.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    model: { type: 'string' },
    concurrency: { type: 'string', default: '1,2,4,8,16,32' },
    requests: { type: 'string', default: '32' },
    'max-tokens': { type: 'string', default: '256' },
    'ignore-eos': { type: 'boolean', default: false },
    mode: { type: 'string' },
    prompt: { type: 'string', default: '<|grounding|>Convert the document to markdown.' },
    json: { type: 'string' },
  },
});
if (files.length === 0) {
  console.error('usage: node tools/serve_bench.mjs [--url URL] [options] PAGE...');
  process.exit(2);
}
const mimeTypes = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp' };
const pages = await Promise.all(
  files.map(async (file) => {
    const type = mimeTypes[file.split('.').pop().toLowerCase()];
    if (!type) throw new Error(`${file}: known are ${Object.keys(mimeTypes).join(', ')}`);
    return `data:${type};base64,${(await readFile(file)).toString('base64')}`;
  }),
);
const model = values.model ?? (await (await fetch(`${values.url}/v1/models`)).json()).data[0].id;

async function readPage(index, run) {
  const start = performance.now();
  const response = await fetch(`${values.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache' },
    body: JSON.stringify({
      model,
      temperature: 0,
      cache_salt: `${run}-${index}`,
      cache_prompt: false,
      ...(values['ignore-eos'] && { ignore_eos: true }),
      ...(values.mode && { mm_processor_kwargs: { mode: values.mode } }),
      max_tokens: Number(values['max-tokens']),
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: pages[index % pages.length] } },
            { type: 'text', text: values.prompt },
          ],
        },
      ],
    }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  const decoder = new TextDecoder();
  let first;
  let tokens = 0;
  let rest = '';
  for await (const bytes of response.body) {
    rest += decoder.decode(bytes, { stream: true });
    const events = rest.split('\n\n');
    rest = events.pop();
    for (const event of events) {
      if (!event.startsWith('data: {')) continue;
      const chunk = JSON.parse(event.slice(6));
      if (chunk.choices[0]?.delta?.content) first ??= performance.now();
      if (chunk.usage) tokens = chunk.usage.completion_tokens;
    }
  }
  const end = performance.now();
  return { first: (first ?? end) - start, total: end - start, tokens };
}

function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

async function measure(concurrency) {
  const count = Math.max(Number(values.requests), concurrency);
  const results = [];
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next < count) {
        const index = next;
        next += 1;
        results.push(await readPage(index, `${process.pid}-${concurrency}`));
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const totals = results.map((result) => result.total / 1000);
  const firsts = results.map((result) => result.first / 1000);
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  return {
    concurrency,
    pages_per_second: count / seconds,
    tokens_per_second: tokens / seconds,
    first_token_s: { p50: percentile(firsts, 0.5), p95: percentile(firsts, 0.95), p99: percentile(firsts, 0.99) },
    latency_s: { p50: percentile(totals, 0.5), p95: percentile(totals, 0.95), p99: percentile(totals, 0.99) },
  };
}

await readPage(0, `${process.pid}-warm`); // loads what is loaded once
console.log('clients  pages/s   tok/s   first token p50/p95/p99 s   whole page p50/p95/p99 s');
const rows = [];
for (const concurrency of values.concurrency.split(',').map(Number)) {
  const row = await measure(concurrency);
  rows.push(row);
  const times = ({ p50, p95, p99 }) => [p50, p95, p99].map((time) => time.toFixed(2)).join(' / ');
  console.log(
    `${String(concurrency).padStart(7)} ${row.pages_per_second.toFixed(2).padStart(8)} ${row.tokens_per_second.toFixed(0).padStart(7)}   ${times(row.first_token_s).padEnd(25)} ${times(row.latency_s)}`,
  );
}
if (values.json) await writeFile(values.json, JSON.stringify({ model, files, rows }, null, 2));
