// Matrix products of the released DeepSeek-OCR's shapes. Arguments: rows, outputs, depth.
// Weights cycle through more than 256 MB, so that few-row products read them from memory.
#include <cstdlib>
#include <vector>

#include <benchmark/benchmark.h>

#include "kernels/arch/test_random.h"
#include "kernels/dot/dot.h"

namespace mao {
namespace {

void BM_Dot(benchmark::State& state, WeightFormat weights, DType compute) {
  const int64_t m = state.range(0);
  const int64_t n = state.range(1);
  const int64_t k = state.range(2);
  const size_t bytes = PackedWeightsBytes(weights, n, k);
  const size_t copies = std::max<size_t>(1, (256u << 20) / bytes);
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, bytes * copies));
  TestRandom random(1);
  const std::vector<float> w = random.Floats(static_cast<size_t>(n * k));
  for (size_t i = 0; i < copies; ++i) {
    PackWeightRows(w.data(), DType::kF32, k, n, {weights, n, k, memory + i * bytes}, 0);
  }
  const std::vector<float> a = random.Floats(static_cast<size_t>(m * k));
  auto* c = static_cast<float*>(std::aligned_alloc(64, static_cast<size_t>(m * n) * sizeof(float)));
  auto* scratch = static_cast<std::byte*>(std::aligned_alloc(64, DotScratchBytes(m, k)));
  ThreadPool pool;
  DotProblem problem;
  problem.a = a.data();
  problem.a_stride = k;
  problem.m = m;
  problem.c = c;
  problem.c_stride = n;
  size_t next = 0;
  for (auto _ : state) {
    problem.w = {weights, n, k, memory + next * bytes};
    next = (next + 1) % copies;
    Dot({&problem, 1}, compute, {scratch, DotScratchBytes(m, k)}, pool);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(m * n * k),
                                                 benchmark::Counter::kIsIterationInvariantRate);
  std::free(memory);
  std::free(scratch);
  std::free(c);
}

void Shapes(benchmark::internal::Benchmark* bench) {
  for (const int64_t m : {1, 2, 3, 4, 8, 64, 290, 1024}) bench->Args({m, 3840, 1280});
  bench->Args({1, 1280, 6848})->Args({290, 1792, 1280})->Args({4096, 3072, 768});
  bench->Args({4096, 768, 3072})->UseRealTime();
}

BENCHMARK_CAPTURE(BM_Dot, bf16, WeightFormat::kBF16, DType::kBF16)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Dot, f32_on_bf16, WeightFormat::kBF16, DType::kF32)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Dot, int8, WeightFormat::kInt8, DType::kBF16)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Dot, int4, WeightFormat::kInt4, DType::kBF16)->Apply(Shapes);

}  // namespace
}  // namespace mao
