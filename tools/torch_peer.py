#!/usr/bin/env python3
"""Measures the stages of DeepSeek-OCR in PyTorch on a CPU, in bfloat16, with random weights of the
released dimensions. Prints one JSON object per line, with the keys of maoocr-bench.

  torch_peer.py [--threads N] [--modes base,gundam] [--prefill 290,1000] [--decode 1,4,8] [--page]
                [--context 512] [--steps 32] [--repeat 3] [--page-prompt 290] [--page-tokens 256]

Needs torch, and transformers (5.12 or newer) for the page encoder. The encoder is made of the modules
of transformers; the language model is plain PyTorch written for speed (q, k and v as one product, gate
and up as one, a static cache, only the experts that were chosen), because it is faster than theirs.
Only what was asked for is made, and random weights take time to make: that time counts nowhere. --page is the first page of the process, encoded, prefilled and continued.
"""
import argparse
import json
import os
import time

parser = argparse.ArgumentParser(description="Measures the stages of DeepSeek-OCR in PyTorch.")
numbers = lambda text: [int(number) for number in text.split(",") if number]
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--modes", default="", help="base (a view of 1024), gundam (and 6 tiles of 640)")
parser.add_argument("--prefill", type=numbers, default=[], help="prompt lengths")
parser.add_argument("--decode", type=numbers, default=[], help="batch sizes")
parser.add_argument("--page", action="store_true")
parser.add_argument("--context", type=int, default=512)
parser.add_argument("--steps", type=int, default=32)
parser.add_argument("--repeat", type=int, default=3, help="runs of encode and prefill, after one that is not counted")
parser.add_argument("--page-prompt", type=int, default=290)
parser.add_argument("--page-tokens", type=int, default=256)
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)  # is read when torch is imported
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import torch.nn.functional as F
from torch import nn

HIDDEN, LAYERS, HEADS, HEAD_DIM, VOCAB = 1280, 12, 10, 128, 129280
EXPERTS, CHOSEN, SHARED, EXPERT_WIDTH, DENSE_WIDTH = 64, 6, 2, 896, 6848
DTYPE = torch.bfloat16
POOL = torch.empty(0)


