#!/usr/bin/env node
// MaoOCR and llama.cpp side by side, stage by stage, with a model of DeepSeek-OCR's released
// dimensions: one process after the other, so that neither disturbs the other.
//
//   node tools/bench_peers.mjs [--llama FOLDER] [--model FOLDER] [--gguf FOLDER] [--packed FOLDER]
//        [--page FILE] [--threads N] [--formats bf16,8bit,4bit] [--json FILE]
//
// `make bench-peers` makes the model and runs this. --llama: where llama-bench, llama-batched-bench,
// llama-quantize and llama-mtmd-cli are; without it they are looked for in PATH. --gguf and
// --packed: where the model is kept in llama.cpp's format and, by `maoocr quantize`, in ours; made
// if missing (13 GB each).
import { spawn } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    llama: { type: 'string', default: process.env.LLAMA_BIN ?? '' },
    model: { type: 'string', default: 'build/released-size' },
    gguf: { type: 'string', default: 'build/released-size-gguf' },
    packed: { type: 'string', default: 'build/released-size-packed' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    formats: { type: 'string', default: 'bf16,8bit,4bit' },
    page: { type: 'string', default: 'tests/fixtures/maoocr-tiny/tiny_free.png' },
    json: { type: 'string' },
  },
});
const tools = 'build/release/tools';
const maoocr = 'build/release/src/apps/maoocr';
const pageTokens = 256; // written for the whole page
const formats = {
  bf16: { ours: 'none', theirs: 'bf16' },
  '8bit': { ours: 'int8', theirs: 'q8_0' },
  '4bit': { ours: 'int4', theirs: 'q4_0' },
};
const llama = (name) => (values.llama === '' ? name : path.join(values.llama, name));
const ggufOf = (type) => path.resolve(values.gguf, `text-${type}.gguf`);
const mmproj = path.resolve(values.gguf, 'mmproj-f16.gguf');
const exists = (file) => access(file).then(() => true, () => false);

// Runs a program to its end; { stdout, stderr, peakMib } or an error that says what it wrote.
async function run(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '', peakMib: 0, seconds: 0 };
  const start = performance.now();
  for (const name of ['stdout', 'stderr']) child[name].on('data', (data) => (output[name] += data));
  const watch = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    const peak = /VmHWM:\s+(\d+)/.exec(status);
    if (peak) output.peakMib = Math.max(output.peakMib, Math.round(Number(peak[1]) / 1024));
  }, 200);
  const code = await new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}; llama.cpp is needed, see --llama`)));
    child.on('close', resolve);
  }).finally(() => clearInterval(watch));
  output.seconds = (performance.now() - start) / 1000;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output.stderr.slice(-2000)}`);
  return output;
}

async function makePacked() {
  for (const format of values.formats.split(',')) {
    const to = formats[format].ours;
    // Says so, and does nothing, where the folder is complete.
    await run(maoocr, ['quantize', values.model, path.join(values.packed, to), '--quantization', to]);
  }
}

async function makeGguf() {
  await mkdir(values.gguf, { recursive: true });
  if (!(await exists(mmproj))) {
    console.error('> writing the model in llama.cpp\'s format');
    await run(`${tools}/maoocr-make-gguf`, [values.model, values.gguf]);
  }
  for (const type of ['q8_0', 'q4_0']) {
    if (await exists(ggufOf(type))) continue;
    console.error(`> llama-quantize to ${type}`);
    await run(llama('llama-quantize'), [ggufOf('bf16'), ggufOf(type), type.toUpperCase(), values.threads]);
  }
}

const lines = (text) => text.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));

