// PyTorch's stages, by tools/torch_peer.py. It takes part in the rows of bfloat16 only.
import { best, jsonLines, run } from './run.mjs';

export function makeTorch({ torch, torchScript, threads, pageTokens }) {
  const [command, ...first] = torch.split(' ').filter((word) => word !== '');
  const measure = (args) => run(command, [...first, torchScript, '--threads', threads, ...args]);
  const stages = async (args) => jsonLines((await measure(args)).stdout);
  const only = (work) => async (format) => (format.torch ? work() : {});
  const encode = async (mode) => best(await stages(['--modes', mode]), 'encode', 'seconds', { mode });
  return {
    name: 'PyTorch',
    prepare: async () => void (await measure(['--help'])),
    encode: only(async () => ({ encodeS: await encode('base') })),
    gundam: only(async () => ({ gundamS: await encode('gundam') })),
    prefill: only(async () => {
      const lines = await stages(['--prefill', '290,1000']);
      const speed = (tokens) => best(lines, 'prefill', 'tokens_per_second', { tokens });
      return { prefill290: speed(290), prefill1000: speed(1000) };
    }),
    decode: only(async () => {
      const lines = await stages(['--decode', '1']);
      return { decode1: best(lines, 'decode', 'tokens_per_second', { batch: 1 }) };
    }),
    batches: only(async () => {
      const lines = await stages(['--decode', '4,8']);
      const speed = (batch) => best(lines, 'decode', 'tokens_per_second', { batch });
      return { decode4: speed(4), decode8: speed(8) };
    }),
    // Without the start of Python and the making of weights, in PyTorch's favour.
    page: only(async () => {
      const { stdout, peakMib } = await measure(['--page', '--page-tokens', String(pageTokens)]);
      return { pageS: best(jsonLines(stdout), 'page', 'seconds', {}), peakMib };
    }),
  };
}
