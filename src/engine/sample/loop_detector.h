// Finds output that repeats itself without end, so that a page does not run to its token limit.
#ifndef MAOOCR_ENGINE_SAMPLE_LOOP_DETECTOR_H_
#define MAOOCR_ENGINE_SAMPLE_LOOP_DETECTOR_H_

#include <cstddef>
#include <optional>

#include "engine/sample/lag_runs.h"
#include "engine/sample/sampling_params.h"

namespace mao {

// A stretch is hopeless if it repeats with one period p <= max_period and what follows its first
// copy is at least max(min_repeated_ids, min_repeats * p) ids long.
//
// What legitimate pages do, and must not trip this: a leader line of 200 single dots (period 1, 200
// ids), a table of 100 empty cells (period 2, 200 ids), a blank form of 40 rows of 10 empty cells
// (period 22, 880 ids), a refrain. Hence 1024 ids for short periods. Text of some 200 ids and more
// has no business to appear five times word for word, hence four repeats for long ones.
// What it costs to be this patient: a loop is stopped after about 1,000 ids instead of 8,192.
struct LoopDetectorOptions {
  int max_period = 512;
  int min_repeated_ids = 1024;
  int min_repeats = 4;
};

struct RepetitionLoop {
  int period;        // the shortest that qualifies
  int repeated_ids;  // the last so many output ids repeat what was there before them
};

class LoopDetector {
 public:
  explicit LoopDetector(const LoopDetectorOptions& options = {});

  // Takes the next output id; O(max_period), a few hundred nanoseconds. A loop once found is found
  // again for as long as it goes on.
  std::optional<RepetitionLoop> Push(TokenId id);

 private:
  LoopDetectorOptions options_;
  LagRuns runs_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_LOOP_DETECTOR_H_
