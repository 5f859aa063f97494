#include "engine/sample/loop_detector.h"

#include <algorithm>
#include <cstdint>

namespace mao {

LoopDetector::LoopDetector(const LoopDetectorOptions& options)
    : options_(options), runs_(LagRuns::Bounded(options.max_period)) {}

std::optional<RepetitionLoop> LoopDetector::Push(TokenId id) {
  runs_.Push(id);
  for (size_t period = 1; period <= runs_.num_lags(); ++period) {
    const size_t enough =
        std::max<size_t>(options_.min_repeated_ids, options_.min_repeats * period);
    if (runs_.run(period) >= enough) {
      return RepetitionLoop{static_cast<int>(period), static_cast<int>(runs_.run(period))};
    }
  }
  return std::nullopt;
}

}  // namespace mao
