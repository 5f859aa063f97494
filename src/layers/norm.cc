#include "layers/norm.h"

#include "kernels/norm/norm.h"

namespace mao {

Result<LayerNormLayer> LayerNormLayer::Create(const TensorView& weight, const TensorView& bias,
                                              float eps) {
  LayerNormLayer layer;
  MAO_ASSIGN_OR_RETURN(layer.weight, ToFloatMatrix(weight));
  MAO_ASSIGN_OR_RETURN(layer.bias, ToFloatMatrix(bias));
  layer.eps = eps;
  return layer;
}

void LayerNormLayer::Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* y) const {
  const int64_t n = weight.cols();
  LayerNorm(x, n, rows, n, weight.data(), bias.data(), eps, y, n, ctx.pool);
}

Result<RmsNormLayer> RmsNormLayer::Create(const TensorView& weight, float eps) {
  RmsNormLayer layer;
  MAO_ASSIGN_OR_RETURN(layer.weight, ToFloatMatrix(weight));
  layer.eps = eps;
  return layer;
}

void RmsNormLayer::Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* y) const {
  const int64_t n = weight.cols();
  RmsNorm(x, n, rows, n, weight.data(), eps, y, n, ctx.pool);
}

}  // namespace mao