async function ours(format) {
  const model = path.join(values.packed, formats[format].ours);
  const { stdout } = await run(`${tools}/maoocr-bench`, [
    model, '--threads', values.threads, '--modes', format === 'bf16' ? 'base' : 'tiny',
    '--prefill', '290,1000', '--decode', '1,4,8', '--repeat', '3',
  ]);
  const stages = lines(stdout);
  const best = (stage, key, match) =>
    Math.max(...stages.filter((row) => row.stage === stage && match(row)).map((row) => row[key]));
  const page = await run(maoocr, [
    'ocr', values.page, '--model', model, '--threads', values.threads, '--mode', 'base', '--task', 'text',
    '--max-tokens', String(pageTokens), '--format', 'json', '--quiet',
  ]);
  const tokens = JSON.parse(page.stdout).tokens.output;
  if (tokens !== pageTokens) throw new Error(`the page ended after ${tokens} of ${pageTokens} tokens`);
  return {
    encodeS: format === 'bf16' ? 1 / best('encode', 'per_second', (row) => row.mode === 'base') : undefined,
    prefill290: best('prefill', 'tokens_per_second', (row) => row.tokens === 290),
    prefill1000: best('prefill', 'tokens_per_second', (row) => row.tokens === 1000),
    decode1: best('decode', 'tokens_per_second', (row) => row.batch === 1),
    decode4: best('decode', 'tokens_per_second', (row) => row.batch === 4),
    decode8: best('decode', 'tokens_per_second', (row) => row.batch === 8),
    pageS: page.seconds,
    peakMib: page.peakMib,
  };
}

async function theirs(format) {
  const model = ggufOf(formats[format].theirs);
  const common = ['-m', model, '-t', values.threads];
  const bench = async (args) =>
    JSON.parse((await run(llama('llama-bench'), [...common, ...args, '-r', '2', '-o', 'json'])).stdout);
  const prefill = await bench(['-p', '290,1000', '-n', '0']);
  const decode = await bench(['-p', '0', '-n', '32', '-d', '512']);
  const batched = await run(llama('llama-batched-bench'), [
    ...common, '-c', '8192', '-npp', '512', '-ntg', '32', '-npl', '4,8', '--output-format', 'jsonl',
  ]);
  const batches = lines(batched.stdout);
  const speed = (tokens) => prefill.find((row) => row.n_prompt === tokens).avg_ts;
  const page = await run(llama('llama-mtmd-cli'), [
    ...common, '--mmproj', mmproj, '--chat-template', 'deepseek-ocr', '-c', '4096', '--verbose', '--temp', '0',
    '--ignore-eos', '--image', path.resolve(values.page), '-p', 'Free_OCR.', '-n', String(pageTokens),
  ]);
  const time = /(?:encoding done|slice encoded) in (\d+) ms/.exec(page.stdout + page.stderr);
  const encodeS = format === 'bf16' && time ? Number(time[1]) / 1000 : undefined;
  return {
    encodeS,
    prefill290: speed(290),
    prefill1000: speed(1000),
    decode1: decode[0].avg_ts,
    decode4: batches.find((row) => row.pl === 4).speed_tg,
    decode8: batches.find((row) => row.pl === 8).speed_tg,
    pageS: page.seconds,
    peakMib: page.peakMib,
  };
}

const rowNames = {
  encodeS: 'encode, one view of 1024, s (mmproj in F16)',
  prefill290: 'prefill of 290 tokens, tok/s',
  prefill1000: 'prefill of 1,000 tokens, tok/s',
  decode1: 'decode at 512 tokens of context, tok/s',
  decode4: 'the same, 4 sequences, tok/s in all',
  decode8: 'the same, 8 sequences, tok/s in all',
  pageS: `a page of 1024 and ${pageTokens} tokens, process start to end, s`,
  peakMib: 'peak memory of that, MiB',
};

await makePacked();
await makeGguf();
const results = {};
console.log('| stage | format | MaoOCR | llama.cpp | ratio |\n| --- | --- | --- | --- | --- |');
for (const format of values.formats.split(',')) {
  results[format] = { ours: await ours(format), theirs: await theirs(format) };
  const { ours: us, theirs: them } = results[format];
  for (const [key, name] of Object.entries(rowNames)) {
    if (us[key] === undefined || them[key] === undefined) continue;
    const smallerIsBetter = ['encodeS', 'pageS', 'peakMib'].includes(key);
    const ratio = smallerIsBetter ? them[key] / us[key] : us[key] / them[key];
    const show = (value) => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3));
    console.log(`| ${name} | ${format} | ${show(us[key])} | ${show(them[key])} | ${ratio.toFixed(2)} |`);
  }
}
if (values.json) await writeFile(values.json, JSON.stringify(results, null, 2));
