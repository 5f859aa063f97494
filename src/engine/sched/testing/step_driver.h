// Runs a Scheduler with a FakeRunner, checking the invariants after every call.
#ifndef MAOOCR_ENGINE_SCHED_TESTING_STEP_DRIVER_H_
#define MAOOCR_ENGINE_SCHED_TESTING_STEP_DRIVER_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/sched/scheduler.h"
#include "engine/sched/testing/fake_runner.h"
#include "engine/sched/testing/invariants.h"

namespace mao::testing {

// A fingerprint that differs with `seed`.
ImageFingerprint TestFingerprint(uint64_t seed);

// A prompt of num_tokens random tokens (the same for equal seeds, one a prefix of the other), and
// room for num_output_tokens.
RequestSpec TestRequest(uint64_t id, uint32_t num_tokens, uint32_t num_output_tokens,
                        uint64_t seed);

// Puts an image at [offset, offset + length) of the prompt.
void PlaceImage(RequestSpec* spec, uint32_t offset, uint32_t length, uint64_t image_seed);

struct RequestResult {
  std::vector<TokenId> output;
  std::optional<FinishReason> reason;  // once finished
  Status status;
};

class StepDriver {
 public:
  explicit StepDriver(const SchedulerConfig& config, const FakeRunnerOptions& options = {});

  Scheduler& scheduler() { return *scheduler_; }
  const StepPlan& plan() const { return plan_; }
  uint32_t num_steps() const { return num_steps_; }
  const RequestResult& result(uint64_t id) const { return results_.at(RequestId{id}); }
  const std::map<RequestId, RequestSpec>& specs() const { return specs_; }
  // The row of this request in the last plan; nullptr when there is none.
  const PlanRow* Row(uint64_t id) const;
  // The tokens that the last plan computes for a request; 0 when it has no row.
  uint32_t NumScheduled(uint64_t id) const;

  Status Add(const RequestSpec& spec);
  bool Abort(uint64_t id);
  void AdvanceTime(std::chrono::milliseconds duration) { now_ += duration; }
  TimePoint now() const { return now_; }

  // One step in two halves, for whatever is to happen while it is in flight. Images are then encoded
  // until EndEncode.
  const StepPlan& Plan();
  void Complete();
  // The images being encoded.
  const std::vector<EncoderKey>& encoding() const { return runner_.encoding(); }
  void EndEncode(const EncoderKey& image, const Status& status = OkStatus());
  // Ends the step with an error instead.
  void Fail(Status status);
  // Both halves; what is being encoded then is ready for the next step.
  const StepPlan& Step();
  // Until there is no work; fails the test after max_steps.
  void RunToEnd(uint32_t max_steps = 10000);
  // Expects that the request was stopped or ran to its limit with the output it has on its own.
  void ExpectReferenceOutput(uint64_t id) const;

 private:
  void CheckInvariants();

  SchedulerConfig config_;
  FakeModel model_;
  std::unique_ptr<Scheduler> scheduler_;
  FakeRunner runner_;
  Invariants invariants_;
  TimePoint now_{};
  StepPlan plan_;
  StepOutcome outcome_;
  uint32_t num_steps_ = 0;
  std::map<RequestId, RequestSpec> specs_;
  std::map<RequestId, RequestResult> results_;
};

}  // namespace mao::testing

#endif  // MAOOCR_ENGINE_SCHED_TESTING_STEP_DRIVER_H_