def random_tensor(*shape):
    """Gaussian weights, cut from one pool: quick to make, and what a weight is does not change the speed."""
    global POOL
    if POOL.numel() == 0:
        POOL = (torch.randn((1 << 24) + 12289) * 0.02).to(DTYPE)
    tensor = torch.empty(shape, dtype=DTYPE)
    for piece in tensor.view(-1).split(POOL.numel() // 2):
        begin = int(torch.randint(0, POOL.numel() - piece.numel() + 1, (1,)))
        piece.copy_(POOL[begin : begin + piece.numel()])
    return tensor


class PageEncoder(nn.Module):
    """SAM ViT-B with its 16x compressor, CLIP-L on its output, both joined and projected."""

    def __init__(self):
        super().__init__()
        from transformers import CLIPVisionConfig
        from transformers.models.clip.modeling_clip import CLIPEncoder
        from transformers.models.deepseek_ocr2 import configuration_deepseek_ocr2 as configuration
        from transformers.models.deepseek_ocr2 import modeling_deepseek_ocr2 as modeling

        sam = configuration.DeepseekOcr2SamVisionConfig(downsample_channels=[512, 1024])
        clip = CLIPVisionConfig(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16,
                                hidden_act="quick_gelu", layer_norm_eps=1e-5)
        sam._attn_implementation = clip._attn_implementation = "sdpa"
        self.sam = modeling.DeepseekOcr2SamVisionEncoder(sam)
        self.first = nn.Parameter(torch.empty(1024))
        self.positions = nn.Parameter(torch.empty(257, 1024))
        self.norm = nn.LayerNorm(1024)
        self.clip = CLIPEncoder(clip)
        self.projection = nn.Linear(2048, HIDDEN)

    def forward(self, views):
        """views [n, 3, side, side] -> rows [n, (side / 64)^2, HIDDEN]."""
        features = self.sam(views).last_hidden_state.flatten(2).transpose(1, 2)
        count, tokens, channels = features.shape
        side = round(tokens**0.5)
        grid = self.positions[1:].view(1, 16, 16, channels).permute(0, 3, 1, 2).float()
        if side != 16:
            grid = F.interpolate(grid, size=(side, side), mode="bicubic", antialias=True, align_corners=False)
        positions = torch.cat([self.positions[:1], grid.to(DTYPE).flatten(2)[0].T])
        x = torch.cat([self.first.expand(count, 1, channels), features], 1) + positions
        x = self.clip(inputs_embeds=self.norm(x)).last_hidden_state[:, 1:]
        return self.projection(torch.cat([x, features], -1))

    @staticmethod
    def random():
        with torch.device("meta"):
            encoder = PageEncoder()
        encoder = encoder.to(DTYPE).to_empty(device="cpu").eval()
        for name, parameter in encoder.named_parameters():
            if parameter.dim() == 1:
                parameter.data.fill_(1 if "norm" in name and name.endswith("weight") else 0)
            else:
                parameter.data.copy_(random_tensor(*parameter.shape))
        return encoder


class LanguageModel:
    """Llama-style attention and DeepSeek-V2's experts: the first layer dense, 6 of 64 and 2 shared in the others."""

    def __init__(self):
        self.embeddings, self.head = random_tensor(VOCAB, HIDDEN), random_tensor(VOCAB, HIDDEN)
        self.ones = torch.ones(HIDDEN, dtype=DTYPE)
        self.layers = []
        for index in range(LAYERS):
            width = DENSE_WIDTH if index == 0 else SHARED * EXPERT_WIDTH
            layer = {"qkv": random_tensor(3 * HIDDEN, HIDDEN), "out": random_tensor(HIDDEN, HIDDEN),
                     "gate_up": random_tensor(2 * width, HIDDEN), "down": random_tensor(HIDDEN, width)}
            if index > 0:
                layer["router"] = random_tensor(EXPERTS, HIDDEN).float()
                layer["expert_gate_up"] = random_tensor(EXPERTS, 2 * EXPERT_WIDTH, HIDDEN)
                layer["expert_down"] = random_tensor(EXPERTS, HIDDEN, EXPERT_WIDTH)
            self.layers.append(layer)

    def reserve(self, batch, length):
        shape = (2, batch, HEADS, length, HEAD_DIM)
        self.caches = [torch.zeros(shape, dtype=DTYPE) for _ in range(LAYERS)]
        angles = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, HEAD_DIM, 2) / HEAD_DIM)
        angles = torch.cat([angles, angles], -1)
        self.cos, self.sin = angles.cos().to(DTYPE), angles.sin().to(DTYPE)

    @staticmethod
    def gated(x, gate_up, down):
        gate, up = F.linear(x, gate_up).chunk(2, -1)
        return F.linear(F.silu(gate) * up, down)

    def experts(self, layer, x):
        """x [tokens, HIDDEN]: the tokens sorted by expert, one product for each expert that was chosen."""
        scores = F.softmax(F.linear(x.float(), layer["router"]), -1)
        weights, chosen = torch.topk(scores, CHOSEN, -1, sorted=False)
        chosen = chosen.flatten()
        order = torch.argsort(chosen, stable=True)
        tokens, weights = order // CHOSEN, weights.flatten()[order].to(DTYPE)
        result, gathered, begin = torch.zeros_like(x), x[tokens], 0
        for expert, count in enumerate(torch.bincount(chosen, minlength=EXPERTS).tolist()):
            if count == 0:
                continue
            end = begin + count
            y = self.gated(gathered[begin:end], layer["expert_gate_up"][expert], layer["expert_down"][expert])
            result.index_add_(0, tokens[begin:end], y * weights[begin:end, None])
            begin = end
        return result

    def forward(self, x, first):
        """x [batch, tokens, HIDDEN] at positions from `first` on -> logits of each sequence's last token."""
        batch, count, _ = x.shape
        last = first + count
        cos, sin = self.cos[first:last], self.sin[first:last]
        turn = lambda v: v * cos + torch.cat([-v[..., HEAD_DIM // 2 :], v[..., : HEAD_DIM // 2]], -1) * sin
        for layer, cache in zip(self.layers, self.caches):
            y = F.rms_norm(x, (HIDDEN,), self.ones, 1e-6)
            q, k, v = F.linear(y, layer["qkv"]).view(batch, count, 3, HEADS, HEAD_DIM).permute(2, 0, 3, 1, 4)
            cache[0][:, :, first:last], cache[1][:, :, first:last] = turn(k), v
            y = F.scaled_dot_product_attention(turn(q), cache[0][:, :, :last], cache[1][:, :, :last],
                                               is_causal=count > 1)
            x = x + F.linear(y.transpose(1, 2).reshape(batch, count, HIDDEN), layer["out"])
            y = F.rms_norm(x, (HIDDEN,), self.ones, 1e-6)
            z = self.gated(y, layer["gate_up"], layer["down"])
            if "router" in layer:
                z = z + self.experts(layer, y.view(-1, HIDDEN)).view(batch, count, HIDDEN)
            x = x + z
        return F.linear(F.rms_norm(x[:, -1], (HIDDEN,), self.ones, 1e-6), self.head)

    def embed(self, ids):
        return F.embedding(ids, self.embeddings)

    def decode(self, logits, first, steps):
        for position in range(first, first + steps):
            logits = self.forward(self.embed(logits.argmax(-1, keepdim=True)), position)
        return logits


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(**fields):
    print(json.dumps(fields), flush=True)


def encode(encoder, mode):
    views = [torch.randn(1, 3, 1024, 1024).to(DTYPE)]
    if mode == "gundam":
        views.append(torch.randn(6, 3, 640, 640).to(DTYPE))
    return [encoder(batch) for batch in views]


@torch.inference_mode()
def main():
    torch.set_num_threads(options.threads)
    modes = [mode for mode in options.modes.split(",") if mode]
    encoder = PageEncoder.random() if modes or options.page else None
    model = LanguageModel() if options.prefill or options.decode or options.page else None
    if options.page:  # before anything that would warm up for it
        prompt, tokens = options.page_prompt, options.page_tokens
        model.reserve(1, prompt + tokens)
        ids = torch.randint(0, VOCAB, (1, prompt))

        def page():
            rows = encode(encoder, "base")[0]
            x = model.embed(ids)
            x[:, : rows.shape[1]] = rows
            model.decode(model.forward(x, 0), prompt, tokens - 1)

        report(stage="page", prompt=prompt, tokens=tokens, seconds=seconds(page))
    for mode in modes:
        encode(encoder, mode)
        for _ in range(options.repeat):
            report(stage="encode", mode=mode, seconds=seconds(lambda: encode(encoder, mode)))
    for count in options.prefill:
        model.reserve(1, count)
        x = model.embed(torch.randint(0, VOCAB, (1, count)))
        model.forward(x, 0)
        for _ in range(options.repeat):
            time_taken = seconds(lambda: model.forward(x, 0))
            report(stage="prefill", tokens=count, seconds=time_taken, tokens_per_second=count / time_taken)
    for batch in options.decode:
        warm_up = 2
        model.reserve(batch, options.context + warm_up + options.steps)
        logits = model.forward(model.embed(torch.randint(0, VOCAB, (batch, options.context))), 0)
        logits = model.decode(logits, options.context, warm_up)
        time_taken = seconds(lambda: model.decode(logits, options.context + warm_up, options.steps))
        report(stage="decode", batch=batch, context=options.context, steps=options.steps,
               tokens_per_second=batch * options.steps / time_taken)


main()
