#!/usr/bin/env node
// MaoOCR, llama.cpp and PyTorch side by side, stage by stage, with a model of DeepSeek-OCR's released dimensions, and
// beside them what this machine could do at most. One process at a time, so that none disturbs another; a stage and
// format of one right after that of the other, and the machine's floors right before, so that all see the same minute.
//
//   node tools/bench_peers.mjs [--llama FOLDER] [--torch COMMAND] [--torch-script FILE] [--model FOLDER]
//        [--gguf FOLDER] [--packed FOLDER] [--page FILE] [--threads N]
//        [--formats bf16,8bit,4bit] [--stages encode,gundam,prefill,decode,batches,page] [--page-tokens 256]
//        [--json FILE]
//
// `make bench-peers` makes the model and runs this.
// --llama: where llama-bench, llama-batched-bench, llama-quantize and llama-mtmd-cli are; without it (and LLAMA_BIN)
//   they are looked for in PATH.
// --torch: how to start a Python that has torch and transformers, such as "python3" or "chroot FOLDER python3";
//   without it (and TORCH) there is no PyTorch column. --torch-script: where that Python finds tools/torch_peer.py.
// --gguf and --packed: where the model is kept in llama.cpp's format and, by `maoocr quantize`, in ours; made if
//   missing (13 GB each). The pages for llama.cpp are put into --gguf.
// --page: gives one view of 1024 in llama.cpp (no side above 640).
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { leastOf } from './peers/amounts.mjs';
import { makeLlama } from './peers/llama.mjs';
import { makeMaoocr } from './peers/maoocr.mjs';
import { jsonLines, run } from './peers/run.mjs';
import { makeTorch } from './peers/torch.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: {
    llama: text(process.env.LLAMA_BIN ?? ''),
    torch: text(process.env.TORCH ?? ''),
    'torch-script': text(path.resolve('tools/torch_peer.py')),
    model: text('build/released-size'),
    gguf: text('build/released-size-gguf'),
    packed: text('build/released-size-packed'),
    page: text('tests/fixtures/maoocr-tiny/tiny_free.png'),
    threads: text(String(os.availableParallelism())),
    formats: text('bf16,8bit,4bit'),
    stages: text('encode,gundam,prefill,decode,batches,page'),
    'page-tokens': text('256'),
    json: { type: 'string' },
  },
});
const pageTokens = Number(values['page-tokens']); // written for the whole page
const settings = { ...values, torchScript: values['torch-script'], pageTokens };
// What each program calls the format; PyTorch has the first only.
const formats = {
  bf16: { name: 'bf16', ours: 'none', llama: 'bf16', torch: true },
  '8bit': { name: '8bit', ours: 'int8', llama: 'q8_0', torch: false },
  '4bit': { name: '4bit', ours: 'int4', llama: 'q4_0', torch: false },
};
// By stage, its rows. The page encoder has one format whatever the language model's is: bf16, and F16 in llama.cpp.
const stages = {
  encode: { vision: true, rows: { encodeS: 'encode, one view of 1024, s' } },
  gundam: { vision: true, rows: { gundamS: 'encode, 6 tiles of 640 and a view of 1024, s' } },
  prefill: { rows: { prefill290: 'prefill of 290 tokens, tok/s', prefill1000: 'prefill of 1,000 tokens, tok/s' } },
  decode: { rows: { decode1: 'decode at 512 tokens of context, tok/s' } },
  batches: { rows: { decode4: 'the same, 4 sequences, tok/s in all', decode8: 'the same, 8 sequences, tok/s in all' } },
  page: {
    rows: {
      pageS: `a page of 1024 and ${pageTokens} tokens, process start to end, s`,
      peakMib: 'peak memory of that, MiB',
    },
  },
};
const smallerIsBetter = (row) => row.endsWith('S') || row === 'peakMib';
const show = (value) =>
  value === undefined ? '' : value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
const print = (cells) => console.log(`| ${cells.join(' | ')} |`);
const reasons = [];
const explain = (reason) => {
  reasons.push(reason);
  console.error(`> ${reason}`);
};

function chosen(list, table, option) {
  const names = list.split(',');
  const unknown = names.find((name) => !(name in table));
  if (unknown !== undefined) throw new Error(`--${option}: '${unknown}' is none of ${Object.keys(table)}`);
  return names;
}

