// Does a checkpoint hold what a model needs?
#ifndef MAOOCR_WEIGHTS_VERIFY_H_
#define MAOOCR_WEIGHTS_VERIFY_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"
#include "tensor/shape.h"
#include "weights/checkpoint.h"

namespace mao {

struct TensorSpec {
  std::string name;
  Shape shape;
  std::optional<DType> dtype = std::nullopt;  // none: a float type (F32, F16, BF16)
};

// Compares the checkpoint with all tensors that a model reads, each of which must be there, with
// that shape and element type. One InvalidArgument lists what is missing,
// misshapen, of another type and, as a hint at wrong names, unused; of each at most 20 by name.
// Tensors that the model does not read are no error by themselves: their names go to `unused`,
// unless it is null, for the caller to warn about.
Status VerifyTensors(const Checkpoint& checkpoint, std::span<const TensorSpec> expected,
                     std::vector<std::string>* unused = nullptr);

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_VERIFY_H_
