// Programs run to their end, one at a time, and what they wrote.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { access, readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

// { stdout, stderr, peakMib, seconds }, or an error that says what the program wrote last. peakMib is
// the largest resident set, files that it maps included.
export async function run(command, args) {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '', peakMib: 0, seconds: 0 };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (data) => (output[name] += data));
  const watch = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    const peak = /VmHWM:\s+(\d+)/.exec(status);
    if (peak) output.peakMib = Math.max(output.peakMib, Math.round(Number(peak[1]) / 1024));
  }, 200);
  const code = await new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', resolve);
  }).finally(() => clearInterval(watch));
  output.seconds = (performance.now() - start) / 1000;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output.stderr.slice(-2000)}`);
  return output;
}

// The JSON objects among a program's lines.
export const jsonLines = (text) =>
  text.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));

// The best figure of a stage among lines of maoocr-bench or torch_peer.py.
export function best(lines, stage, key, match) {
  const figures = lines
    .filter((line) => line.stage === stage && Object.entries(match).every(([name, value]) => line[name] === value))
    .map((line) => line[key]);
  if (figures.length === 0) throw new Error(`no figure for ${stage} ${JSON.stringify(match)}`);
  return key === 'seconds' ? Math.min(...figures) : Math.max(...figures);
}

// Reads files, and those in folders, so that the next program finds them in the page cache.
export async function warmPageCache(...paths) {
  for (const name of paths) {
    const files = (await stat(name)).isDirectory()
      ? (await readdir(name)).map((file) => path.join(name, file))
      : [name];
    for (const file of files) {
      for await (const piece of createReadStream(file, { highWaterMark: 1 << 23 })) void piece;
    }
  }
}

export const exists = (file) => access(file).then(() => true, () => false);
