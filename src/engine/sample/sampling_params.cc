#include "engine/sample/sampling_params.h"

#include <cmath>
#include <string_view>

#include <fmt/core.h>

namespace mao {
namespace {

template <typename T>
Status Check(bool in_range, std::string_view field, const T& value, std::string_view range) {
  if (in_range) return OkStatus();
  return InvalidArgumentError(
      fmt::format("sampling parameter {} is {}, but must be {}", field, value, range));
}

bool Between(double value, double low, double high) { return value >= low && value <= high; }

Status CheckIds(std::string_view field, const std::vector<TokenId>& ids, size_t max_count,
                int vocab_size) {
  MAO_RETURN_IF_ERROR(Check(ids.size() <= max_count, fmt::format("{} (number of ids)", field),
                            ids.size(), fmt::format("at most {}", max_count)));
  for (const TokenId id : ids) {
    MAO_RETURN_IF_ERROR(Check(id >= 0 && id < vocab_size, fmt::format("{} (an id in it)", field),
                              id, fmt::format("in [0, {})", vocab_size)));
  }
  return OkStatus();
}

Status CheckDistribution(const SamplingParams& p) {
  MAO_RETURN_IF_ERROR(Check(std::isfinite(p.temperature) && p.temperature >= 0, "temperature",
                            p.temperature, "finite and at least 0"));
  MAO_RETURN_IF_ERROR(Check(p.top_k >= 0, "top_k", p.top_k, "0 (off) or at least 1"));
  MAO_RETURN_IF_ERROR(Check(p.top_p > 0 && p.top_p <= 1, "top_p", p.top_p, "in (0, 1]"));
  return Check(Between(p.min_p, 0, 1), "min_p", p.min_p, "in [0, 1]");
}

Status CheckPenalties(const SamplingParams& p) {
  MAO_RETURN_IF_ERROR(Check(std::isfinite(p.repetition_penalty) && p.repetition_penalty > 0,
                            "repetition_penalty", p.repetition_penalty,
                            "finite and greater than 0"));
  MAO_RETURN_IF_ERROR(Check(Between(p.presence_penalty, -2, 2), "presence_penalty",
                            p.presence_penalty, "in [-2, 2]"));
  return Check(Between(p.frequency_penalty, -2, 2), "frequency_penalty", p.frequency_penalty,
               "in [-2, 2]");
}

Status CheckNgrams(const SamplingParams& p, int vocab_size) {
  MAO_RETURN_IF_ERROR(Check(Between(p.no_repeat_ngram_size, 0, kMaxNgramSize),
                            "no_repeat_ngram_size", p.no_repeat_ngram_size,
                            fmt::format("in [0, {}]", kMaxNgramSize)));
  MAO_RETURN_IF_ERROR(Check(Between(p.no_repeat_ngram_window, 0, kMaxNgramWindow),
                            "no_repeat_ngram_window", p.no_repeat_ngram_window,
                            fmt::format("in [0, {}]", kMaxNgramWindow)));
  return CheckIds("no_repeat_ngram_whitelist", p.no_repeat_ngram_whitelist, kMaxNgramWhitelist,
                  vocab_size);
}

Status CheckStops(const SamplingParams& p, int vocab_size) {
  MAO_RETURN_IF_ERROR(Check(p.max_tokens >= 1, "max_tokens", p.max_tokens, "at least 1"));
  MAO_RETURN_IF_ERROR(Check(Between(p.min_tokens, 0, p.max_tokens), "min_tokens", p.min_tokens,
                            fmt::format("in [0, max_tokens = {}]", p.max_tokens)));
  MAO_RETURN_IF_ERROR(Check(p.stop.size() <= kMaxStopStrings, "stop (number of strings)",
                            p.stop.size(), fmt::format("at most {}", kMaxStopStrings)));
  for (const std::string& text : p.stop) {
    MAO_RETURN_IF_ERROR(Check(!text.empty() && text.size() <= kMaxStopStringBytes,
                              "stop (bytes of a string)", text.size(),
                              fmt::format("in [1, {}]", kMaxStopStringBytes)));
  }
  return CheckIds("stop_token_ids", p.stop_token_ids, kMaxStopTokenIds, vocab_size);
}

}  // namespace

Status Validate(const SamplingParams& params, int vocab_size) {
  MAO_RETURN_IF_ERROR(CheckDistribution(params));
  MAO_RETURN_IF_ERROR(CheckPenalties(params));
  MAO_RETURN_IF_ERROR(CheckNgrams(params, vocab_size));
  MAO_RETURN_IF_ERROR(CheckStops(params, vocab_size));
  return Check(Between(params.logprobs, -1, kMaxLogprobs), "logprobs", params.logprobs,
               fmt::format("-1 (off) or in [0, {}]", kMaxLogprobs));
}

}  // namespace mao
