#include "gguf_writer.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/float16.h"

namespace mao {
namespace {

constexpr uint64_t kAlignment = 32;
// Value types of the format.
constexpr uint32_t kUint32 = 4;
constexpr uint32_t kInt32 = 5;
constexpr uint32_t kFloat32 = 6;
constexpr uint32_t kBool = 7;
constexpr uint32_t kString = 8;
constexpr uint32_t kArray = 9;

template <typename T>
void Append(std::string& target, T value) {
  target.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void AppendString(std::string& target, std::string_view text) {
  Append(target, static_cast<uint64_t>(text.size()));
  target += text;
}

uint64_t ElementBytes(GgufType type) { return type == GgufType::kF32 ? 4 : 2; }
uint64_t Aligned(uint64_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

float LoadFloat(const TensorView& view, size_t index) {
  if (view.dtype == DType::kF32) return view.Load<float>(index);
  if (view.dtype == DType::kF16) return ToFloat(view.Load<Float16>(index));
  return ToFloat(view.Load<BFloat16>(index));
}

void WritePart(const TensorView& view, GgufType type, std::ofstream& out) {
  if (view.dtype == DType::kBF16 && type == GgufType::kBF16) {
    out.write(reinterpret_cast<const char*>(view.data),
              static_cast<std::streamsize>(view.size_bytes()));
    return;
  }
  std::string converted;
  converted.reserve(view.num_elements() * ElementBytes(type));
  for (size_t i = 0; i < view.num_elements(); ++i) {
    const float value = LoadFloat(view, i);
    if (type == GgufType::kF32) {
      Append(converted, value);
    } else {
      Append(converted, type == GgufType::kF16 ? ToFloat16(value).bits : ToBFloat16(value).bits);
    }
  }
  out.write(converted.data(), static_cast<std::streamsize>(converted.size()));
}

}  // namespace

void GgufWriter::Key(std::string_view key, uint32_t value_type) {
  AppendString(keys_, key);
  Append(keys_, value_type);
  ++num_keys_;
}

void GgufWriter::Add(std::string_view key, std::string_view value) {
  Key(key, kString);
  AppendString(keys_, value);
}
void GgufWriter::Add(std::string_view key, uint32_t value) {
  Key(key, kUint32);
  Append(keys_, value);
}
void GgufWriter::Add(std::string_view key, float value) {
  Key(key, kFloat32);
  Append(keys_, value);
}
void GgufWriter::Add(std::string_view key, bool value) {
  Key(key, kBool);
  Append(keys_, static_cast<uint8_t>(value));
}
void GgufWriter::Add(std::string_view key, std::span<const std::string> values) {
  Key(key, kArray);
  Append(keys_, kString);
  Append(keys_, static_cast<uint64_t>(values.size()));
  for (const std::string& value : values) AppendString(keys_, value);
}
void GgufWriter::Add(std::string_view key, std::span<const int32_t> values) {
  Key(key, kArray);
  Append(keys_, kInt32);
  Append(keys_, static_cast<uint64_t>(values.size()));
  for (const int32_t value : values) Append(keys_, value);
}
void GgufWriter::Add(std::string_view key, std::span<const float> values) {
  Key(key, kArray);
  Append(keys_, kFloat32);
  Append(keys_, static_cast<uint64_t>(values.size()));
  for (const float value : values) Append(keys_, value);
}

uint64_t GgufWriter::Tensor::num_elements() const {
  uint64_t total = 0;
  for (const TensorView& part : parts) total += part.num_elements();
  return total;
}

void GgufWriter::AddTensor(std::string name, std::vector<TensorView> parts, GgufType type) {
  tensors_.push_back({std::move(name), std::move(parts), type});
}

Status GgufWriter::Write(const std::string& path) const {
  std::string header = "GGUF";
  Append(header, uint32_t{3});
  Append(header, static_cast<uint64_t>(tensors_.size()));
  Append(header, num_keys_);
  header += keys_;
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    const Shape& shape = tensor.parts[0].shape;
    const bool is_stacked = tensor.parts.size() > 1;
    AppendString(header, tensor.name);
    Append(header, static_cast<uint32_t>(shape.rank() + (is_stacked ? 1 : 0)));
    for (size_t i = shape.rank(); i > 0; --i) {  // the fastest dimension first
      Append(header, static_cast<uint64_t>(shape.dim(i - 1)));
    }
    if (is_stacked) Append(header, static_cast<uint64_t>(tensor.parts.size()));
    Append(header, static_cast<uint32_t>(tensor.type));
    Append(header, offset);
    offset = Aligned(offset + tensor.num_elements() * ElementBytes(tensor.type));
  }
  header.resize(Aligned(header.size()));
  std::ofstream out(path, std::ios::binary);
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const Tensor& tensor : tensors_) {
    for (const TensorView& part : tensor.parts) WritePart(part, tensor.type, out);
    const uint64_t size = tensor.num_elements() * ElementBytes(tensor.type);
    const std::string padding(Aligned(size) - size, '\0');
    out.write(padding.data(), static_cast<std::streamsize>(padding.size()));
  }
  out.close();
  if (!out) return UnavailableError(path + ": cannot write: " + std::strerror(errno));
  return OkStatus();
}

}  // namespace mao
