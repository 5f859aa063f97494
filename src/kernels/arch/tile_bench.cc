// What tile instructions cost beside vector instructions, and what loops of them reach on operands
// of different places and values: the figures of docs/kernels.md, "Tiles and vectors on one core".
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/cpu_features.h"
#include "base/dtype.h"
#include "base/float16.h"
#include "kernels/arch/amx_tiles.h"
#include "kernels/arch/test_random.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kTileElements = 512;
constexpr int64_t kTileFloats = 256;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The core's cycles per second now: a chain of multiplications of three cycles each.
double ClockRate() {
  constexpr int kRounds = 20000;
  int64_t x = 1;
  const auto start = Clock::now();
  for (int i = 0; i < kRounds; ++i) {
    asm volatile("imul %0, %0\n imul %0, %0\n imul %0, %0\n imul %0, %0" : "+r"(x));
  }
  return 12.0 * kRounds / SecondsSince(start);
}

// Ten independent operations of 512 bits, on registers that hold zeros.
#define MAO_TEN(operation)                                                                       \
  asm volatile(operation                                                                         \
               " %%zmm31, %%zmm30, %%zmm16\n" operation " %%zmm31, %%zmm30, %%zmm17\n" operation \
               " %%zmm31, %%zmm30, %%zmm18\n" operation " %%zmm31, %%zmm30, %%zmm19\n" operation \
               " %%zmm31, %%zmm30, %%zmm20\n" operation " %%zmm31, %%zmm30, %%zmm21\n" operation \
               " %%zmm31, %%zmm30, %%zmm22\n" operation " %%zmm31, %%zmm30, %%zmm23\n" operation \
               " %%zmm31, %%zmm30, %%zmm24\n" operation " %%zmm31, %%zmm30, %%zmm25\n" ::        \
                   : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23",     \
                     "xmm24", "xmm25")

void MultiplyAdds(int tens) {
  for (int i = 0; i < tens; ++i) MAO_TEN("vfmadd213ps");
}
void Additions(int tens) {
  for (int i = 0; i < tens; ++i) MAO_TEN("vaddps");
}
void Conversions(int tens) {
  for (int i = 0; i < tens * 10; ++i) {
    asm volatile("vcvtneps2bf16 %%zmm30, %%ymm16" ::: "xmm16");
  }
}

alignas(64) BFloat16 operand[kTileElements];
alignas(64) float sums[4 * kTileFloats];

void LoadOne() { _tile_loadd(4, operand, 64); }
void EightProducts() {
  for (int i = 0; i < 2; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 6);
    _tile_dpbf16ps(2, 4, 6);
    _tile_dpbf16ps(3, 4, 6);
  }
}
void Block() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  EightProducts();
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + kTileFloats, 64);
  _tile_stored(2, sums + 2 * kTileFloats, 64);
  _tile_stored(3, sums + 3 * kTileFloats, 64);
}

bool Begin(benchmark::State& state) {
  if (CurrentCpuIsa() < CpuIsa::kAmx) {
    state.SkipWithError("this machine has no AMX");
    return false;
  }
  ConfigureTiles();
  asm volatile("vpxord %%zmm30, %%zmm30, %%zmm30\n vpxord %%zmm31, %%zmm31, %%zmm31" ::
                   : "xmm30", "xmm31");
  return true;
}

