#include "models/stored_weights.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "weights/message.h"
#include "weights/safetensors_writer.h"

namespace mao {
namespace {

constexpr std::string_view kWeightSuffix = ".weight";

std::string_view FormatName(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32:
      return "f32";
    case WeightFormat::kBF16:
      return "bf16";
    case WeightFormat::kInt8:
      return "int8";
    case WeightFormat::kInt4:
      return "int4";
  }
  return "?";
}

std::string_view WithoutSuffix(std::string_view name) {
  return name.ends_with(kWeightSuffix) ? name.substr(0, name.size() - kWeightSuffix.size()) : name;
}

// The part of the name up to its last dot.
std::string_view ParentOf(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot + 1);
}

Result<std::string> Required(const Metadata& metadata, const char* key) {
  const auto entry = metadata.find(key);
  if (entry != metadata.end()) return entry->second;
  return DataLossError(fmt::format("__metadata__ has no {}", key));
}

Result<PackedFormat> ParseFormat(const Metadata& metadata) {
  MAO_ASSIGN_OR_RETURN(const std::string version, Required(metadata, kLayoutVersionKey));
  if (version != std::to_string(kPackedLayoutVersion)) {
    return UnimplementedError(fmt::format(
        "packed in layout version {}, this program reads version {}: pack the original again with "
        "`maoocr quantize`",
        Quoted(version), kPackedLayoutVersion));
  }
  MAO_ASSIGN_OR_RETURN(const std::string quantization, Required(metadata, kQuantizationKey));
  PackedFormat format;
  MAO_ASSIGN_OR_RETURN(format.quantization, ParseQuantization(quantization));
  MAO_ASSIGN_OR_RETURN(const std::string dtype, Required(metadata, kDTypeKey));
  if (dtype != Name(DType::kBF16) && dtype != Name(DType::kF32)) {
    return UnimplementedError(
        fmt::format("__metadata__: dtype {}; known: BF16, F32", Quoted(dtype)));
  }
  format.dtype = dtype == Name(DType::kBF16) ? DType::kBF16 : DType::kF32;
  return format;
}

// The formats that a packed layer may have, the likelier first.
std::vector<WeightFormat> PossibleFormats(WeightRole role, Quantization quantization) {
  if (role == WeightRole::kRouter) return {WeightFormat::kF32};
  if (role == WeightRole::kVision || quantization == Quantization::kNone) {
    return {WeightFormat::kBF16, WeightFormat::kF32};
  }
  const bool is_int4 = quantization == Quantization::kInt4 && role == WeightRole::kLanguage;
  return {is_int4 ? WeightFormat::kInt4 : WeightFormat::kInt8};
}

// Of a model's own list, whose shapes fit each other.
StackShape StackOf(const LinearSpec& linear, const std::map<std::string_view, Shape>& shapes) {
  StackShape stack;
  for (const std::string& weight : linear.weights) {
    const Shape& shape = shapes.at(weight);
    stack.n += shape.dim(0);
    stack.k = shape.dim(1);
  }
  return stack;
}

}  // namespace

Result<std::optional<PackedFormat>> ReadPackedFormat(const Checkpoint& checkpoint) {
  const auto metadata_of = [](const Checkpoint::Shard& shard) {
    return Metadata(shard.metadata.begin(), shard.metadata.end());
  };
  const auto is_packed = [&](const Checkpoint::Shard& shard) {
    const Metadata metadata = metadata_of(shard);
    const auto format = metadata.find(kFormatKey);
    return format != metadata.end() && format->second == kPackedFormatName;
  };
  const auto shards = checkpoint.shards();
  const auto first = std::find_if(shards.begin(), shards.end(), is_packed);
  if (first == shards.end()) return std::optional<PackedFormat>();
  const Metadata metadata = metadata_of(*first);
  for (const Checkpoint::Shard& shard : shards) {
    if (metadata_of(shard) == metadata) continue;
    return DataLossError(
        fmt::format("{}: __metadata__ differs from that of {}: not files of one "
                    "packed checkpoint",
                    shard.path, first->path));
  }
  const auto format = ParseFormat(metadata);
  if (!format.ok()) return format.status().WithContext(first->path);
  return std::optional(*format);
}

