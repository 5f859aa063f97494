// From a folder, or the embedded model, to a running engine.
#ifndef MAOOCR_APPS_OPEN_MODEL_H_
#define MAOOCR_APPS_OPEN_MODEL_H_

#include <memory>
#include <string>

#include "base/dtype.h"
#include "base/status.h"
#include "engine/engine.h"
#include "text/tokenizer.h"
#include "weights/checkpoint.h"

namespace mao {

struct OpenModelOptions {
  std::string folder;                 // empty: the embedded model
  std::string dtype = "auto";         // auto, bfloat16, float32
  std::string quantization = "none";  // int8, int4; none: as the checkpoint is stored
  EngineConfig engine;                // its dtype comes from the one above
};

// The folder's checkpoint, or the embedded one if the name is empty.
Result<Checkpoint> OpenCheckpoint(const std::string& folder);

Result<std::unique_ptr<Tokenizer>> OpenTokenizer(const Checkpoint& checkpoint);

// auto (the checkpoint's), bfloat16, float32. InvalidArgument for other names.
Result<DType> ParseComputeDType(const std::string& name, const Checkpoint& checkpoint);

Result<std::unique_ptr<Engine>> OpenEngine(const OpenModelOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_OPEN_MODEL_H_
