#include "layers/moe.h"

#include <algorithm>
#include <limits>

#include "kernels/act/act.h"

namespace mao {
namespace {

int64_t Round16(int64_t rows) { return (rows + 15) / 16 * 16; }

// The k largest of n logits, best first, and their probabilities. The logits are used up.
void ChooseExperts(float* logits, const float* probabilities, int64_t n, int64_t k,
                   bool renormalize, float scale, int32_t* chosen, float* weights) {
  for (int64_t i = 0; i < k; ++i) {
    const int64_t best = std::max_element(logits, logits + n) - logits;
    chosen[i] = static_cast<int32_t>(best);
    weights[i] = probabilities[best];
    logits[best] = -std::numeric_limits<float>::infinity();
  }
  float factor = scale;
  if (renormalize) {
    float total = 1e-20f;
    for (int64_t i = 0; i < k; ++i) total += weights[i];
    factor = scale / total;
  }
  for (int64_t i = 0; i < k; ++i) weights[i] *= factor;
}

}  // namespace

Status MixtureOfExperts::Workspace::Reserve(const MixtureOfExperts& layer, int64_t max_rows) {
  const int64_t choices = max_rows * layer.experts_per_token;
  const auto num_experts = static_cast<int64_t>(layer.experts.size());
  chosen.reserve(static_cast<size_t>(choices));
  probabilities.reserve(static_cast<size_t>(choices));
  grouped_row.reserve(static_cast<size_t>(choices));
  grouped_place.reserve(static_cast<size_t>(choices));
  first_of_expert.reserve(static_cast<size_t>(num_experts + 1));
  problems.reserve(static_cast<size_t>(num_experts + 1));
  MAO_RETURN_IF_ERROR(router_logits.Reserve(max_rows, num_experts));
  MAO_RETURN_IF_ERROR(router_probabilities.Reserve(max_rows, num_experts));
  MAO_RETURN_IF_ERROR(gate_up.Reserve(choices, layer.experts[0].gate_up.out_features()));
  MAO_RETURN_IF_ERROR(expert_out.Reserve(choices, layer.router.in_features()));
  return shared_gate_up.Reserve(max_rows, layer.shared.gate_up.out_features());
}

size_t MixtureOfExperts::ScratchBytes(int64_t max_rows) const {
  const auto num_experts = static_cast<int64_t>(experts.size());
  const int64_t grouped = max_rows * experts_per_token + 16 * num_experts;
  const int64_t depth =
      std::max({router.in_features(), experts[0].down.in_features(), shared.down.in_features()});
  return DotScratchBytes(grouped + Round16(max_rows), depth);
}

void MixtureOfExperts::Route(ExecutionContext& ctx, const float* x, int64_t rows,
                             Workspace& workspace) const {
  const auto num_experts = static_cast<int64_t>(experts.size());
  const int64_t k = experts_per_token;
  float* logits = workspace.router_logits.data();
  const DotProblem problem = router.Problem(x, router.in_features(), rows, logits, num_experts);
  Dot({&problem, 1}, DType::kF32, ctx.scratch.bytes(), ctx.pool);
  ctx.Observe("moe.router_logits", logits, rows, num_experts);
  workspace.chosen.resize(static_cast<size_t>(rows * k));
  workspace.probabilities.resize(static_cast<size_t>(rows * k));
  const float* probabilities = workspace.router_probabilities.data();
  Softmax(logits, rows, num_experts, workspace.router_probabilities.data(), ctx.pool);
  ctx.pool.ParallelFor(static_cast<size_t>(rows), [&](size_t row, size_t) {
    const auto at = static_cast<int64_t>(row);
    ChooseExperts(logits + at * num_experts, probabilities + at * num_experts, num_experts, k,
                  renormalize, routed_scaling_factor, workspace.chosen.data() + at * k,
                  workspace.probabilities.data() + at * k);
  });
}

void MixtureOfExperts::GroupByExpert(int64_t rows, Workspace& workspace) const {
  auto& first = workspace.first_of_expert;
  first.assign(experts.size() + 1, 0);
  for (const int32_t expert : workspace.chosen) ++first[static_cast<size_t>(expert) + 1];
  for (size_t e = 0; e < experts.size(); ++e) first[e + 1] += first[e];
  workspace.grouped_row.resize(workspace.chosen.size());
  workspace.grouped_place.resize(workspace.chosen.size());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < experts_per_token; ++i) {
      const auto choice = static_cast<size_t>(row * experts_per_token + i);
      const auto place =
          static_cast<size_t>(first[static_cast<size_t>(workspace.chosen[choice])]++);
      workspace.grouped_row[place] = static_cast<int32_t>(row);
      workspace.grouped_place[choice] = static_cast<int32_t>(place);
    }
  }
  // Each entry now holds the end of its expert, which is the start of the next one.
  for (size_t e = experts.size(); e > 0; --e) first[e] = first[e - 1];
  first[0] = 0;
}

