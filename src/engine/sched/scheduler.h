// Continuous batching: decides what each step computes, and owns every request and both caches.
// docs/engine_contract.md states what holds and why; the design is that of vLLM's v1 scheduler.
#ifndef MAOOCR_ENGINE_SCHED_SCHEDULER_H_
#define MAOOCR_ENGINE_SCHED_SCHEDULER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/cache/encoder_cache_manager.h"
#include "engine/cache/kv_cache_manager.h"
#include "engine/sched/encoder_planner.h"
#include "engine/sched/request_queue.h"
#include "engine/sched/request_state.h"
#include "engine/sched/scheduler_config.h"
#include "engine/sched/step_outcome.h"
#include "engine/sched/step_plan.h"
#include "engine/sched/token_budget.h"

namespace mao {

// There is no prefill and no decode phase: a request has tokens, of which some are computed, and
// each step computes more of them within a budget. For one thread.
//
//   while (scheduler.HasWork()) {
//     /* if IsIdle(): wait for an encoding, a request, an abort or next_deadline() */
//     scheduler.Schedule(now, &plan);
//     /* apply the plan; OnImageEncoded whenever an image that it ordered is done */
//     if (!plan.rows.empty()) /* Update with what came out, which ends the step */
//   }
class Scheduler {
 public:
  // kInvalidArgument names the wrong field.
  static Result<std::unique_ptr<Scheduler>> Create(const SchedulerConfig& config);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Queues a request. kInvalidArgument when it is malformed or its id is in use, kOutOfRange when
  // it can never fit; the message names the request and the limit.
  Status Add(RequestSpec spec);

  // Decides the next step and commits to it: the only place where blocks and encoder entries are
  // given out. A plan with rows is in flight until Update; while one is, the plan comes back with
  // step 0 and nothing in it. A plan without rows is complete once applied.
  void Schedule(TimePoint now, StepPlan* plan);

  // Ends the step in flight. kInternal, and nothing is changed, when the outcome is not one of that
  // step's plan.
  Status Update(const StepOutcome& outcome);

  // An encoding that a plan ordered has ended, during a step or between steps. With an error, every
  // request that waits for the image fails with it, and the image may be ordered anew. kInternal,
  // and nothing is changed, when the image is not being encoded.
  Status OnImageEncoded(const EncoderKey& image, const Status& status);

  // Takes the request out of scheduling at once; what it holds returns when no step in flight uses
  // it. False when there is no such request, as when it has just finished. A later plan reports it
  // with kCancelled.
  bool Abort(RequestId id);

  // Whether Schedule has something to do or to report.
  bool HasWork() const { return !requests_.empty() || !finished_.empty(); }
  // Whether Schedule would do nothing more until an encoding ends, a request is added or aborted, or
  // next_deadline() comes.
  bool IsIdle() const { return is_idle_; }
  // The first deadline of all requests, or earlier.
  TimePoint next_deadline() const { return next_deadline_; }
  bool IsStepInFlight() const { return !in_flight_.empty(); }

  // Requests alive, those retiring included.
  size_t num_requests() const { return requests_.size(); }
  // In the order in which they are served.
  std::span<const RequestState* const> waiting() const { return waiting_.View(); }
  std::span<const RequestState* const> running() const { return running_.View(); }
  // nullptr when there is no such request. Valid until the next call of a non-const function.
  const RequestState* Find(RequestId id) const;
  uint64_t num_preemptions() const { return num_preemptions_; }
  const KvCacheManager& kv_cache() const { return kv_cache_; }
  const EncoderCacheManager& encoder_cache() const { return encoder_cache_; }
  const SchedulerConfig& config() const { return config_; }

 private:
  struct InFlightRow {
    RequestState* request = nullptr;
    bool wants_logits = false;
    uint32_t end = 0;  // tokens computed when the step has completed, drafts included
    uint32_t num_draft_tokens = 0;
  };

  Scheduler(const SchedulerConfig& config, KvCacheManager kv_cache);

  // The parts of Schedule.
  void FailExpired(TimePoint now);
  void ScheduleRunning(StepBudgets* budgets, StepPlan* plan);
  void AdmitWaiting(StepBudgets* budgets, StepPlan* plan);
  void FailIfStuck(const StepPlan& plan);

  // False when the request has left the running ones.
  bool ScheduleNextChunk(RequestState* request, StepBudgets* budgets, StepPlan* plan);
  bool GrowTable(RequestState* request, uint32_t* num_new_tokens, StepPlan* plan);
  bool Admit(RequestState* request, uint64_t num_promised_blocks, StepBudgets* budgets,
             StepPlan* plan);
  void CommitChunk(RequestState* request, const ChunkReach& reach, uint32_t num_known_blocks,
                   StepBudgets* budgets, StepPlan* plan);
  void Preempt(RequestState* request, StepPlan* plan);

  // The parts of Update.
  Status CheckOutcome(const StepOutcome& outcome) const;
  void FailStep(const Status& status);
  void Advance(const InFlightRow& row, std::span<const TokenId> sampled,
               std::span<const TokenId> drafts, bool finished);
  void ReleasePassedImages(RequestState* request);

  // Gives back the references from this image on; false when the request has none to it.
  bool LetGoOfImage(RequestState* request, const EncoderKey& image);

  void Finish(RequestState* request, FinishReason reason, Status status);
  void EndFlight(const InFlightRow& row);
  void ReturnResources(RequestState* request);
  void Retire(RequestState* request);

  SchedulerConfig config_;
  KvCacheManager kv_cache_;
  EncoderCacheManager encoder_cache_;
  std::unordered_map<RequestId, std::unique_ptr<RequestState>> requests_;
  RequestQueue waiting_;
  RequestQueue running_;
  TimePoint next_deadline_ = kNoDeadline;
  bool is_idle_ = true;
  uint64_t num_arrivals_ = 0;
  uint64_t num_steps_ = 0;
  uint64_t num_preemptions_ = 0;
  uint64_t encode_cost_in_flight_ = 0;  // EncodeCost of the images being encoded

  // The step in flight.
  std::vector<InFlightRow> in_flight_;
  // For the next plan.
  std::vector<FinishedRequest> finished_;
  // Kept for their memory.
  std::vector<BlockId> prefix_;
  std::vector<RequestState*> failing_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_SCHED_SCHEDULER_H_
