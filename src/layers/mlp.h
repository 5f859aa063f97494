// The gated feed-forward layer of a decoder.
#ifndef MAOOCR_LAYERS_MLP_H_
#define MAOOCR_LAYERS_MLP_H_

#include "layers/linear.h"

namespace mao {

// down(silu(gate(x)) * up(x)).
struct GatedMlp {
  Linear gate_up;  // gate outputs, then up outputs
  Linear down;

  struct Workspace {
    FloatMatrix gate_up;  // [rows, 2 * width]; the product overwrites the gate half
    Status Reserve(const GatedMlp& layer, int64_t max_rows);
  };

  // hidden += mlp(x).
  void Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* hidden,
               Workspace& workspace) const;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_MLP_H_
