// What a model reads from a checkpoint, and which of it are weights of linear layers.
#ifndef MAOOCR_MODELS_MODEL_TENSORS_H_
#define MAOOCR_MODELS_MODEL_TENSORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "weights/verify.h"

namespace mao {

// What decides on the number format of a linear layer.
enum class WeightRole : uint8_t {
  kVision,     // run once a page, and their errors reach every token: as they are
  kLanguage,   // quantised where asked for
  kSensitive,  // quantised, but never with fewer than 8 bits: every later token sees their errors
  kRouter,     // float: choices must not flip by rounding
};

struct LinearSpec {
  std::vector<std::string> weights;  // names of the tensors, stacked along the outputs
  WeightRole role = WeightRole::kLanguage;
};

struct ModelTensors {
  std::vector<TensorSpec> tensors;  // all, as a plain checkpoint has them
  std::vector<LinearSpec> linears;  // those that a packed checkpoint has packed
};

}  // namespace mao

#endif  // MAOOCR_MODELS_MODEL_TENSORS_H_
