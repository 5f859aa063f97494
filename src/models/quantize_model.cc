#include "models/quantize_model.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "models/quantize_folder.h"
#include "models/registry.h"
#include "weights/message.h"
#include "weights/safetensors_writer.h"

namespace mao {
namespace {

// FNV-1a of 64 bits (Fowler, Noll, Vo): tells sources apart that are not made to look alike.
class Fingerprint {
 public:
  void Add(std::span<const std::byte> bytes) {
    for (const std::byte value : bytes) {
      hash_ = (hash_ ^ std::to_integer<uint64_t>(value)) * 0x100000001B3u;
    }
  }
  // With an end, so that "ab", "c" is not "a", "bc".
  void Add(std::string_view text) {
    Add(AsBytes(text));
    Add(AsBytes(std::string_view("\0", 1)));
  }
  std::string ToString() const { return fmt::format("{:016x}", hash_); }

 private:
  uint64_t hash_ = 0xCBF29CE484222325u;
};

// The files that a model is made of besides its tensors.
std::vector<std::string> SmallFiles(const Checkpoint& source) {
  std::vector<std::string> names = source.FileNames();
  std::erase(names, kUnfinishedFile);
  return names;
}

// Of all that the output depends on, except that of each tensor only both ends are read.
Result<std::string> FingerprintOf(const Checkpoint& source) {
  constexpr size_t kEndBytes = 4096;
  Fingerprint fingerprint;
  for (const std::string& name : SmallFiles(source)) {
    MAO_ASSIGN_OR_RETURN(const std::string_view contents, source.File(name));
    fingerprint.Add(name);
    fingerprint.Add(contents);
  }
  for (const NamedTensor& tensor : source.tensors()) {
    fingerprint.Add(tensor.name);
    fingerprint.Add(Name(tensor.view.dtype));
    fingerprint.Add(tensor.view.shape.ToString());
    const auto bytes = tensor.view.bytes();
    const size_t end_bytes = std::min(kEndBytes, bytes.size());
    fingerprint.Add(bytes.first(end_bytes));
    fingerprint.Add(bytes.last(end_bytes));
    source.Forget(tensor.view);
  }
  return fingerprint.ToString();
}

// The layers of a packed checkpoint and how each is made.
class Packing {
 public:
  Packing(const Checkpoint& source, const QuantizeOptions& options, ThreadPool& pool)
      : source_(source), options_(options), pool_(pool) {}

  Status Add(const LinearSpec& linear) {
    Layer layer;
    for (const std::string& name : linear.weights) {
      layer.weights.push_back(*source_.Find(name));
      packed_weights_.insert(name);
    }
    auto stack = ShapeOfStack(layer.weights);
    if (!stack.ok()) {
      return stack.status().WithContext(source_.name() + ": " + linear.weights.front());
    }
    layer.stack = *stack;
    layer.format = FormatOf(linear.role, options_.quantization, options_.dtype, layer.weights);
    const std::string name = PackedName(linear.weights, layer.format);
    if (source_.Find(name) != nullptr || layers_.contains(name)) {
      return InvalidArgumentError(
          fmt::format("{}: has a tensor {} already", source_.name(), Quoted(name)));
    }
    tensors_.push_back({name, DType::kU8, PackedShape(layer.format, layer.stack),
                        static_cast<size_t>(PanelBytes(layer.format, layer.stack.k))});
    layers_.emplace(name, std::move(layer));
    return OkStatus();
  }

  // After all layers: the tensors that stay as they are.
  void AddOthers() {
    for (const NamedTensor& tensor : source_.tensors()) {
      if (packed_weights_.contains(tensor.name)) continue;
      tensors_.push_back({tensor.name, tensor.view.dtype, tensor.view.shape});
    }
  }

  const std::vector<TensorToWrite>& tensors() const { return tensors_; }

  // For WriteCheckpointTensors. Pages of the source that are done with stop counting as resident.
  Status Fill(const TensorToWrite& tensor, size_t first_element, std::span<std::byte> out) {
    if (options_.stop.stop_requested()) return CancelledError("stopped");
    const auto layer = layers_.find(tensor.name);
    if (layer != layers_.end()) {
      FillPacked(layer->second, first_element, out);
      return OkStatus();
    }
    const TensorView& view = *source_.Find(tensor.name);
    const size_t begin = first_element * SizeBytes(view.dtype);
    std::memcpy(out.data(), view.data + begin, out.size());
    source_.Forget({DType::kU8, Shape({static_cast<int64_t>(out.size())}), view.data + begin});
    return OkStatus();
  }

