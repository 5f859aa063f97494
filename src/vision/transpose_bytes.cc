#include "vision/transpose_bytes.h"

#include <algorithm>
#include <cstring>

namespace mao {
namespace {

constexpr size_t kSide = 16;
// GNU vectors, which both compilers turn into the byte interleaving that every SIMD unit has.
using Row = uint8_t __attribute__((vector_size(kSide)));

// Puts rows i and i + 8 byte by byte into rows 2i and 2i + 1.
inline void Interleave(const Row* rows, Row* out) {
  for (size_t i = 0; i < kSide / 2; ++i) {
    const Row a = rows[i];
    const Row b = rows[i + kSide / 2];
    out[2 * i] =
        __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    out[2 * i + 1] =
        __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
}

// Four interleavings transpose a 16 x 16 block.
void TransposeBlock(const uint8_t* in, size_t in_stride, uint8_t* out, size_t out_stride) {
  Row a[kSide];
  Row b[kSide];
  for (size_t i = 0; i < kSide; ++i) std::memcpy(&a[i], in + i * in_stride, kSide);
  Interleave(a, b);
  Interleave(b, a);
  Interleave(a, b);
  Interleave(b, a);
  for (size_t i = 0; i < kSide; ++i) std::memcpy(out + i * out_stride, &a[i], kSide);
}

// A block at the edge, by way of full ones on the stack.
void TransposePartialBlock(const uint8_t* in, size_t in_stride, size_t num_rows, size_t num_columns,
                           uint8_t* out, size_t out_stride) {
  uint8_t full_in[kSide * kSide] = {};
  uint8_t full_out[kSide * kSide];
  for (size_t r = 0; r < num_rows; ++r) {
    std::memcpy(full_in + r * kSide, in + r * in_stride, num_columns);
  }
  TransposeBlock(full_in, kSide, full_out, kSide);
  for (size_t c = 0; c < num_columns; ++c) {
    std::memcpy(out + c * out_stride, full_out + c * kSide, num_rows);
  }
}

}  // namespace

void TransposeBytes(const uint8_t* in, size_t in_stride, size_t num_rows, size_t num_columns,
                    uint8_t* out, size_t out_stride) {
  for (size_t r = 0; r < num_rows; r += kSide) {
    const size_t block_rows = std::min(kSide, num_rows - r);
    for (size_t c = 0; c < num_columns; c += kSide) {
      const size_t block_columns = std::min(kSide, num_columns - c);
      const uint8_t* from = in + r * in_stride + c;
      uint8_t* to = out + c * out_stride + r;
      if (block_rows == kSide && block_columns == kSide) {
        TransposeBlock(from, in_stride, to, out_stride);
      } else {
        TransposePartialBlock(from, in_stride, block_rows, block_columns, to, out_stride);
      }
    }
  }
}

}  // namespace mao
