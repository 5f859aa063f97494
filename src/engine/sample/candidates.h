// From processed logits to the ids that sampling may draw, with their weights: temperature, min-p,
// top-k and top-p in vLLM's order. All arithmetic is double, and every order of summation is fixed,
// so that a seed gives one text.
#ifndef MAOOCR_ENGINE_SAMPLE_CANDIDATES_H_
#define MAOOCR_ENGINE_SAMPLE_CANDIDATES_H_

#include <optional>
#include <span>
#include <vector>

#include "engine/sample/sampling_params.h"

namespace mao {

struct Candidate {
  double weight;  // exp((logit - largest) / temperature), not normalised
  float logit;
  TokenId id;
};

// The lowest id with the largest logit; NaN and -infinity never win. Nothing if no other is there.
std::optional<TokenId> ArgMax(std::span<const float> logits);

// Fills `out` (cleared first; no allocation if its capacity is logits.size()) with the ids left:
//   min-p: those with at least min_p times the probability of the best;
//   top-k: the k best, and all that equal the k-th;
//   top-p: the smallest set of best ones that holds top_p of what is left; equal logits at the edge
//          go to the lower ids. At least one stays.
// Empty only if no logit is above -infinity. If the largest is +infinity, the lowest such id alone.
// Needs valid params with a temperature above kGreedyTemperature.
void SelectCandidates(std::span<const float> logits, const SamplingParams& params,
                      std::vector<Candidate>& out);

// The candidate at `uniform` (in [0, 1)) of the cumulated weights; candidates must not be empty.
TokenId Draw(std::span<const Candidate> candidates, double uniform);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_CANDIDATES_H_