// Cycles of one round: the median, as whatever else runs makes time longer and the clock seem slower.
template <typename Round>
void BM_Cycles(benchmark::State& state, Round round) {
  if (!Begin(state)) return;
  constexpr int kRounds = 2000;
  std::vector<double> cycles;
  for (auto _ : state) {
    const auto start = Clock::now();
    for (int i = 0; i < kRounds; ++i) round();
    const double seconds = SecondsSince(start);
    cycles.push_back(seconds * ClockRate() / kRounds);
  }
  ReleaseTiles();
  std::nth_element(cycles.begin(), cycles.begin() + cycles.size() / 2, cycles.end());
  state.counters["cycles"] = cycles[cycles.size() / 2];
}
BENCHMARK_CAPTURE(BM_Cycles, multiply_adds_200, [] { MultiplyAdds(20); });
BENCHMARK_CAPTURE(BM_Cycles, multiply_adds_200_and_a_tile_load, [] {
  LoadOne();
  MultiplyAdds(20);
});
BENCHMARK_CAPTURE(BM_Cycles, multiply_adds_2000, [] { MultiplyAdds(200); });
BENCHMARK_CAPTURE(BM_Cycles, multiply_adds_2000_and_a_tile_load, [] {
  LoadOne();
  MultiplyAdds(200);
});
BENCHMARK_CAPTURE(BM_Cycles, additions_200, [] { Additions(20); });
BENCHMARK_CAPTURE(BM_Cycles, additions_200_and_a_tile_load, [] {
  LoadOne();
  Additions(20);
});
BENCHMARK_CAPTURE(BM_Cycles, products_8, [] { EightProducts(); });
BENCHMARK_CAPTURE(BM_Cycles, products_8_and_additions_200, [] {
  EightProducts();
  Additions(20);
});
BENCHMARK_CAPTURE(BM_Cycles, products_8_and_multiply_adds_200, [] {
  EightProducts();
  MultiplyAdds(20);
});
BENCHMARK_CAPTURE(BM_Cycles, products_8_of_zeroed_sums_stored, [] { Block(); });
BENCHMARK_CAPTURE(BM_Cycles, conversions_10, [] { Conversions(1); });

// 32 rows x 32 outputs over 8 tiles of k, as dot_amx.cc does it.
void MultiplyChunk(const BFloat16* a, const BFloat16* w, int64_t k, float* target) {
  _tile_loadd(0, target, 64);
  _tile_loadd(1, target + kTileFloats, 64);
  _tile_loadd(2, target + 2 * kTileFloats, 64);
  _tile_loadd(3, target + 3 * kTileFloats, 64);
  for (int64_t i = 0; i < 8 * kTileElements; i += kTileElements) {
    _tile_loadd(4, a + i, 64);
    _tile_loadd(6, w + i, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, w + 16 * k + i, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + 16 * k + i, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  FenceTiles();
  _tile_stored(0, target, 64);
  _tile_stored(1, target + kTileFloats, 64);
  _tile_stored(2, target + 2 * kTileFloats, 64);
  _tile_stored(3, target + 3 * kTileFloats, 64);
  FenceTiles();
}

struct alignas(64) Tile {
  BFloat16 values[kTileElements];
};

// Products of `rows` rows of depth k with outputs whose weights take 4.5 MiB; `hot`: always the same
// tiles, which stay in the first-level cache.
void BM_Products(benchmark::State& state, bool hot, float magnitude) {
  if (!Begin(state)) return;
  const int64_t rows = state.range(0);
  const int64_t k = state.range(1);
  const int64_t outputs = (9 << 18) / k / 32 * 32;
  TestRandom random(1);
  const auto tiles = [&](int64_t count) {
    std::vector<Tile> result(static_cast<size_t>(count / kTileElements));
    for (Tile& tile : result) {
      const std::vector<float> values = random.Floats(kTileElements, magnitude);
      std::transform(values.begin(), values.end(), tile.values, ToBFloat16);
    }
    return result;
  };
  const std::vector<Tile> a = tiles(rows * k);
  const std::vector<Tile> w = tiles(outputs * k);
  std::vector<Tile> c(static_cast<size_t>(rows * 32 / kTileFloats));  // of floats
  for (auto _ : state) {
    for (int64_t output = 0; output < outputs; output += 32) {
      for (int64_t i = 0; i < k; i += 256) {
        for (int64_t row = 0; row < rows; row += 32) {
          MultiplyChunk(a[0].values + (hot ? 0 : row * k + i * 16),
                        w[0].values + (hot ? 0 : output * k + i * 16), k,
                        reinterpret_cast<float*>(c.data()) + (hot ? 0 : row * 32));
        }
      }
    }
  }
  ReleaseTiles();
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * static_cast<double>(rows * outputs * k),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}
void Shapes(benchmark::internal::Benchmark* bench) {
  bench->Args({672, 768})->Args({160, 3072})->UseRealTime();
}
BENCHMARK_CAPTURE(BM_Products, zeros_hot, true, 0.0f)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Products, random_hot, true, 1.0f)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Products, random, false, 1.0f)->Apply(Shapes);

}  // namespace
}  // namespace mao
