// Normalisation layers: weights of the kernels in kernels/norm.
#ifndef MAOOCR_LAYERS_NORM_H_
#define MAOOCR_LAYERS_NORM_H_

#include "layers/execution_context.h"

namespace mao {

struct LayerNormLayer {
  FloatMatrix weight;  // [1, n]
  FloatMatrix bias;
  float eps = 1e-5f;

  static Result<LayerNormLayer> Create(const TensorView& weight, const TensorView& bias, float eps);
  // x and y: `rows` rows of n floats without gaps; y may be x.
  void Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* y) const;
};

struct RmsNormLayer {
  FloatMatrix weight;  // [1, n]
  float eps = 1e-6f;

  static Result<RmsNormLayer> Create(const TensorView& weight, float eps);
  void Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* y) const;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_NORM_H_
