// Writes GGUF files, version 3: the format of llama.cpp's models
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
#ifndef MAOOCR_TOOLS_GGUF_WRITER_H_
#define MAOOCR_TOOLS_GGUF_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tensor/tensor_view.h"

namespace mao {

enum class GgufType : uint32_t { kF32 = 0, kF16 = 1, kBF16 = 30 };

class GgufWriter {
 public:
  void Add(std::string_view key, std::string_view value);
  void Add(std::string_view key, uint32_t value);
  void Add(std::string_view key, float value);
  void Add(std::string_view key, bool value);
  void Add(std::string_view key, std::span<const std::string> values);
  void Add(std::string_view key, std::span<const int32_t> values);
  void Add(std::string_view key, std::span<const float> values);

  // A tensor made of one or several float tensors of equal shape one after the other; several get a
  // leading dimension. Converted to `type` when it is written. The views must live until then.
  void AddTensor(std::string name, std::vector<TensorView> parts, GgufType type);

  Status Write(const std::string& path) const;

 private:
  struct Tensor {
    std::string name;
    std::vector<TensorView> parts;
    GgufType type;
    uint64_t num_elements() const;
  };

  void Key(std::string_view key, uint32_t value_type);

  uint64_t num_keys_ = 0;
  std::string keys_;
  std::vector<Tensor> tensors_;
};

}  // namespace mao

#endif  // MAOOCR_TOOLS_GGUF_WRITER_H_
