#include "engine/sample/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mao {

double LogSumExp(std::span<const float> logits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float largest = -kInfinity;
  for (const float x : logits) largest = x > largest ? x : largest;
  if (std::isinf(largest)) return largest;
  double sum = 0;
  for (const float x : logits) {
    if (x >= -kInfinity) sum += std::exp(static_cast<double>(x) - largest);
  }
  return largest + std::log(sum);
}

int TopLogprobs(std::span<const float> logits, double log_sum_exp, std::span<TokenLogprob> out) {
  size_t count = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const float x = logits[i];
    if (!(x > -std::numeric_limits<float>::infinity())) continue;
    if (count == out.size() && (count == 0 || x <= out[count - 1].logprob)) continue;
    if (count < out.size()) ++count;
    size_t place = count - 1;
    for (; place > 0 && x > out[place - 1].logprob; --place) out[place] = out[place - 1];
    out[place] = {static_cast<TokenId>(i), x};  // the logit, until the order is settled
  }
  for (size_t i = 0; i < count; ++i) {
    out[i].logprob = static_cast<float>(out[i].logprob - log_sum_exp);
  }
  return static_cast<int>(count);
}

}  // namespace mao