 private:
  struct Layer {
    std::vector<TensorView> weights;
    StackShape stack;
    WeightFormat format = WeightFormat::kBF16;
  };

  void FillPacked(const Layer& layer, size_t first_byte, std::span<std::byte> out) {
    const int64_t panel_bytes = PanelBytes(layer.format, layer.stack.k);
    const int64_t first = static_cast<int64_t>(first_byte) / panel_bytes * kDotPanelColumns;
    const int64_t count = static_cast<int64_t>(out.size()) / panel_bytes * kDotPanelColumns;
    std::memset(out.data(), 0, out.size());
    PackStack(layer.weights, first,
              {layer.format, std::min(count, layer.stack.n - first), layer.stack.k, out.data()},
              pool_);
    for (const TensorView& weight : layer.weights) source_.Forget(weight);
  }

  const Checkpoint& source_;
  const QuantizeOptions& options_;
  ThreadPool& pool_;
  std::map<std::string, Layer, std::less<>> layers_;
  std::set<std::string, std::less<>> packed_weights_;
  std::vector<TensorToWrite> tensors_;
};

Result<Metadata> MetadataFor(const Checkpoint& source, const QuantizeOptions& options) {
  MAO_ASSIGN_OR_RETURN(std::string fingerprint, FingerprintOf(source));
  return Metadata{{kFormatKey, kPackedFormatName},
                  {kLayoutVersionKey, std::to_string(kPackedLayoutVersion)},
                  {kQuantizationKey, std::string(Name(options.quantization))},
                  {kDTypeKey, std::string(Name(options.dtype))},
                  {kSourceKey, std::move(fingerprint)}};
}

Status CopyFiles(const Checkpoint& source, const std::string& folder) {
  for (const std::string& name : SmallFiles(source)) {
    MAO_ASSIGN_OR_RETURN(const std::string_view contents, source.File(name));
    MAO_RETURN_IF_ERROR(WriteFile(fmt::format("{}/{}", folder, name), contents));
  }
  return OkStatus();
}

}  // namespace

Result<QuantizeResult> QuantizeModel(const Checkpoint& source, const std::string& folder,
                                     const QuantizeOptions& options, ThreadPool& pool) {
  MAO_ASSIGN_OR_RETURN(const ModelTensors model, ExpectedTensors(source));
  MAO_ASSIGN_OR_RETURN(const StoredWeights stored, StoredWeights::Verify(source, model));
  if (stored.packed().has_value()) {
    return InvalidArgumentError(
        fmt::format("{}: its weights are packed already, with quantization {}: give the checkpoint "
                    "that it was made from",
                    source.name(), Name(stored.packed()->quantization)));
  }
  Packing packing(source, options, pool);
  for (const LinearSpec& linear : model.linears) MAO_RETURN_IF_ERROR(packing.Add(linear));
  packing.AddOthers();
  QuantizeResult result;
  result.num_tensors = packing.tensors().size();
  for (const TensorToWrite& tensor : packing.tensors()) {
    result.total_bytes +=
        static_cast<size_t>(tensor.shape.num_elements()) * SizeBytes(tensor.dtype);
  }
  WriteOptions write;
  write.progress = options.progress;
  write.resume = true;
  MAO_ASSIGN_OR_RETURN(write.metadata, MetadataFor(source, options));
  MAO_ASSIGN_OR_RETURN(QuantizeFolder output, QuantizeFolder::Open(folder, write.metadata, model));
  result.was_complete = output.is_complete();
  if (result.was_complete) return result;
  MAO_RETURN_IF_ERROR(CopyFiles(source, folder));
  const FillTensor fill = [&](const TensorToWrite& tensor, size_t first, std::span<std::byte> out) {
    return packing.Fill(tensor, first, out);
  };
  MAO_RETURN_IF_ERROR(
      WriteCheckpointTensors(folder, packing.tensors(), options.max_shard_bytes, fill, write));
  MAO_RETURN_IF_ERROR(output.Finish());
  return result;
}

}  // namespace mao
