// Mixture of experts as in DeepSeek-MoE (Dai et al. 2024): routed experts and a shared one.
#ifndef MAOOCR_LAYERS_MOE_H_
#define MAOOCR_LAYERS_MOE_H_

#include <vector>

#include "layers/mlp.h"

namespace mao {

// y = sum over the k most probable experts of p_e * expert_e(x), plus shared(x).
// p = softmax over all experts, in float; the chosen probabilities are renormalised only if
// renormalize, then scaled. Equal probabilities: the lower expert wins.
struct MixtureOfExperts {
  Linear router;  // float weights, computed in float: close choices must not flip by rounding
  std::vector<GatedMlp> experts;
  GatedMlp shared;  // may be empty (no weights)
  int64_t experts_per_token = 0;
  bool renormalize = false;
  float routed_scaling_factor = 1.0f;

  struct Workspace {
    FloatMatrix router_logits;           // [rows, experts]
    FloatMatrix router_probabilities;    // [rows, experts]
    FloatMatrix gate_up;                 // [rows * k, 2 * width], grouped by expert
    FloatMatrix expert_out;              // [rows * k, hidden], grouped by expert
    FloatMatrix shared_gate_up;          // [rows, 2 * shared width]
    std::vector<int32_t> chosen;         // [rows, k] expert ids, best first
    std::vector<float> probabilities;    // [rows, k]
    std::vector<int32_t> grouped_row;    // token of each grouped row
    std::vector<int32_t> grouped_place;  // [rows, k]: grouped row of each choice
    std::vector<int64_t> first_of_expert;
    std::vector<DotProblem> problems;
    Status Reserve(const MixtureOfExperts& layer, int64_t max_rows);
  };

  // Scratch bytes that Forward needs in ctx.
  size_t ScratchBytes(int64_t max_rows) const;

  // hidden += moe(x); x: rows of router.in_features() floats.
  void Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* hidden,
               Workspace& workspace) const;

 private:
  void Route(ExecutionContext& ctx, const float* x, int64_t rows, Workspace& workspace) const;
  void GroupByExpert(int64_t rows, Workspace& workspace) const;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_MOE_H_