WeightFormat FormatOf(WeightRole role, Quantization quantization, DType dtype,
                      std::span<const TensorView> weights) {
  const std::vector<WeightFormat> possible = PossibleFormats(role, quantization);
  if (possible.size() == 1) return possible.front();
  const bool fits = std::all_of(weights.begin(), weights.end(), [&](const TensorView& weight) {
    return weight.dtype == DType::kBF16 || dtype == DType::kBF16;
  });
  return fits ? WeightFormat::kBF16 : WeightFormat::kF32;
}

std::string PackedName(std::span<const std::string> weights, WeightFormat format) {
  std::string name;
  const std::string_view parent = ParentOf(WithoutSuffix(weights.front()));
  for (const std::string& weight : weights) {
    std::string_view part = WithoutSuffix(weight);
    const bool is_sibling = !name.empty() && ParentOf(part) == parent;
    if (is_sibling) part.remove_prefix(parent.size());
    name += name.empty() ? "" : "+";
    name += part;
  }
  return fmt::format("{}.packed_{}", name, FormatName(format));
}

Shape PackedShape(WeightFormat format, const StackShape& stack) {
  return Shape(
      {PackedWeights{format, stack.n, stack.k, nullptr}.num_panels(), PanelBytes(format, stack.k)});
}

Result<StoredWeights> StoredWeights::Verify(const Checkpoint& checkpoint,
                                            const ModelTensors& model) {
  MAO_ASSIGN_OR_RETURN(const auto packed, ReadPackedFormat(checkpoint));
  StoredWeights stored(checkpoint, packed);
  const Status status =
      packed.has_value() ? stored.VerifyPacked(model) : VerifyTensors(checkpoint, model.tensors);
  if (status.ok()) return stored;
  if (!checkpoint.File(kUnfinishedFile).ok()) return status;
  return Status(status.code(),
                fmt::format("{} (unfinished: the same `maoocr quantize` again continues it)",
                            status.message()));
}

Status StoredWeights::VerifyPacked(const ModelTensors& model) {
  std::map<std::string_view, Shape> shapes;
  for (const TensorSpec& spec : model.tensors) shapes.emplace(spec.name, spec.shape);
  std::set<std::string_view> packed_weights;
  std::vector<TensorSpec> expected;
  for (const LinearSpec& linear : model.linears) {
    const StackShape stack = StackOf(linear, shapes);
    const auto formats = PossibleFormats(linear.role, packed_->quantization);
    const auto there = std::find_if(formats.begin(), formats.end(), [&](WeightFormat format) {
      return checkpoint_.Find(PackedName(linear.weights, format)) != nullptr;
    });
    const WeightFormat format = there == formats.end() ? formats.front() : *there;
    expected.push_back(
        {PackedName(linear.weights, format), PackedShape(format, stack), DType::kU8});
    linears_[linear.weights.front()] = {format, stack.n, stack.k, nullptr};
    packed_weights.insert(linear.weights.begin(), linear.weights.end());
  }
  const size_t num_packed = expected.size();
  for (const TensorSpec& spec : model.tensors) {
    if (!packed_weights.contains(spec.name)) expected.push_back(spec);
  }
  MAO_RETURN_IF_ERROR(VerifyTensors(checkpoint_, expected));
  for (size_t i = 0; i < num_packed; ++i) {
    const TensorView& tensor = *checkpoint_.Find(expected[i].name);
    if (reinterpret_cast<uintptr_t>(tensor.data) % kTensorAlignment != 0) {
      return DataLossError(fmt::format("{}: tensor {} does not begin at a multiple of {} bytes",
                                       checkpoint_.FileOf(tensor), Quoted(expected[i].name),
                                       kTensorAlignment));
    }
    linears_[model.linears[i].weights.front()].data = tensor.data;
  }
  return OkStatus();
}

Result<Quantization> StoredWeights::ChooseQuantization(Quantization asked) const {
  if (!packed_.has_value()) return asked;
  if (asked == Quantization::kNone || asked == packed_->quantization) return packed_->quantization;
  return InvalidArgumentError(
      fmt::format("{}: quantization {} is asked for, but its weights are packed already, with "
                  "quantization {}: use the checkpoint that it was made from",
                  checkpoint_.name(), Name(asked), Name(packed_->quantization)));
}

const PackedWeights* StoredWeights::FindPacked(std::span<const std::string> weights) const {
  const auto entry = linears_.find(weights.front());
  return entry == linears_.end() ? nullptr : &entry->second;
}

}  // namespace mao
