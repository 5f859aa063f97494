// A model runner for tests: its "model" is a hash of everything a real one would read through the
// block table, so wrong sharing, lost blocks and wrong recomputation change the tokens.
#ifndef MAOOCR_ENGINE_SCHED_TESTING_FAKE_RUNNER_H_
#define MAOOCR_ENGINE_SCHED_TESTING_FAKE_RUNNER_H_

#include <cstdint>
#include <map>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/sched/request_state.h"
#include "engine/sched/scheduler_config.h"
#include "engine/sched/step_outcome.h"
#include "engine/sched/step_plan.h"

namespace mao::testing {

constexpr TokenId kStopToken = 0;
constexpr TokenId kPlaceholder = 1'000'000;

struct FakeModel {
  uint32_t stop_odds = 0;  // one token in so many is kStopToken; 0: none

  // The entry at a position, from the one before it and the input there.
  static uint64_t Entry(uint64_t previous, uint64_t input);
  static uint64_t FirstEntry(std::string_view adapter_id);
  static uint64_t TextInput(TokenId token);
  static uint64_t ImageInput(const EncoderKey& image, uint32_t row);
  // "Attention": folds one more entry into what the next token depends on.
  static uint64_t Attend(uint64_t seen, uint64_t entry);
  TokenId Sample(uint64_t seen) const;

  // The output of the request on its own, computed without blocks or steps.
  std::vector<TokenId> ReferenceOutput(const RequestSpec& spec) const;
};

struct FakeRunnerOptions {
  FakeModel model;
  uint32_t max_drafts = 0;  // guesses per step; about two in three are right
  uint64_t seed = 1;
};

// Checks with gtest expectations that plans are consistent with each other.
class FakeRunner {
 public:
  FakeRunner(const SchedulerConfig& config, const FakeRunnerOptions& options);

  // What the engine's core would hand over beside the plans: images and adapter. The spec's
  // reference output serves to make drafts.
  void Register(const RequestSpec& spec);
  // Applies what stands before the rows: releases, and the order to encode.
  void Begin(const StepPlan& plan);
  // Computes the rows.
  void Execute(const StepPlan& plan, StepOutcome* outcome);

  // The images being encoded, in order of the plans.
  const std::vector<EncoderKey>& encoding() const { return encoding_; }
  // One of them ends; its rows can be read unless it failed.
  void EndEncode(const EncoderKey& image, bool is_ok);

  std::vector<uint64_t> BlockEntries(BlockId id) const;

 private:
  struct Request {
    RequestSpec spec;
    std::vector<TokenId> reference;  // prompt and output
    std::vector<TokenId> tokens;
    std::vector<BlockId> table;
    uint32_t num_computed = 0;
    bool is_known = false;
    bool is_preempted = false;
  };
  struct Slot {
    uint64_t entry = 0;
    uint64_t step = 0;  // that wrote it, and for whom
    RequestId writer{};
  };

  void ApplyReleases(const StepPlan& plan);
  void Order(const StepPlan& plan);
  void Receive(const StepPlan& plan, const PlanRow& row, Request* request);
  std::vector<uint64_t> Inputs(const StepPlan& plan, const PlanRow& row) const;
  void WriteEntries(const StepPlan& plan, const PlanRow& row, const Request& request);
  uint64_t ReadEntry(const StepPlan& plan, const Request& request, uint32_t position) const;
  void Sample(const StepPlan& plan, const PlanRow& row, Request* request, StepOutcome* outcome);
  void Draft(const Request& request, RowOutcome* row, StepOutcome* outcome);
  size_t SlotIndex(const Request& request, uint32_t position) const;

  SchedulerConfig config_;
  FakeRunnerOptions options_;
  std::mt19937_64 random_;
  std::map<RequestId, Request> requests_;
  std::vector<Slot> slots_;
  std::vector<EncoderKey> encoding_;
  std::vector<std::pair<EncoderKey, std::vector<uint64_t>>> encoder_store_;
};

}  // namespace mao::testing

#endif  // MAOOCR_ENGINE_SCHED_TESTING_FAKE_RUNNER_H_
