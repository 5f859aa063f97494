#include "apps/open_model.h"

#include <chrono>

#include <fmt/core.h>

#include "apps/embedded_model.h"
#include "base/log.h"
#include "base/thread_pool.h"
#include "models/registry.h"

namespace mao {
Result<DType> ParseComputeDType(const std::string& name, const Checkpoint& checkpoint) {
  if (name == "auto") return DefaultDType(checkpoint);
  if (name == "bfloat16") return DType::kBF16;
  if (name == "float32") return DType::kF32;
  return InvalidArgumentError(
      fmt::format("unknown dtype '{}'; known: auto, bfloat16, float32", name));
}

Result<Checkpoint> OpenCheckpoint(const std::string& folder) {
  if (!folder.empty()) return Checkpoint::Open(folder);
  return Checkpoint::FromMemory(kEmbeddedModelName, EmbeddedModelFiles());
}

Result<std::unique_ptr<Tokenizer>> OpenTokenizer(const Checkpoint& checkpoint) {
  MAO_ASSIGN_OR_RETURN(const std::string_view json, checkpoint.File("tokenizer.json"));
  return Tokenizer::FromJson(json, checkpoint.name() + "/tokenizer.json");
}

Result<std::unique_ptr<Engine>> OpenEngine(const OpenModelOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(options.folder));
  MAO_ASSIGN_OR_RETURN(const DType dtype, ParseComputeDType(options.dtype, checkpoint));
  MAO_ASSIGN_OR_RETURN(const Quantization quantization, ParseQuantization(options.quantization));
  std::unique_ptr<Model> model;
  {
    ThreadPool pool(options.engine.num_threads);
    MAO_ASSIGN_OR_RETURN(model, LoadModel(checkpoint, {dtype, quantization}, pool));
  }
  EngineConfig config = options.engine;
  config.dtype = dtype;
  MAO_ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Engine::Create(std::move(model), config));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::string& format = engine->model_info().weight_format;
  const bool quantized = format != Name(dtype);
  LogInfo(fmt::format("opened {} as {}{}{} in {:.2f} s", checkpoint.name(), Name(dtype),
                      quantized ? " with weights in " : "", quantized ? format : "",
                      seconds.count()));
  return engine;
}

}  // namespace mao
