// llama.cpp's stages, by its own programs. Batch benchmarks and prefill have repetitions of their own, of which the
// best counts; llama-mtmd-cli warms up before the one encoding that is measured.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { exists, jsonLines, run, warmPageCache } from './run.mjs';

// llama.cpp 0.7 cuts pages into one column of tiles, whatever their shape: a page of 1280 x 1920 becomes 3, where
// DeepSeek-OCR makes 2 x 3 of it. This one becomes 6; what is on it does not change the time.
const gundamTiles = 6;
const gundamPage = { name: 'gundam_6_tiles.pgm', width: 640, height: 640 * gundamTiles };
const whitePgm = ({ width, height }) =>
  Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), Buffer.alloc(width * height, 255)]);

export function makeLlama({ llama, gguf, model, threads, page, pageTokens }) {
  const program = (name) => (llama === '' ? name : path.join(llama, name));
  const ggufOf = (type) => path.resolve(gguf, `text-${type}.gguf`);
  const mmproj = path.resolve(gguf, 'mmproj-f16.gguf');
  const common = (format) => ['-m', ggufOf(format.llama), '-t', threads];
  const bench = async (format, args) => {
    const { stdout } = await run(program('llama-bench'), [...common(format), ...args, '-r', '3', '-o', 'json']);
    return JSON.parse(stdout);
  };
  const read = (format, image, tokens, ...args) =>
    run(program('llama-mtmd-cli'), [
      ...common(format), '--mmproj', mmproj, '--chat-template', 'deepseek-ocr', '-c', '4096', '--verbose', '--temp', '0',
      '--ignore-eos', '--image', image, '-p', 'Free_OCR.', '-n', String(tokens), ...args,
    ]);
  // Seconds of all encodings of an image, which must have been cut into so many tiles (besides the view of 1024).
  const encodeSeconds = async (format, image, tiles) => {
    const { stdout, stderr } = await read(format, image, 1);
    const log = stdout + stderr;
    const grid = /grid size: \d+ x \d+ \((\d+) tiles\)/.exec(log);
    const times = [...log.matchAll(/(?:encoding done|slice encoded) in (\d+) ms/g)].map((match) => Number(match[1]));
    if (!grid || Number(grid[1]) !== tiles) {
      throw new Error(`llama-mtmd-cli cut ${image} into ${grid?.[1] ?? 'an unknown number of'} tiles, not ${tiles}`);
    }
    if (times.length === 0) throw new Error('llama-mtmd-cli says no encoding time');
    return times.reduce((sum, time) => sum + time) / 1000;
  };
  // llama.cpp may see the folder of its models only.
  const beside = (image) => path.resolve(gguf, path.basename(image));

  return {
    name: 'llama.cpp',
    prepare: async (formats) => {
      await run(program('llama-bench'), ['--help']);
      await mkdir(gguf, { recursive: true });
      if (!(await exists(mmproj))) {
        console.error("> writing the model in llama.cpp's format");
        await run('build/release/tools/maoocr-make-gguf', [model, gguf]);
      }
      for (const { llama: type } of formats) {
        if (await exists(ggufOf(type))) continue;
        console.error(`> llama-quantize to ${type}`);
        await run(program('llama-quantize'), [ggufOf('bf16'), ggufOf(type), type.toUpperCase(), threads]);
      }
      if (path.resolve(page) !== beside(page)) await copyFile(page, beside(page));
      await writeFile(beside(gundamPage.name), whitePgm(gundamPage));
    },
    encode: async (format) => ({ encodeS: await encodeSeconds(format, beside(page), 0) }),
    gundam: async (format) => ({ gundamS: await encodeSeconds(format, beside(gundamPage.name), gundamTiles) }),
    prefill: async (format) => {
      const rows = await bench(format, ['-p', '290,1000', '-n', '0']);
      const speed = (tokens) => Math.max(...rows.find((row) => row.n_prompt === tokens).samples_ts);
      return { prefill290: speed(290), prefill1000: speed(1000) };
    },
    decode: async (format) => {
      const [row] = await bench(format, ['-p', '0', '-n', '32', '-d', '512']);
      return { decode1: Math.max(...row.samples_ts) };
    },
    batches: async (format) => {
      const { stdout } = await run(program('llama-batched-bench'), [
        ...common(format), '-c', '8192', '-npp', '512', '-ntg', '32', '-npl', '4,8', '--output-format', 'jsonl',
      ]);
      const speed = (batch) => {
        const row = jsonLines(stdout).find(({ pl }) => pl === batch);
        if (row === undefined) throw new Error(`llama-batched-bench gives no figure for ${batch} sequences`);
        return row.speed_tg;
      };
      return { decode4: speed(4), decode8: speed(8) };
    },
    page: async (format) => {
      await warmPageCache(ggufOf(format.llama), mmproj);
      const { seconds, peakMib } = await read(format, beside(page), pageTokens, '--no-warmup'); // it reads one
      return { pageS: seconds, peakMib };
    },
  };
}
