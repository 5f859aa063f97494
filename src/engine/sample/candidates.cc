#include "engine/sample/candidates.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace mao {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A strict total order, so that no result depends on how the library sorts.
bool Better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}
bool Worse(const Candidate& a, const Candidate& b) { return Better(b, a); }

void KeepMinP(float best, const SamplingParams& params, std::vector<Candidate>& candidates) {
  if (params.min_p <= 0) return;
  const double least = best + params.temperature * std::log(static_cast<double>(params.min_p));
  std::erase_if(candidates, [least](const Candidate& c) { return c.logit < least; });
}

void KeepTopK(const SamplingParams& params, std::vector<Candidate>& candidates) {
  const auto k = static_cast<size_t>(params.top_k);
  if (k == 0 || k >= candidates.size()) return;
  const auto kth = candidates.begin() + static_cast<ptrdiff_t>(k) - 1;
  std::nth_element(candidates.begin(), kth, candidates.end(), Better);
  const float least = kth->logit;
  std::erase_if(candidates, [least](const Candidate& c) { return c.logit < least; });
  std::sort(candidates.begin(), candidates.end(), Better);
}

void ComputeWeights(float best, const SamplingParams& params, std::vector<Candidate>& candidates) {
  const double temperature = params.temperature;
  for (Candidate& c : candidates) {
    c.weight = std::exp((static_cast<double>(c.logit) - best) / temperature);
  }
}

double Sum(std::span<const Candidate> candidates) {
  double sum = 0;
  for (const Candidate& c : candidates) sum += c.weight;
  return sum;
}

// A heap rather than a sort: the kept set is small as a rule, the vocabulary large.
void KeepTopP(const SamplingParams& params, std::vector<Candidate>& candidates) {
  if (params.top_p >= 1 || candidates.empty()) return;
  const double mass = Sum(candidates) * params.top_p;
  std::make_heap(candidates.begin(), candidates.end(), Worse);
  auto kept_begin = candidates.end();
  for (double kept = 0; kept < mass && kept_begin != candidates.begin();) {
    std::pop_heap(candidates.begin(), kept_begin, Worse);
    --kept_begin;
    kept += kept_begin->weight;
  }
  candidates.erase(candidates.begin(), kept_begin);
  std::reverse(candidates.begin(), candidates.end());
}

}  // namespace

// Largest first, place second: lanes without branches are several times faster than one loop.
std::optional<TokenId> ArgMax(std::span<const float> logits) {
  constexpr size_t kLanes = 16;
  std::array<float, kLanes> lanes;
  lanes.fill(-kInfinity);
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    const float* x = logits.data() + i;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = x[lane] > lanes[lane] ? x[lane] : lanes[lane];  // false for NaN
    }
  }
  for (; i < logits.size(); ++i) lanes[0] = logits[i] > lanes[0] ? logits[i] : lanes[0];
  const float best = *std::max_element(lanes.begin(), lanes.end());
  if (best == -kInfinity) return std::nullopt;
  return static_cast<TokenId>(std::find(logits.begin(), logits.end(), best) - logits.begin());
}

void SelectCandidates(std::span<const float> logits, const SamplingParams& params,
                      std::vector<Candidate>& out) {
  out.clear();
  const std::optional<TokenId> best_id = ArgMax(logits);
  if (!best_id) return;
  const float best = logits[*best_id];
  if (best == kInfinity) {  // its probability is 1, which the weights below cannot express
    out.push_back({1, best, *best_id});
    return;
  }
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > -kInfinity) out.push_back({0, logits[i], static_cast<TokenId>(i)});
  }
  KeepMinP(best, params, out);        // over the whole distribution at this temperature
  KeepTopK(params, out);              // no temperature changes which are the k best
  ComputeWeights(best, params, out);  // temperature, only for those that are left
  KeepTopP(params, out);              // last: its mass is that of what the others have left
}

TokenId Draw(std::span<const Candidate> candidates, double uniform) {
  double left = uniform * Sum(candidates);
  TokenId last = candidates.front().id;
  for (const Candidate& c : candidates) {
    if (c.weight <= 0) continue;
    left -= c.weight;
    last = c.id;
    if (left < 0) break;  // rounding may keep this from ever being true
  }
  return last;
}

}  // namespace mao
