#include "kernels/dot/packed_weights.h"

#include <cstring>

#include "kernels/arch/isa_table.h"
#include "kernels/dot/dot_kernels.h"

namespace mao {
namespace {

template <typename Source>
float LoadFloat(const std::byte* row, int64_t index) {
  Source value;
  std::memcpy(&value, row + static_cast<size_t>(index) * sizeof(Source), sizeof(Source));
  return ToFloat(value);
}

// Offset of element (output, k) within kBF16 or kF32 weights.
int64_t PackedOffset(const PackedWeights& packed, int64_t output, int64_t k) {
  const int64_t tile =
      (output / kDotPanelColumns) * (packed.k / kDotBlockDepth) + k / kDotBlockDepth;
  const int64_t column = output % kDotPanelColumns;
  const int64_t pair = k % kDotBlockDepth / 2;
  const int64_t in_row = packed.format == WeightFormat::kBF16 ? 2 * column + k % 2
                                                              : (k % 2) * kDotPanelColumns + column;
  return tile * kDotTileElements + pair * 2 * kDotPanelColumns + in_row;
}

template <typename Source>
void PackFloatRow(const std::byte* row, const PackedWeights& packed, int64_t output) {
  auto* base = const_cast<std::byte*>(packed.data);
  for (int64_t block = 0; block < packed.k; block += kDotBlockDepth) {
    const int64_t even = PackedOffset(packed, output, block);
    const int64_t odd = PackedOffset(packed, output, block + 1);
    for (int64_t j = 0; j < kDotBlockDepth / 2; ++j) {
      const float first = LoadFloat<Source>(row, block + 2 * j);
      const float second = LoadFloat<Source>(row, block + 2 * j + 1);
      const int64_t step = j * 2 * kDotPanelColumns;
      if (packed.format == WeightFormat::kBF16) {
        auto* target = reinterpret_cast<BFloat16*>(base);
        target[even + step] = ToBFloat16(first);
        target[odd + step] = ToBFloat16(second);
      } else {
        auto* target = reinterpret_cast<float*>(base);
        target[even + step] = first;
        target[odd + step] = second;
      }
    }
  }
}

// One group of one output: depth weights from `row` on, at k; those beyond packed.k are zero.
template <typename Source>
void LoadGroup(const std::byte* row, int64_t k, int64_t depth, int64_t limit, float* values) {
  for (int64_t i = 0; i < depth; ++i) {
    values[i] = k + i < limit ? LoadFloat<Source>(row, k + i) : 0.0f;
  }
}

template <typename Source>
void PackIntegerRow(const std::byte* row, const PackedWeights& packed, int64_t output) {
  const PackKernels& kernels = PackKernelsInForce();
  const int64_t group_depth = GroupDepth(packed.format);
  const int64_t total_depth = IntDepth(packed.k);
  auto* target = const_cast<std::byte*>(packed.data) +
                 output / kDotPanelColumns * PanelBytes(packed.format, packed.k);
  for (int64_t k = 0; k < total_depth; k += group_depth) {
    const int64_t depth = total_depth - k < group_depth ? total_depth - k : group_depth;
    alignas(64) float values[kMaxGroupDepth];
    LoadGroup<Source>(row, k, depth, packed.k, values);
    kernels.quantize_group(packed.format, values, depth, output % kDotPanelColumns, target);
    target += GroupBytes(packed.format, depth);
  }
}

template <typename Source>
void PackRow(const std::byte* row, const PackedWeights& packed, int64_t output) {
  if (IsInteger(packed.format)) {
    PackIntegerRow<Source>(row, packed, output);
  } else {
    PackFloatRow<Source>(row, packed, output);
  }
}

}  // namespace

const PackKernels& PackKernelsInForce() {
#if defined(__x86_64__)
  return SelectByIsa(kPackAvx512, kPackAvx2, kPackGeneric);
#else
  return kPackGeneric;
#endif
}

size_t PackedWeightsBytes(WeightFormat format, int64_t n, int64_t k) {
  return static_cast<size_t>((n + kDotPanelColumns - 1) / kDotPanelColumns * PanelBytes(format, k));
}

void PackWeightRows(const void* source, DType source_dtype, int64_t source_stride, int64_t num_rows,
                    const PackedWeights& packed, int64_t first_output) {
  const auto* rows = static_cast<const std::byte*>(source);
  const int64_t stride_bytes = source_stride * static_cast<int64_t>(SizeBytes(source_dtype));
  int64_t row = 0;
  if (source_dtype == DType::kBF16 && packed.format == WeightFormat::kBF16 &&
      first_output % kDotPanelColumns == 0) {
    // Sixteen rows to one panel without leaving integers: the case of every released checkpoint,
    // and what load time consists of.
    const PackKernels& kernels = PackKernelsInForce();
    auto* panels = const_cast<std::byte*>(packed.data);
    for (; row + kDotPanelColumns <= num_rows; row += kDotPanelColumns) {
      kernels.pack_panel(rows + row * stride_bytes, stride_bytes, packed.k,
                         panels + (first_output + row) * packed.k * SizeBytes(DType::kBF16));
    }
  }
  for (; row < num_rows; ++row) {
    const std::byte* data = rows + row * stride_bytes;
    if (source_dtype == DType::kBF16) {
      PackRow<BFloat16>(data, packed, first_output + row);
    } else if (source_dtype == DType::kF16) {
      PackRow<Float16>(data, packed, first_output + row);
    } else {
      PackRow<float>(data, packed, first_output + row);
    }
  }
}

}  // namespace mao
