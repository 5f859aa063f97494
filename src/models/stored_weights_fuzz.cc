// Any bytes as the one safetensors file of a packed checkpoint: what passes has all the memory that
// the layers of a small model will read, aligned.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/file.h"
#include "models/stored_weights.h"
#include "tensor/buffer.h"

namespace {

const mao::ModelTensors& Model() {
  using mao::WeightRole;
  static const mao::ModelTensors model = {
      {{"q.weight", {5, 32}}, {"k.weight", {3, 32}}, {"o.weight", {16, 96}}, {"norm", {4}}},
      {{{"q.weight", "k.weight"}, WeightRole::kSensitive}, {{"o.weight"}, WeightRole::kLanguage}}};
  return model;
}

void Touch(const mao::PackedWeights& weights, std::span<const std::byte> file) {
  const size_t size_bytes = mao::PackedWeightsBytes(weights.format, weights.n, weights.k);
  const auto offset = static_cast<size_t>(weights.data - file.data());
  if (offset % 64 != 0 || offset + size_bytes > file.size()) std::abort();
  unsigned sum = 0;
  for (size_t i = 0; i < size_bytes; ++i) sum += std::to_integer<unsigned>(weights.data[i]);
  volatile unsigned sink = sum;
  (void)sink;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto memory = mao::Buffer::Allocate(size);
  if (!memory.ok()) return 0;
  std::copy(data, data + size, reinterpret_cast<uint8_t*>(memory->data()));
  const std::span<const std::byte> file(memory->data(), size);
  const std::vector<mao::Checkpoint::NamedBytes> files = {{"config.json", mao::AsBytes("{}")},
                                                          {"model.safetensors", file}};
  const auto checkpoint = mao::Checkpoint::FromMemory("fuzz", files);
  if (!checkpoint.ok()) return 0;
  const auto stored = mao::StoredWeights::Verify(*checkpoint, Model());
  if (!stored.ok()) {
    if (!stored.status().message().starts_with("fuzz")) std::abort();
    return 0;
  }
  for (const mao::LinearSpec& linear : Model().linears) {
    const mao::PackedWeights* weights = stored->FindPacked(linear.weights);
    if ((weights != nullptr) != stored->packed().has_value()) std::abort();
    if (weights != nullptr) Touch(*weights, file);
  }
  return 0;
}
