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
#ifndef MAOOCR_KERNELS_DOT_DOT_H_
#define MAOOCR_KERNELS_DOT_DOT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/dtype.h"
#include "base/thread_pool.h"

namespace mao {

inline constexpr int64_t kDotPanelColumns = 16;  // outputs of one panel
inline constexpr int64_t kDotBlockDepth = 32;    // k of one tile
inline constexpr int64_t kDotTileElements = kDotPanelColumns * kDotBlockDepth;

// Packed weights [n, k] of type kBF16 or kF32. Panel p holds outputs 16p..16p+15 as k/32 tiles;
// row j of a tile holds k = 2j and 2j+1 for 16 outputs: interleaved pairs for kBF16 (an AMX tile
// as it stands), even then odd for kF32. n is padded with zero columns; k must be a multiple of 32.
struct PackedWeights {
  DType dtype = DType::kBF16;
  int64_t n = 0;
  int64_t k = 0;
  const std::byte* data = nullptr;  // 64-byte aligned

  int64_t num_panels() const { return (n + kDotPanelColumns - 1) / kDotPanelColumns; }
};

size_t PackedWeightsBytes(DType dtype, int64_t n, int64_t k);

// Packs rows [0, num_rows) of source (type kBF16, kF16 or kF32, row stride in elements; unaligned
// allowed) as outputs [first_output, first_output + num_rows) of `packed`, whose memory must be
// zero before. first_output must be a multiple of 16 unless rows before it are already packed.
// A kF32 or kF16 source packed as kBF16 is rounded to nearest even.
void PackWeightRows(const void* source, DType source_dtype, int64_t source_stride, int64_t num_rows,
                    const PackedWeights& packed, int64_t first_output);

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
