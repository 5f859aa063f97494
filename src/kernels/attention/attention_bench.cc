// Attention of one head of the released DeepSeek-OCR's vision towers, on one thread. Arguments:
// groups, side of the grid of tokens of each, whether it has relative positions.
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "kernels/arch/test_random.h"
#include "kernels/attention/attention.h"

namespace mao {
namespace {

void BM_DenseAttention(benchmark::State& state) {
  constexpr int64_t kHeadDim = 64;
  const int64_t groups = state.range(0);
  const int64_t side = state.range(1);
  const bool has_positions = state.range(2) != 0;
  const int64_t tokens = side * side;
  TestRandom random(3);
  const auto qkv = random.Floats(static_cast<size_t>(groups * tokens * 3 * kHeadDim));
  const auto table = random.Floats(static_cast<size_t>((2 * side - 1) * kHeadDim));
  const RelativePositions relative = {side, table.data(), table.data()};
  std::vector<int32_t> rows(static_cast<size_t>(groups * tokens));
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<float> out(static_cast<size_t>(groups * tokens * kHeadDim));
  DenseAttentionArgs args;
  args.qkv = qkv.data();
  args.qkv_stride = 3 * kHeadDim;
  args.rows = rows.data();
  args.num_groups = groups;
  args.group_size = tokens;
  args.num_heads = 1;
  args.head_dim = kHeadDim;
  args.scale = 0.125f;
  args.compute = DType::kBF16;
  args.relative = has_positions ? &relative : nullptr;
  args.out = out.data();
  args.out_stride = kHeadDim;
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> scratch(DenseAttentionScratchBytes(groups, tokens, 1, kHeadDim, side) /
                            sizeof(Line));
  ThreadPool pool(1);
  for (auto _ : state) {
    DenseAttention(args, std::as_writable_bytes(std::span(scratch)), pool);
    benchmark::ClobberMemory();
  }
  state.counters["weights/s"] = benchmark::Counter(static_cast<double>(groups * tokens * tokens),
                                                   benchmark::Counter::kIsIterationInvariantRate);
}
// SAM on a view of 1024: whole, and its windows; CLIP.
BENCHMARK(BM_DenseAttention)->Args({1, 64, 1})->Args({25, 14, 1})->Args({1, 16, 0});

}  // namespace
}  // namespace mao