// Lines of maoocr-bench-floors.
async function measureFloors(threadCounts, passes) {
  const args = ['--threads', threadCounts.join(','), '--passes', String(passes)];
  return jsonLines((await run('build/release/tools/maoocr-bench-floors', args)).stdout);
}

const floorNames = {
  read: ['sequential read of memory, GB/s', 1e9],
  amx_bf16: ['AMX bf16, tiles in registers, TFLOP/s', 1e12],
  amx_int8: ['AMX int8, tiles in registers, TOP/s', 1e12],
  amx_bf16_loading: ['AMX bf16, a tile load per product, TFLOP/s', 1e12],
  amx_int8_loading: ['AMX int8, a tile load per product, TOP/s', 1e12],
  avx512_float_fma: ['AVX-512 float multiply-add, TFLOP/s', 1e12],
};

async function printFloors() {
  const lines = await measureFloors([...new Set([1, Number(values.threads)])], 9);
  print(['floor of this machine', 'threads', 'median', 'best']);
  print(['---', '---', '---', '---']);
  for (const { name, threads, per_second, best_per_second } of lines) {
    const [title, unit] = floorNames[name];
    print([title, threads, show(per_second / unit), show(best_per_second / unit)]);
  }
  console.log();
  return lines;
}

// A peer whose program is not there has no column.
async function usablePeers(formatList) {
  const peers = [makeLlama(settings)];
  if (values.torch === '') explain('PyTorch: left out, --torch is not given');
  else peers.push(makeTorch(settings));
  const usable = [];
  for (const peer of peers) {
    const reason = await peer.prepare(formatList).then(() => '', (error) => error.message);
    if (reason === '') usable.push(peer);
    else explain(`${peer.name}: left out, ${reason}`);
  }
  return usable;
}

function printRow(row, title, format, programs, figures, least) {
  const [ours, ...theirs] = programs.map(({ name }) => figures[name][row]);
  const known = theirs.filter((figure) => figure !== undefined);
  const best = smallerIsBetter(row) ? Math.min(...known) : Math.max(...known);
  const times = (a, b) => (smallerIsBetter(row) ? b / a : a / b);
  print([
    title, format, show(ours), ...theirs.map(show), known.length === 0 ? '' : times(ours, best).toFixed(2),
    show(least), least === undefined ? '' : `${(100 * times(ours, least)).toFixed(0)} %`,
  ]);
}

// One stage of all programs, one after the other.
async function measureStage(stage, format, programs) {
  const measured = await measureFloors([Number(values.threads)], 5);
  const floors = Object.fromEntries(measured.map(({ name, per_second }) => [name, per_second]));
  const figures = {};
  for (const program of programs) {
    figures[program.name] = await program[stage](format).catch((error) => {
      if (program === programs[0]) throw error; // our own
      explain(`${program.name}, ${stage}, ${format.name}: ${error.message}`);
      return {};
    });
  }
  const least = {};
  for (const [row, title] of Object.entries(stages[stage].rows)) {
    least[row] = leastOf(row, format.name, floors, pageTokens);
    printRow(row, title, format.name, programs, figures, least[row]);
  }
  return { stage, format: format.name, floors, figures, least };
}

const formatList = chosen(values.formats, formats, 'formats').map((name) => formats[name]);
const stageList = chosen(values.stages, stages, 'stages');
const maoocr = makeMaoocr(settings);
await maoocr.prepare(formatList);
const programs = [maoocr, ...(await usablePeers(formatList))];
const results = { threads: Number(values.threads), machineFloors: await printFloors(), stages: [], reasons };
const header = ['stage', 'format', ...programs.map(({ name }) => name), 'times the best peer', 'floor', 'of the floor'];
print(header);
print(header.map(() => '---'));
for (const stage of stageList.filter((name) => stages[name].vision)) {
  // With any weights of the language model: the encoder's are the same.
  results.stages.push(await measureStage(stage, { ...formatList[0], name: 'bf16', torch: true }, programs));
}
for (const format of formatList) {
  for (const stage of stageList.filter((name) => !stages[name].vision)) {
    results.stages.push(await measureStage(stage, format, programs));
  }
}
if (reasons.length > 0) console.log(`\nEmpty or missing:\n${reasons.map((reason) => `- ${reason}`).join('\n')}`);
if (values.json) await writeFile(values.json, JSON.stringify(results, null, 2));
