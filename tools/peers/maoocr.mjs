// MaoOCR's stages, by maoocr-bench and `maoocr ocr`.
import path from 'node:path';
import { best, jsonLines, run, warmPageCache } from './run.mjs';

const program = 'build/release/src/apps/maoocr';
const benchProgram = 'build/release/tools/maoocr-bench';

export function makeMaoocr({ model, packed, threads, page, pageTokens }) {
  const folderOf = (format) => path.join(packed, format.ours);
  const bench = async (format, { modes = 'none', prefill = '0', decode = '0' }) => {
    const stages = ['--modes', modes, '--prefill', prefill, '--decode', decode];
    return jsonLines((await run(benchProgram, [folderOf(format), '--threads', threads, ...stages, '--repeat', '3'])).stdout);
  };
  return {
    name: 'MaoOCR',
    // Packed ahead, as llama.cpp's weights are quantised ahead. Does nothing where the folder is complete.
    prepare: async (formats) => {
      for (const format of formats) await run(program, ['quantize', model, folderOf(format), '--quantization', format.ours]);
    },
    encode: async (format) => {
      const lines = await bench(format, { modes: 'base' });
      return { encodeS: best(lines, 'encode', 'seconds', { mode: 'base' }) };
    },
    gundam: async (format) => {
      const lines = await bench(format, { modes: 'gundam' }); // its page has 6 tiles and the view of 1024
      return { gundamS: best(lines, 'encode', 'seconds', { mode: 'gundam' }) };
    },
    prefill: async (format) => {
      const lines = await bench(format, { prefill: '290,1000' });
      const speed = (tokens) => best(lines, 'prefill', 'tokens_per_second', { tokens });
      return { prefill290: speed(290), prefill1000: speed(1000) };
    },
    decode: async (format) => {
      const lines = await bench(format, { decode: '1' });
      return { decode1: best(lines, 'decode', 'tokens_per_second', { batch: 1 }) };
    },
    batches: async (format) => {
      const lines = await bench(format, { decode: '4,8' });
      const speed = (batch) => best(lines, 'decode', 'tokens_per_second', { batch });
      return { decode4: speed(4), decode8: speed(8) };
    },
    page: async (format) => {
      await warmPageCache(folderOf(format));
      const { stdout, seconds, peakMib } = await run(program, [
        'ocr', page, '--model', folderOf(format), '--threads', threads, '--mode', 'base', '--task', 'text',
        '--max-tokens', String(pageTokens), '--format', 'json', '--quiet',
      ]);
      const tokens = JSON.parse(stdout).tokens.output;
      if (tokens !== pageTokens) throw new Error(`the page ended after ${tokens} of ${pageTokens} tokens`);
      return { pageS: seconds, peakMib };
    },
  };
}
