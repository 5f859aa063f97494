#include "engine/sched/testing/step_driver.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include <gtest/gtest.h>

namespace mao::testing {

ImageFingerprint TestFingerprint(uint64_t seed) {
  ImageFingerprint fingerprint;
  fingerprint.bytes.fill(0xab);
  std::memcpy(fingerprint.bytes.data(), &seed, sizeof(seed));
  return fingerprint;
}

RequestSpec TestRequest(uint64_t id, uint32_t num_tokens, uint32_t num_output_tokens,
                        uint64_t seed) {
  RequestSpec spec;
  spec.id = RequestId{id};
  std::mt19937_64 random(seed);
  for (uint32_t i = 0; i < num_tokens; ++i) {
    spec.prompt_token_ids.push_back(1 + static_cast<TokenId>(random() % 50));
  }
  spec.max_total_tokens = num_tokens + num_output_tokens;
  return spec;
}

void PlaceImage(RequestSpec* spec, uint32_t offset, uint32_t length, uint64_t image_seed) {
  std::fill_n(spec->prompt_token_ids.begin() + offset, length, kPlaceholder);
  spec->image_spans.push_back(
      {.offset = offset, .length = length, .fingerprint = TestFingerprint(image_seed)});
}

StepDriver::StepDriver(const SchedulerConfig& config, const FakeRunnerOptions& options)
    : config_(config), model_(options.model), runner_(config, options) {
  auto scheduler = Scheduler::Create(config);
  EXPECT_TRUE(scheduler.ok()) << scheduler.status().ToString();
  scheduler_ = std::move(scheduler).value();
}

const PlanRow* StepDriver::Row(uint64_t id) const {
  const auto row = std::find_if(plan_.rows.begin(), plan_.rows.end(),
                                [id](const PlanRow& r) { return r.id == RequestId{id}; });
  return row == plan_.rows.end() ? nullptr : &*row;
}

uint32_t StepDriver::NumScheduled(uint64_t id) const {
  const PlanRow* row = Row(id);
  return row == nullptr ? 0 : row->num_new_tokens;
}

Status StepDriver::Add(const RequestSpec& spec) {
  MAO_RETURN_IF_ERROR(scheduler_->Add(spec));
  specs_[spec.id] = spec;
  results_[spec.id] = {};
  runner_.Register(spec);
  CheckInvariants();
  return OkStatus();
}

bool StepDriver::Abort(uint64_t id) {
  const bool was_there = scheduler_->Abort(RequestId{id});
  CheckInvariants();
  return was_there;
}

const StepPlan& StepDriver::Plan() {
  scheduler_->Schedule(now_, &plan_);
  ++num_steps_;
  CheckPlan(*scheduler_, plan_);
  runner_.Begin(plan_);
  for (const FinishedRequest& finished : plan_.finished) {
    RequestResult& result = results_.at(finished.id);
    EXPECT_FALSE(result.reason.has_value()) << "finished twice";
    result.reason = finished.reason;
    result.status = finished.status;
  }
  CheckInvariants();
  return plan_;
}

void StepDriver::Complete() {
  runner_.Execute(plan_, &outcome_);
  if (plan_.rows.empty() || ::testing::Test::HasFatalFailure()) return;
  const Status status = scheduler_->Update(outcome_);
  ASSERT_TRUE(status.ok()) << status.ToString();
  size_t next = 0;
  for (const RowOutcome& row : outcome_.rows) {
    auto& output = results_.at(row.id).output;
    const auto sampled = outcome_.sampled_token_ids.begin() + next;
    output.insert(output.end(), sampled, sampled + row.num_sampled_tokens);
    next += row.num_sampled_tokens;
  }
  CheckInvariants();
}

void StepDriver::Fail(Status status) {
  runner_.Execute(plan_, &outcome_);
  outcome_.Clear();
  outcome_.step = plan_.step;
  outcome_.status = std::move(status);
  const Status update = scheduler_->Update(outcome_);
  EXPECT_TRUE(update.ok()) << update.ToString();
  CheckInvariants();
}

void StepDriver::EndEncode(const EncoderKey& image, const Status& status) {
  runner_.EndEncode(image, status.ok());
  const Status told = scheduler_->OnImageEncoded(image, status);
  EXPECT_TRUE(told.ok()) << told.ToString();
  EXPECT_FALSE(scheduler_->IsIdle());
  CheckInvariants();
}

const StepPlan& StepDriver::Step() {
  Plan();
  Complete();
  while (!encoding().empty()) EndEncode(EncoderKey(encoding().front()));
  return plan_;
}

void StepDriver::RunToEnd(uint32_t max_steps) {
  while (scheduler_->HasWork() && !::testing::Test::HasFailure()) {
    ASSERT_GT(max_steps--, 0u) << "no end: " << scheduler_->num_requests() << " requests left";
    Step();
  }
  if (!::testing::Test::HasFailure()) Invariants::CheckIdle(*scheduler_);
}

void StepDriver::ExpectReferenceOutput(uint64_t id) const {
  const RequestResult& result = results_.at(RequestId{id});
  ASSERT_TRUE(result.reason.has_value()) << "request " << id << " has not finished";
  EXPECT_TRUE(result.status.ok()) << result.status.ToString();
  EXPECT_EQ(result.output, model_.ReferenceOutput(specs_.at(RequestId{id}))) << "request " << id;
  const bool has_stopped = !result.output.empty() && result.output.back() == kStopToken;
  EXPECT_EQ(*result.reason, has_stopped ? FinishReason::kStopped : FinishReason::kMaxTokens);
}

void StepDriver::CheckInvariants() { invariants_.Check(*scheduler_, runner_, specs_); }

}  // namespace mao::testing
