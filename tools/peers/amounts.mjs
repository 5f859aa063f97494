// What a stage must at least compute and read, from DeepSeek-OCR's dimensions, and from that and the machine's
// measured floors the time that it takes at least. Activations and what is kept in the caches count nothing.
const hidden = 1280, layers = 12, vocabulary = 129280;
const experts = 64, chosen = 6, shared = 2, expertWidth = 896, denseWidth = 6848;
const expert = 3 * hidden * expertWidth; // gate, up and down
const sparseLayers = layers - 1;

// Weights of the language model; of the embeddings a token reads one row.
const weights = {
  attention: layers * 4 * hidden * hidden,
  head: vocabulary * hidden,
  dense: 3 * hidden * denseWidth + sparseLayers * shared * expert,
  router: sparseLayers * experts * hidden,
  experts: sparseLayers * experts * expert,
};
// Bytes of a weight in our formats (docs/kernels.md): with 8 bits a float for 128 weights, with 4 bits two bfloat16
// for 64; there attention and head keep 8 bits. Routers are float in all.
const int8 = 1 + 4 / 128, int4 = 0.5 + 4 / 64;
const bytesOf = {
  bf16: { attention: 2, head: 2, mlp: 2 },
  '8bit': { attention: int8, head: int8, mlp: int8 },
  '4bit': { attention: int8, head: int8, mlp: int4 },
};
const cacheBytes = layers * 2 * hidden * 2; // of a position: keys and values in bfloat16

// Experts of a layer that `tokens` tokens touch, if each chooses 6 of 64 alike and independently.
const touched = (tokens) => experts * (1 - (1 - chosen / experts) ** tokens);

function weightBytes(format, tokens) {
  const bytes = bytesOf[format];
  return weights.attention * bytes.attention + weights.head * bytes.head + weights.router * 4 +
    (weights.dense + weights.experts * touched(tokens) / experts) * bytes.mlp;
}

// One token for each of `batch` sequences with `context` positions each.
const decodeBytes = (format, batch, context) => weightBytes(format, batch) + batch * context * cacheBytes;

// Multiplications and additions of a prompt: causal attention, the head for the last token only.
const prefillFlop = (tokens) =>
  2 * (weights.attention + weights.dense + weights.router + sparseLayers * chosen * expert) * tokens +
  layers * 4 * hidden * tokens * (tokens + 1) / 2 + 2 * weights.head;

// SAM ViT-B (patches of 16, 12 layers of 768, windows of 14 x 14 but for four layers that see the whole view, relative
// positions on both axes), its neck and the two convolutions that compress 16 times.
function samFlop(side) {
  const grid = side / 16, patches = grid ** 2, windowed = Math.ceil(grid / 14) ** 2 * 196;
  let flop = 2 * patches * 768 * 768;
  for (const [count, tokens, seen, axis] of [[8, windowed, 196, 14], [4, patches, patches, grid]]) {
    flop += count * (2 * tokens * 768 * (3 * 768 + 768) + 2 * patches * 2 * 768 * 3072 + 4 * tokens * seen * 768 +
      2 * tokens * 2 * axis * 768);
  }
  return flop + 2 * patches * 256 * (768 + 9 * 256) + 2 * (patches / 4) * 256 * 512 * 9 + 2 * (patches / 16) * 512 * 1024 * 9;
}
// CLIP-L (24 layers of 1024) on what SAM gives, and the projection to the language model.
function viewFlop(side) {
  const rows = (side / 64) ** 2, tokens = rows + 1;
  const clip = 24 * (2 * tokens * (4 * 1024 ** 2 + 2 * 1024 * 4096) + 4 * tokens * tokens * 1024);
  return samFlop(side) + clip + 2 * rows * 2048 * hidden;
}

// The least a row of the table can be, in its own unit; undefined where this machine's floors say nothing.
// floors: { read, amx_bf16, ... } in bytes or operations per second.
export function leastOf(row, format, floors, pageTokens) {
  const least = timeOrRate(row, format, floors, pageTokens);
  return Number.isFinite(least) ? least : undefined;
}

function timeOrRate(row, format, floors, pageTokens) {
  const bf16Rate = floors.amx_bf16 ?? floors.avx512_float_fma ?? NaN;
  const textRate = format === 'bf16' ? bf16Rate : (floors.amx_int8 ?? NaN);
  const prefillS = (tokens) => Math.max(prefillFlop(tokens) / textRate, weightBytes(format, tokens) / floors.read);
  const decodeS = (batch, context) => decodeBytes(format, batch, context) / floors.read;
  const encodeS = viewFlop(1024) / bf16Rate;
  const meanContext = 512 + 16; // of 32 tokens
  switch (row) {
    case 'encodeS': return encodeS;
    case 'gundamS': return encodeS + 6 * viewFlop(640) / bf16Rate;
    case 'prefill290': return 290 / prefillS(290);
    case 'prefill1000': return 1000 / prefillS(1000);
    case 'decode1': return 1 / decodeS(1, meanContext);
    case 'decode4': return 4 / decodeS(4, meanContext);
    case 'decode8': return 8 / decodeS(8, meanContext);
    case 'pageS': return encodeS + prefillS(290) + (pageTokens - 1) * decodeS(1, 290 + pageTokens / 2);
    default: return undefined;
  }
}
