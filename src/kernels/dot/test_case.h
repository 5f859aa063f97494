// For tests of matrix products: a random product with everything it needs.
#ifndef MAOOCR_KERNELS_DOT_TEST_CASE_H_
#define MAOOCR_KERNELS_DOT_TEST_CASE_H_

#include <algorithm>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/arch/test_random.h"
#include "kernels/dot/dot.h"

namespace mao {

struct AlignedBytes {
  explicit AlignedBytes(size_t size)
      : data(static_cast<std::byte*>(std::aligned_alloc(64, (size + 63) / 64 * 64 + 64))),
        size_bytes(size) {
    std::fill(data, data + size, std::byte{0});
  }
  ~AlignedBytes() { std::free(data); }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  std::byte* data;
  size_t size_bytes;
};

// One random product with everything it needs.
struct Case {
  Case(int64_t m, int64_t n, int64_t k, WeightFormat format, uint64_t seed)
      : random(seed),
        a(random.Floats(static_cast<size_t>(m * k))),
        w(random.Floats(static_cast<size_t>(n * k))),
        bias(random.Floats(static_cast<size_t>(n))),
        c(static_cast<size_t>(m * n), 0.5f),
        packed(PackedWeightsBytes(format, n, k)) {
    if (format == WeightFormat::kBF16) {
      for (float& value : w) value = ToFloat(ToBFloat16(value));
    }
    problem.a = a.data();
    problem.a_stride = k;
    problem.m = m;
    problem.w = {format, n, k, packed.data};
    problem.c = c.data();
    problem.c_stride = n;
    PackWeightRows(w.data(), DType::kF32, k, n, problem.w, 0);
  }

  TestRandom random;
  std::vector<float> a, w, bias, c;
  AlignedBytes packed;
  DotProblem problem;
};

inline void RunDot(std::span<const DotProblem> problems, DType compute, size_t num_threads = 2) {
  int64_t rows = 0;
  int64_t max_k = 0;
  for (const DotProblem& problem : problems) {
    rows += (problem.m + 15) / 16 * 16;
    max_k = std::max(max_k, problem.w.k);
  }
  AlignedBytes scratch(DotScratchBytes(rows, max_k));
  ThreadPool pool(num_threads);
  Dot(problems, compute, {scratch.data, scratch.size_bytes}, pool);
}

}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_TEST_CASE_H_
