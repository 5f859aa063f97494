// Starts `maoocr serve` on a free port and stops it again.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

export const root =
  process.env.MAOOCR_ROOT ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const program = process.env.MAOOCR ?? path.join(root, 'build/release/src/apps/maoocr');

// Resolves when the model answers. `url` is the server's address.
export async function startServer(args = [], env = {}) {
  const ownFolder = args.includes('--data-dir') ? undefined : await mkdtemp(path.join(os.tmpdir(), 'maoocr-'));
  const folder = ownFolder ? ['--data-dir', ownFolder] : [];
  const child = spawn(program, ['serve', '--port', '0', '--grpc-port', '0', ...folder, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let log = '';
  const url = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`maoocr serve ended with ${code}:\n${log}`)));
    child.stderr.on('data', (data) => {
      log += data;
      const found = /listening on (https?:\/\/\S+): /.exec(log);
      if (found) resolve(found[1]);
    });
  });
  for (;;) {
    const health = await fetch(`${url}/health`).catch(() => undefined);
    if (health?.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    child,
    log: () => log,
    // Resolves to the exit code.
    stop: (signal = 'SIGTERM') =>
      new Promise((resolve) => {
        child.once('exit', async (code, by) => {
          if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
          resolve(code ?? by);
        });
        child.kill(signal);
      }),
  };
}

export async function readPage(name) {
  return readFile(path.join(root, name));
}

export async function pageUri(name) {
  return `data:image/png;base64,${(await readPage(name)).toString('base64')}`;
}
