// The safetensors file format (https://github.com/huggingface/safetensors, "Format"):
// 8 bytes little-endian header length N, N bytes of JSON, then the tensors' bytes.
#ifndef MAOOCR_WEIGHTS_SAFETENSORS_H_
#define MAOOCR_WEIGHTS_SAFETENSORS_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tensor/tensor_view.h"

namespace mao {

inline constexpr size_t kMaxSafetensorsHeaderBytes = 100'000'000;  // the reference's limit

struct NamedTensor {
  std::string name;
  TensorView view;
};

struct SafetensorsIndex {
  std::vector<NamedTensor> tensors;  // by name
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Checks the whole header and hands out views into `file`, which must outlive them. Every rule of
// the reference implementation holds: known element types, offsets that fit the shape, tensors that
// cover the data without hole or overlap, no name twice. Like there, unknown keys of a tensor are
// ignored. Data offsets need not be multiples of the element size: see TensorView::is_aligned.
// Errors, naming `name` and the tensor: DataLoss (truncated or inconsistent), OutOfRange (a header
// or shape above its limit), InvalidArgument (negative dimension), Unimplemented (an element type
// outside DType). The costliest headers of the greatest length take some 3 s and 1.1 GB to refuse.
Result<SafetensorsIndex> ParseSafetensors(std::span<const std::byte> file, std::string_view name);

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_SAFETENSORS_H_
