// The models this program knows, by the name their config.json gives.
#ifndef MAOOCR_MODELS_REGISTRY_H_
#define MAOOCR_MODELS_REGISTRY_H_

#include <memory>

#include "models/model.h"
#include "models/quantization.h"
#include "models/stored_weights.h"
#include "weights/checkpoint.h"
#include "weights/verify.h"

namespace mao {

struct LoadOptions {
  // Number format of activations in matrix products, and of weights that are not bfloat16 already:
  // kBF16 or kF32.
  DType dtype = DType::kBF16;
  // kNone: as the checkpoint is stored. Another one must be that of a packed checkpoint.
  Quantization quantization = Quantization::kNone;
};

// The format of the checkpoint's own arithmetic: what a packed one says; or else kBF16 if all its
// float tensors are bfloat16, or kF32, which loses nothing of float16 and float32 ones.
DType DefaultDType(const Checkpoint& checkpoint);

// Loads the model that the checkpoint's config.json names in `architectures`; the model keeps what
// it needs of the checkpoint alive. Errors name the checkpoint and, where tensors are wrong, all of
// them.
Result<std::unique_ptr<Model>> LoadModel(const Checkpoint& checkpoint, const LoadOptions& options,
                                         ThreadPool& pool);

// What the model of the checkpoint's config.json reads; StoredWeights::Verify compares.
Result<ModelTensors> ExpectedTensors(const Checkpoint& checkpoint);

// The tensors that a config.json (its contents) asks for, with a name for messages.
Result<std::vector<TensorSpec>> ExpectedTensors(std::string_view config_json,
                                                std::string_view name);

}  // namespace mao

#endif  // MAOOCR_MODELS_REGISTRY_H_
