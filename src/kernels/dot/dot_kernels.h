// What each instruction set offers to the dot driver (dot.cc).
#ifndef MAOOCR_KERNELS_DOT_DOT_KERNELS_H_
#define MAOOCR_KERNELS_DOT_DOT_KERNELS_H_

#include <stdint.h>

#include "kernels/dot/dot.h"

namespace mao {

// A block of work: panels [first_panel, last_panel) for rows [first_row, last_row) of a problem
// whose A rows were prepared by the matching Prepare function at `a`.
struct DotBlock {
  const DotProblem* problem;
  const void* a;
  int64_t first_row, last_row;
  int64_t first_panel, last_panel;
  bool stream_c = false;  // whole lines of C may go past the caches, to save reading them first
  bool round_c = false;   // c_prepared holds rounded values
  // The panels that this thread is likely to read after this block, to prefetch them.
  const std::byte* next_panels = nullptr;
  int64_t next_panel_bytes = 0;
};

// Most rows of a block.
inline constexpr int64_t kMaxRowsPerBlock = 1024;

struct DotKernels {
  // Copies rows [first_row, last_row) of A into prepared form; first_row is a multiple of 16.
  void (*prepare)(const DotProblem& problem, int64_t first_row, int64_t last_row, bool round_a,
                  void* prepared);
  void (*run)(const DotBlock& block);
};

inline constexpr int64_t kMaxGroupDepth = 128;  // of the integer formats

struct PackKernels {
  // Packs 16 rows of k bfloat16 (any alignment) as one panel.
  void (*pack_panel)(const std::byte* rows, int64_t stride_bytes, int64_t k, std::byte* panel);
  // Rounds `depth` (a multiple of 64, at most kMaxGroupDepth) weights of output `column` of a panel
  // and writes them and their scale into that panel's group. values: 64-byte aligned.
  void (*quantize_group)(WeightFormat format, const float* values, int64_t depth, int64_t column,
                         std::byte* group);
};
const PackKernels& PackKernelsInForce();

// The kernels for a product of `rows` rows with weights of this type, under the instruction set in
// force; for other kernels that are made of products.
const DotKernels& DotKernelsFor(DType compute, WeightFormat weights, int64_t rows);

// Bytes of the prepared form of `rows` rows of depth k, whatever the kernels.
inline int64_t PreparedBytes(int64_t rows, int64_t k) {
  return (rows + 15) / 16 * 16 * k * static_cast<int64_t>(sizeof(float));
}

// Prepared A of the vector kernels: float rows of stride k. Of the AMX kernel: bfloat16 tiles
// [ceil(m/16)][k/32][16][32], rows beyond m zero. Of the integer kernels: see dot_int_vector.h and
// dot_int_amx.cc.
extern const DotKernels kDotGeneric;
extern const DotKernels kDotIntGeneric;
extern const PackKernels kPackGeneric;
#if defined(__x86_64__)
extern const DotKernels kDotAvx2;
extern const DotKernels kDotIntAvx2;
extern const PackKernels kPackAvx2;
extern const DotKernels kDotAvx512;
extern const DotKernels kDotIntAvx512;
extern const PackKernels kPackAvx512;
extern const DotKernels kDotAmx;  // bfloat16 weights and rounded A only
extern const DotKernels kDotIntAmx;
#endif

}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_DOT_KERNELS_H_
