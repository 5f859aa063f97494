// Any bytes, as a safetensors file alone, as a checkpoint in memory, as its index and as JSON.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/file.h"
#include "weights/checkpoint.h"
#include "weights/json_reader.h"
#include "weights/safetensors.h"

namespace {

// Reads every byte that the parser vouches for, so that the sanitizers see what lies outside.
void Touch(std::span<const mao::NamedTensor> tensors, size_t file_bytes) {
  size_t total = 0;
  unsigned sum = 0;
  for (const mao::NamedTensor& tensor : tensors) {
    for (const std::byte value : tensor.view.bytes()) sum += std::to_integer<unsigned>(value);
    total += tensor.view.size_bytes();
  }
  volatile unsigned sink = sum;
  (void)sink;
  if (total > file_bytes) std::abort();
}

void ReadJson(std::string_view text) {
  auto reader = mao::JsonReader::Parse(text, "fuzz");
  if (!reader.ok()) return;
  for (const char* path : {"a", "a.b", "a.0", "weight_map", "__metadata__.format", "", "."}) {
    const int64_t number = reader->RequiredInt(path, -5, 1000);
    if (number < -5 || number > 1000) std::abort();
    reader->Double(path, 0.5, 0, 1);
    reader->Bool(path, true);
    reader->String(path, "");
    reader->RequiredStringMap(path);
    if (reader->IntList(path, {}, 0, 9, 3).size() > 3) std::abort();
  }
  if (reader->status().ok() && !reader->Has("a")) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto index = mao::ParseSafetensors(bytes, "fuzz");
  if (index.ok()) Touch(index->tensors, size);

  const std::vector<mao::Checkpoint::NamedBytes> single = {{"config.json", mao::AsBytes("{}")},
                                                           {"model.safetensors", bytes}};
  const auto checkpoint = mao::Checkpoint::FromMemory("fuzz", single);
  if (checkpoint.ok() != index.ok()) std::abort();
  if (checkpoint.ok()) Touch(checkpoint->tensors(), size);

  const std::vector<mao::Checkpoint::NamedBytes> indexed = {
      {"config.json", mao::AsBytes("{}")},
      {"model.safetensors.index.json", bytes},
      {"s.safetensors", mao::AsBytes(std::string_view("\2\0\0\0\0\0\0\0{}", 10))}};
  if (mao::Checkpoint::FromMemory("fuzz", indexed).ok()) std::abort();  // the shard holds no tensor

  const std::string_view text = mao::AsStringView(bytes);
  ReadJson(text);
  if (text.size() > 8) ReadJson(text.substr(8));
  return 0;
}
