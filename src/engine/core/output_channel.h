// Carries one request's output from the engine thread to its reader.
#ifndef MAOOCR_ENGINE_CORE_OUTPUT_CHANNEL_H_
#define MAOOCR_ENGINE_CORE_OUTPUT_CHANNEL_H_

#include <condition_variable>
#include <mutex>

#include "engine/engine.h"

namespace mao {

// The writer never waits: what the reader has not taken yet is joined, and max_tokens bounds it.
class OutputChannel {
 public:
  // Joins to what is pending. After an output with `finished`, further ones are dropped.
  void Push(EngineOutput output);
  // Before the last Push.
  void SetStats(const RequestStats& stats);

  // Blocks until something is pending.
  EngineOutput Take();
  RequestStats stats() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  EngineOutput pending_;
  bool has_pending_ = false;
  bool closed_ = false;
  RequestStats stats_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CORE_OUTPUT_CHANNEL_H_
