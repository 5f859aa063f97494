// Weights of matrix products in the one layout that all instruction sets read, and how they get
// there.
#ifndef MAOOCR_KERNELS_DOT_PACKED_WEIGHTS_H_
#define MAOOCR_KERNELS_DOT_PACKED_WEIGHTS_H_

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace mao {

// How weights are stored. The integer formats have scales for groups of k (GroupDepth) and make a
// product round its activations to 8 bits with the same groups:
//   kInt8: w = scale * q, q in -127..127, scale = max |w| / 127, a float.
//   kInt4: w = scale * q + min, q in 0..15, scale and min in bfloat16.
enum class WeightFormat : uint8_t { kF32, kBF16, kInt8, kInt4 };

constexpr bool IsInteger(WeightFormat format) { return format >= WeightFormat::kInt8; }

// k that share a scale; 0 for the formats without scales.
constexpr int64_t GroupDepth(WeightFormat format) {
  return format == WeightFormat::kInt8 ? 128 : format == WeightFormat::kInt4 ? 64 : 0;
}

inline constexpr int64_t kDotPanelColumns = 16;  // outputs of one panel
inline constexpr int64_t kDotBlockDepth = 32;    // k must be a multiple of it
inline constexpr int64_t kDotTileElements = kDotPanelColumns * kDotBlockDepth;
inline constexpr int64_t kIntTileDepth = 64;  // k of one tile of the integer formats

// Packed weights [n, k]. n is padded with zero columns to panels of 16 outputs; panels follow each
// other.
//
// kBF16, kF32: a panel is k/32 tiles. Row j of a tile holds k = 2j and 2j+1 for 16 outputs:
// interleaved pairs for kBF16 (an AMX tile as it stands), even then odd for kF32.
//
// kInt8, kInt4: a panel is a row of groups; k is padded with zero weights to tiles of 64. A group is
// its tiles, then 64 bytes of scales: 16 floats (kInt8), or 16 pairs {scale, min} of bfloat16
// (kInt4). Row j of a tile is a line of 64 bytes, k = 4j..4j+3 for 16 outputs (an AMX tile again).
// kInt4 keeps two rows in one line: 2j in the low halves of the bytes, 2j+1 in the high halves.
struct PackedWeights {
  WeightFormat format = WeightFormat::kBF16;
  int64_t n = 0;
  int64_t k = 0;
  const std::byte* data = nullptr;  // 64-byte aligned

  int64_t num_panels() const { return (n + kDotPanelColumns - 1) / kDotPanelColumns; }
};

// k with the padding of the integer formats.
constexpr int64_t IntDepth(int64_t k) {
  return (k + kIntTileDepth - 1) / kIntTileDepth * kIntTileDepth;
}
constexpr int64_t NumGroups(WeightFormat format, int64_t k) {
  return (k + GroupDepth(format) - 1) / GroupDepth(format);
}
// Bytes of one group that is `depth` deep (the last one of a panel may be shallower than others).
constexpr int64_t GroupBytes(WeightFormat format, int64_t depth) {
  return depth * kDotPanelColumns / (format == WeightFormat::kInt4 ? 2 : 1) + 64;
}
// Bytes from one panel to the next.
constexpr int64_t PanelBytes(WeightFormat format, int64_t k) {
  switch (format) {
    case WeightFormat::kF32:
      return k * kDotPanelColumns * 4;
    case WeightFormat::kBF16:
      return k * kDotPanelColumns * 2;
    case WeightFormat::kInt8:
    case WeightFormat::kInt4:
      return GroupBytes(format, IntDepth(k)) + (NumGroups(format, k) - 1) * 64;
  }
  return 0;
}
size_t PackedWeightsBytes(WeightFormat format, int64_t n, int64_t k);

// Packs rows [0, num_rows) of source (type kBF16, kF16 or kF32, row stride in elements; unaligned
// allowed) as outputs [first_output, first_output + num_rows) of `packed`, whose memory must be
// zero before. first_output must be a multiple of 16 unless rows before it are already packed.
// A kF32 or kF16 source packed as kBF16 is rounded to nearest even; the integer formats round to
// the nearest step of their group. The result is the same on every instruction set.
void PackWeightRows(const void* source, DType source_dtype, int64_t source_stride, int64_t num_rows,
                    const PackedWeights& packed, int64_t first_output);

}  // namespace mao

#endif  // MAOOCR_KERNELS_DOT_PACKED_WEIGHTS_H_