void MixtureOfExperts::Forward(ExecutionContext& ctx, const float* x, int64_t rows, float* hidden,
                               Workspace& workspace) const {
  Route(ctx, x, rows, workspace);
  GroupByExpert(rows, workspace);
  const int64_t hidden_size = router.in_features();
  const int64_t width = experts[0].down.in_features();
  const int64_t shared_width = shared.down.in_features();
  const auto& first = workspace.first_of_expert;
  float* gate_up = workspace.gate_up.data();
  float* shared_gate_up = workspace.shared_gate_up.data();

  // All experts and the shared one in one parallel region each for gate/up and down.
  workspace.problems.clear();
  for (size_t e = 0; e < experts.size(); ++e) {
    if (first[e + 1] == first[e]) continue;
    DotProblem problem = experts[e].gate_up.Problem(x, hidden_size, first[e + 1] - first[e],
                                                    gate_up + first[e] * 2 * width, 2 * width);
    problem.a_rows = workspace.grouped_row.data() + first[e];
    workspace.problems.push_back(problem);
  }
  if (shared_width > 0) {
    workspace.problems.push_back(
        shared.gate_up.Problem(x, hidden_size, rows, shared_gate_up, 2 * shared_width));
  }
  Dot(workspace.problems, ctx.compute, ctx.scratch.bytes(), ctx.pool);
  const int64_t grouped_rows = rows * experts_per_token;
  SiluAndMul(gate_up, 2 * width, grouped_rows, width, gate_up, 2 * width, ctx.pool);
  if (shared_width > 0) {
    SiluAndMul(shared_gate_up, 2 * shared_width, rows, shared_width, shared_gate_up,
               2 * shared_width, ctx.pool);
  }

  workspace.problems.clear();
  for (size_t e = 0; e < experts.size(); ++e) {
    if (first[e + 1] == first[e]) continue;
    workspace.problems.push_back(
        experts[e].down.Problem(gate_up + first[e] * 2 * width, 2 * width, first[e + 1] - first[e],
                                workspace.expert_out.data() + first[e] * hidden_size, hidden_size));
  }
  if (shared_width > 0) {
    DotProblem problem =
        shared.down.Problem(shared_gate_up, 2 * shared_width, rows, hidden, hidden_size);
    problem.accumulate = true;
    workspace.problems.push_back(problem);
  }
  Dot(workspace.problems, ctx.compute, ctx.scratch.bytes(), ctx.pool);

  // Joined per token in the order of its choices, so the batch around it does not matter.
  ctx.pool.ParallelFor(static_cast<size_t>(rows), [&](size_t row, size_t) {
    float* target = hidden + static_cast<int64_t>(row) * hidden_size;
    for (int64_t i = 0; i < experts_per_token; ++i) {
      const auto choice = row * static_cast<size_t>(experts_per_token) + static_cast<size_t>(i);
      const float weight = workspace.probabilities[choice];
      const float* source = workspace.expert_out.data() +
                            static_cast<int64_t>(workspace.grouped_place[choice]) * hidden_size;
      for (int64_t d = 0; d < hidden_size; ++d) target[d] += weight * source[d];
    }
  });
}

}  // namespace mao
