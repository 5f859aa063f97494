// Matrix products with packed weights: C[m, n] = epilogue(sum over k of A[m, k] * W[n, k]).
//
// Arithmetic (the same bits on every instruction set, for every number of rows, threads and
// blockings). k runs in blocks of 32. Within a block two sums are kept, over even and over odd k,
// each starting at 0 and growing by fused multiply-adds in the order of k; their sum is then added
// to the total. This is what one AMX TDPBF16PS does in hardware (Intel SDM vol. 2), so that tile
// and vector kernels may be mixed freely. Error bound per output: eps * (K/32 + 18) * sum |a * w|.
//
// compute == kBF16 rounds A to bfloat16 first (products of bfloat16 are exact in float);
// compute == kF32 uses A as it is. Weights are never rounded here: packing decided their type.
//
// Weights of an integer format: every group of A (as deep as those of the weights) is rounded to
// scale_a * q_a with q_a in -127..127 and scale_a = max |a| / 127, whatever compute says. The groups
// join in the order of k: total = fma(sum(q_a * q_w), scale_a * scale_w, total), and with kInt4 then
// total = fma(scale_a * sum(q_a), min_w, total). The sums are integers, hence exact in any order.
// Error bound per output against the product of the rounded values: eps * (2 * groups + 4) *
// sum over groups of (|sum q_a q_w| scale_a scale_w + |scale_a sum q_a min_w|).
#ifndef MAOOCR_KERNELS_DOT_DOT_H_
#define MAOOCR_KERNELS_DOT_DOT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/dtype.h"
#include "base/thread_pool.h"
#include "kernels/dot/packed_weights.h"

namespace mao {

enum class Activation : uint8_t { kNone, kGelu, kQuickGelu };

// One product. Row i of A is a + a_rows[i] * a_stride, or a + i * a_stride without a_rows.
// C[i, j] = act(dot + bias[j]), added to what C holds if accumulate. C must not overlap A.
struct DotProblem {
  const float* a = nullptr;
  int64_t a_stride = 0;
  const int32_t* a_rows = nullptr;
  int64_t m = 0;
  PackedWeights w;
  const float* bias = nullptr;
  Activation act = Activation::kNone;
  bool accumulate = false;
  float* c = nullptr;
  int64_t c_stride = 0;
  // For a product whose outputs are the next one's A: the first writes them to c_prepared, in the
  // form in which kernels read A, and the second reads a_prepared; c and a are not used then. Both
  // have as many rows, weights of the same float format and the same `compute`; the n of the first,
  // which is the k of the second, is a multiple of 32. Memory: DotScratchBytes(m, n), 64-byte
  // aligned.
  std::byte* c_prepared = nullptr;
  const std::byte* a_prepared = nullptr;
};

// Scratch memory for problems of at most total_rows rows together (each problem counts its rows
// rounded up to 16) of at most max_k depth.
size_t DotScratchBytes(int64_t total_rows, int64_t max_k);

// Computes all problems in two parallel loops; results do not depend on the grouping. scratch:
// 64-byte aligned, DotScratchBytes of the problems' sum. At most kMaxDotProblems problems.
inline constexpr size_t kMaxDotProblems = 512;
void Dot(std::span<const DotProblem> problems, DType compute, std::span<std::byte> scratch,
         ThreadPool& pool);

}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_DOT_H_
