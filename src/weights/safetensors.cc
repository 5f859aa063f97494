#include "weights/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

#include <fmt/core.h>

#include "base/file.h"
#include "weights/json_document.h"
#include "weights/message.h"

namespace mao {
namespace {

namespace dom = simdjson::dom;

static_assert(std::endian::native == std::endian::little, "tensors are read as they lie");

constexpr size_t kLengthBytes = 8;
constexpr std::string_view kMetadataKey = "__metadata__";

std::optional<DType> ParseDType(std::string_view text) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64,
                            DType::kI8, DType::kU8, DType::kBool}) {
    if (text == Name(dtype)) return dtype;
  }
  return std::nullopt;
}

// The JSON text of the header.
Result<std::string_view> HeaderText(std::span<const std::byte> file, std::string_view name) {
  if (file.size() < kLengthBytes) {
    return DataLossError(fmt::format(
        "{}: {} bytes, too short for the 8-byte header length of safetensors", name, file.size()));
  }
  uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeaderBytes) {
    return OutOfRangeError(fmt::format("{}: header of {} bytes, more than the limit of {} bytes",
                                       name, length, kMaxSafetensorsHeaderBytes));
  }
  if (length > file.size() - kLengthBytes) {
    return DataLossError(fmt::format("{}: truncated: header of {} bytes in a file of {} bytes",
                                     name, length, file.size()));
  }
  const std::string_view text = AsStringView(file.subspan(kLengthBytes, length));
  if (!text.starts_with('{')) {
    return DataLossError(fmt::format("{}: the header does not begin with '{{'", name));
  }
  return text;
}

Result<DType> ReadDType(dom::object info) {
  std::string_view text;
  if (info.at_key("dtype").get(text) != simdjson::SUCCESS) {
    return DataLossError("dtype is missing or not a string");
  }
  const auto dtype = ParseDType(text);
  if (!dtype.has_value()) {
    return UnimplementedError(fmt::format("dtype {} is not supported", Quoted(text)));
  }
  return *dtype;
}

Result<Shape> ReadShape(dom::object info) {
  dom::array array;
  if (info.at_key("shape").get(array) != simdjson::SUCCESS) {
    return DataLossError("shape is missing or not a list");
  }
  std::vector<int64_t> dims;
  for (const dom::element item : array) {
    int64_t dim = 0;
    if (item.get(dim) != simdjson::SUCCESS) {
      return DataLossError(fmt::format("shape holds {}, not a whole number", Excerpt(item)));
    }
    dims.push_back(dim);
    if (dims.size() > Shape::kMaxRank) break;  // enough for Make to refuse
  }
  return Shape::Make(dims);
}

// [begin, end) within the data.
Result<std::array<uint64_t, 2>> ReadOffsets(dom::object info, size_t data_bytes) {
  dom::array array;
  std::array<uint64_t, 2> offsets = {};
  if (info.at_key("data_offsets").get(array) != simdjson::SUCCESS || array.size() != 2 ||
      array.at(0).get(offsets[0]) != simdjson::SUCCESS ||
      array.at(1).get(offsets[1]) != simdjson::SUCCESS) {
    return DataLossError("data_offsets is missing or not a list of two whole numbers");
  }
  if (offsets[0] > offsets[1] || offsets[1] > data_bytes) {
    return DataLossError(fmt::format("data_offsets [{}, {}] do not lie within the {} bytes of data",
                                     offsets[0], offsets[1], data_bytes));
  }
  return offsets;
}

Result<TensorView> ReadTensor(dom::element value, std::span<const std::byte> data) {
  dom::object info;
  if (value.get(info) != simdjson::SUCCESS) return DataLossError("not described by an object");
  TensorView view;
  MAO_ASSIGN_OR_RETURN(view.dtype, ReadDType(info));
  MAO_ASSIGN_OR_RETURN(view.shape, ReadShape(info));
  MAO_ASSIGN_OR_RETURN(const auto offsets, ReadOffsets(info, data.size()));
  if (offsets[1] - offsets[0] != view.size_bytes()) {
    return DataLossError(fmt::format("data_offsets [{}, {}] hold {} bytes, but {} {} takes {}",
                                     offsets[0], offsets[1], offsets[1] - offsets[0],
                                     Name(view.dtype), view.shape.ToString(), view.size_bytes()));
  }
  view.data = data.data() + offsets[0];
  return view;
}

Status ReadMetadata(dom::element value, SafetensorsIndex* index) {
  dom::object entries;
  if (value.get(entries) != simdjson::SUCCESS) {
    return DataLossError("__metadata__ is not an object");
  }
  for (const dom::key_value_pair entry : entries) {
    std::string_view text;
    if (entry.value.get(text) != simdjson::SUCCESS) {
      return DataLossError(
          fmt::format("__metadata__: the value of {} is not a string", Quoted(entry.key)));
    }
    index->metadata.emplace_back(entry.key, text);
  }
  return OkStatus();
}

// The tensors, in the order of their bytes, lie end to end and fill the data.
Status CheckCoverage(const std::vector<NamedTensor>& tensors, std::span<const std::byte> data) {
  std::vector<const NamedTensor*> by_offset;
  by_offset.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) by_offset.push_back(&tensor);
  std::sort(by_offset.begin(), by_offset.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return std::pair(a->view.data, a->view.size_bytes()) <
           std::pair(b->view.data, b->view.size_bytes());
  });
  size_t end = 0;
  for (const NamedTensor* tensor : by_offset) {
    const auto begin = static_cast<size_t>(tensor->view.data - data.data());
    if (begin != end) {
      return DataLossError(fmt::format("tensor {}: begins at byte {} of the data, which {} {}",
                                       Quoted(tensor->name), begin,
                                       begin < end ? "overlaps the tensor ending at"
                                                   : "leaves a hole after the tensor ending at",
                                       end));
    }
    end = begin + tensor->view.size_bytes();
  }
  if (end != data.size()) {
    return DataLossError(
        fmt::format("{} bytes after the last tensor belong to none", data.size() - end));
  }
  return OkStatus();
}

}  // namespace

Result<SafetensorsIndex> ParseSafetensors(std::span<const std::byte> file, std::string_view name) {
  MAO_ASSIGN_OR_RETURN(const std::string_view text, HeaderText(file, name));
  MAO_ASSIGN_OR_RETURN(const auto document,
                       JsonDocument::Parse(text, name, kMaxSafetensorsHeaderBytes));
  const auto data = file.subspan(kLengthBytes + text.size());
  SafetensorsIndex index;
  for (const dom::key_value_pair field : document->object()) {
    if (field.key == kMetadataKey) {
      MAO_RETURN_IF_ERROR(ReadMetadata(field.value, &index).WithContext(name));
      continue;
    }
    auto view = ReadTensor(field.value, data);
    if (!view.ok()) {
      return view.status().WithContext(fmt::format("{}: tensor {}", name, Quoted(field.key)));
    }
    index.tensors.push_back({std::string(field.key), *view});
  }
  MAO_RETURN_IF_ERROR(CheckCoverage(index.tensors, data).WithContext(name));
  std::sort(index.tensors.begin(), index.tensors.end(),
            [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
  return index;
}

}  // namespace mao
