#include "layers/mlp.h"

#include "kernels/act/act.h"

namespace mao {

Status GatedMlp::Workspace::Reserve(const GatedMlp& layer, int64_t max_rows) {
  return gate_up.Reserve(max_rows, layer.gate_up.out_features());
}

void GatedMlp::Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* hidden,
                       Workspace& workspace) const {
  const int64_t width = down.in_features();
  float* activations = workspace.gate_up.data();
  gate_up.Forward(ctx, x, gate_up.in_features(), rows, activations, 2 * width);
  SiluAndMul(activations, 2 * width, rows, width, activations, 2 * width, ctx.pool);
  down.Forward(ctx, activations, 2 * width, rows, hidden, down.out_features(), Activation::kNone,
               /*accumulate=*/true);
}

}  // namespace mao
