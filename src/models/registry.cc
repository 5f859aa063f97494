#include "models/registry.h"

#include <fmt/core.h>

#include "models/deepseek_ocr/deepseek_ocr.h"
#include "weights/json_reader.h"

namespace mao {
namespace {

struct ModelRow {
  std::string_view architecture;
  Result<std::unique_ptr<Model>> (*load)(const Checkpoint&, const LoadOptions&, ThreadPool&);
  Result<ModelTensors> (*expected_tensors)(std::string_view config_json, std::string_view name);
};

constexpr ModelRow kModels[] = {
    {"DeepseekOCRForCausalLM", &LoadDeepseekOcr, &DeepseekOcrTensors},
};

Result<const ModelRow*> FindModel(std::string_view config_json, std::string_view name) {
  MAO_ASSIGN_OR_RETURN(JsonReader reader, JsonReader::Parse(config_json, name));
  const std::string architecture = reader.RequiredString("architectures.0");
  MAO_RETURN_IF_ERROR(reader.status());
  std::string known;
  for (const ModelRow& row : kModels) {
    if (architecture == row.architecture) return &row;
    known += known.empty() ? "" : ", ";
    known += row.architecture;
  }
  return UnimplementedError(fmt::format("{}: architecture '{}' is not supported; supported: {}",
                                        name, architecture, known));
}

}  // namespace

DType DefaultDType(const Checkpoint& checkpoint) {
  const auto packed = ReadPackedFormat(checkpoint);
  if (packed.ok() && packed->has_value()) return (*packed)->dtype;
  for (const NamedTensor& tensor : checkpoint.tensors()) {
    if (tensor.view.dtype == DType::kF32 || tensor.view.dtype == DType::kF16) return DType::kF32;
  }
  return DType::kBF16;
}

Result<std::unique_ptr<Model>> LoadModel(const Checkpoint& checkpoint, const LoadOptions& options,
                                         ThreadPool& pool) {
  MAO_ASSIGN_OR_RETURN(const std::string_view config, checkpoint.File("config.json"));
  MAO_ASSIGN_OR_RETURN(const ModelRow* row, FindModel(config, checkpoint.name() + "/config.json"));
  return row->load(checkpoint, options, pool);
}

Result<std::vector<TensorSpec>> ExpectedTensors(std::string_view config_json,
                                                std::string_view name) {
  MAO_ASSIGN_OR_RETURN(const ModelRow* row, FindModel(config_json, name));
  MAO_ASSIGN_OR_RETURN(ModelTensors expected, row->expected_tensors(config_json, name));
  return std::move(expected.tensors);
}

Result<ModelTensors> ExpectedTensors(const Checkpoint& checkpoint) {
  MAO_ASSIGN_OR_RETURN(const std::string_view config, checkpoint.File("config.json"));
  const std::string name = checkpoint.name() + "/config.json";
  MAO_ASSIGN_OR_RETURN(const ModelRow* row, FindModel(config, name));
  return row->expected_tensors(config, name);
}

}  // namespace mao
