// Random requests, arrivals, aborts, deadlines, failing steps and encodings that take their time or
// fail, in pools that are too small, with every invariant checked after every call
// (testing/invariants.h).
#include <algorithm>
#include <chrono>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "engine/sched/scheduler.h"
#include "engine/sched/testing/step_driver.h"

namespace mao {
namespace {

using testing::FakeModel;
using testing::FakeRunnerOptions;
using testing::PlaceImage;
using testing::StepDriver;
using testing::TestRequest;

constexpr uint32_t kNumRequests = 40;

class Scenario {
 public:
  explicit Scenario(uint64_t seed)
      : random_(seed),
        config_(RandomConfig()),
        options_(RandomOptions()),
        driver_(config_, options_) {}

  void Run() {
    while (num_added_ < kNumRequests || driver_.scheduler().HasWork()) {
      Arrive();
      if (!driver_.scheduler().HasWork()) continue;
      driver_.AdvanceTime(std::chrono::milliseconds(Below(3)));
      if (!driver_.Plan().rows.empty() && !driver_.encoding().empty()) ++num_steps_beside_encodes_;
      CheckDeadlines();
      EndEncodes();
      if (OneIn(20)) driver_.Abort(Below(kNumRequests));  // while the step is in flight
      if (!driver_.plan().rows.empty() && OneIn(200)) {
        driver_.Fail(InternalError("injected"));
      } else {
        driver_.Complete();
      }
      if (OneIn(20)) driver_.Abort(Below(kNumRequests));
      EndEncodes();
      if (::testing::Test::HasFailure()) return;
      // Each token is computed once, and again for each time its request gave way; the bound is
      // several times what was seen, and far below what a spin would take.
      ASSERT_LE(driver_.num_steps(), 100 + 4 * num_tokens_added_ + num_idle_steps_) << "starved";
    }
    while (!driver_.encoding().empty()) driver_.EndEncode(EncoderKey(driver_.encoding().front()));
    testing::Invariants::CheckIdle(driver_.scheduler());
    for (const auto& [id, spec] : driver_.specs()) CheckResult(spec);
  }

  const Scheduler& scheduler() { return driver_.scheduler(); }
  uint32_t num_completed() const { return num_completed_; }
  uint32_t num_steps_beside_encodes() const { return num_steps_beside_encodes_; }
  uint32_t num_failed_by_encodes() const { return num_failed_by_encodes_; }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool OneIn(uint64_t odds) { return Below(odds) == 0; }
  uint32_t Between(uint32_t low, uint32_t high) {
    return low + static_cast<uint32_t>(Below(high - low + 1));
  }

  SchedulerConfig RandomConfig() {
    SchedulerConfig config;
    config.max_num_seqs = Between(1, 8);
    config.max_num_batched_tokens = config.max_num_seqs + Between(0, 40);
    config.max_model_len = 96;
    config.block_size = 1u << Between(0, 4);
    config.num_blocks = std::max(2u, Between(40, 200) / config.block_size);
    config.enable_prefix_caching = !OneIn(5);
    config.encoder_cache_rows = Between(8, 40);
    config.encode_batch_rows = OneIn(3) ? 1 : Between(2, 16);
    config.max_encode_batches_in_flight = Between(1, 3);
    encode_odds_ = Between(1, 12);
    return config;
  }

  FakeRunnerOptions RandomOptions() {
    return {.model = {.stop_odds = OneIn(2) ? 30u : 0u},
            .max_drafts = OneIn(2) ? Between(1, 4) : 0,
            .seed = random_()};
  }

  RequestSpec RandomRequest() {
    // Few token seeds and few images, so that prefixes and images meet again.
    const uint32_t num_tokens = Between(1, 60);
    RequestSpec spec = TestRequest(num_added_, num_tokens, Between(1, 30), Below(3));
    uint32_t offset = Between(0, 6) * 2;
    while (OneIn(2)) {
      const auto image = static_cast<uint32_t>(Below(4));
      const uint32_t length = 3 + 4 * image;
      if (offset + length > num_tokens) break;
      PlaceImage(&spec, offset, length, image);
      offset += length + Between(0, 2) * 5;
    }
    spec.priority = static_cast<int32_t>(Below(3));
    if (OneIn(6)) spec.deadline = driver_.now() + std::chrono::milliseconds(Below(200));
    if (OneIn(6)) spec.adapter_id = "adapter";
    if (OneIn(6)) spec.cache_salt = "salt";
    return spec;
  }

  void Arrive() {
    for (uint64_t burst = OneIn(4) ? Below(8) : 0; burst > 0 && num_added_ < kNumRequests;
         --burst) {
      const RequestSpec spec = RandomRequest();
      ++num_added_;
      const Status status = driver_.Add(spec);
      if (status.ok()) {
        num_tokens_added_ += spec.max_total_tokens;
        continue;
      }
      EXPECT_EQ(status.code(), StatusCode::kOutOfRange) << status.ToString();
    }
  }

  // Any of the encodings may end, in any order.
  void EndEncodes() {
    if (driver_.scheduler().IsIdle()) ++num_idle_steps_;
    for (const EncoderKey& image : std::vector<EncoderKey>(driver_.encoding())) {
      if (!OneIn(encode_odds_)) continue;
      driver_.EndEncode(image, OneIn(10) ? UnavailableError("injected") : OkStatus());
    }
  }

  void CheckDeadlines() {
    for (const auto& queue : {driver_.scheduler().running(), driver_.scheduler().waiting()}) {
      for (const RequestState* request : queue) EXPECT_GT(request->deadline, driver_.now());
    }
  }

  void CheckResult(const RequestSpec& spec) {
    const auto id = static_cast<uint64_t>(spec.id);
    const testing::RequestResult& result = driver_.result(id);
    ASSERT_TRUE(result.reason.has_value()) << "request " << id << " never ended";
    if (result.status.ok()) {
      driver_.ExpectReferenceOutput(id);
      ++num_completed_;
      return;
    }
    const auto reference = options_.model.ReferenceOutput(spec);
    ASSERT_LE(result.output.size(), reference.size());
    EXPECT_TRUE(std::equal(result.output.begin(), result.output.end(), reference.begin()));
    if (result.status.code() == StatusCode::kUnavailable) {
      EXPECT_FALSE(spec.image_spans.empty()) << "failed by another's image";
      ++num_failed_by_encodes_;
    }
    if (result.status.code() == StatusCode::kResourceExhausted) {
      EXPECT_GT(spec.prompt_token_ids.size() + result.output.size(),
                size_t{config_.num_blocks} * config_.block_size)
          << "failed although it fits: " << result.status.ToString();
    }
  }

  std::mt19937_64 random_;
  uint32_t encode_odds_ = 1;  // an encoding ends with one in so many chances
  SchedulerConfig config_;
  FakeRunnerOptions options_;
  StepDriver driver_;
  uint64_t num_added_ = 0;
  uint32_t num_tokens_added_ = 0;
  uint32_t num_completed_ = 0;
  uint32_t num_idle_steps_ = 0;
  uint32_t num_steps_beside_encodes_ = 0;
  uint32_t num_failed_by_encodes_ = 0;
};

TEST(SchedulerPropertyTest, InvariantsHoldUnderRandomOperations) {
  constexpr uint64_t kNumScenarios = 150;
  uint64_t num_preemptions = 0;
  uint64_t num_hit_tokens = 0;
  uint64_t num_evictions = 0;
  uint64_t num_image_hits = 0;
  uint64_t num_completed = 0;
  uint64_t num_steps_beside_encodes = 0;
  uint64_t num_failed_by_encodes = 0;
  for (uint64_t seed = 1; seed <= kNumScenarios; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scenario scenario(seed);
    scenario.Run();
    if (HasFailure()) return;
    num_preemptions += scenario.scheduler().num_preemptions();
    num_hit_tokens += scenario.scheduler().kv_cache().Stats().num_hit_tokens;
    num_evictions += scenario.scheduler().kv_cache().Stats().num_evictions;
    num_image_hits += scenario.scheduler().encoder_cache().Stats().num_hits;
    num_completed += scenario.num_completed();
    num_steps_beside_encodes += scenario.num_steps_beside_encodes();
    num_failed_by_encodes += scenario.num_failed_by_encodes();
  }
  // The scenarios are worth their time only if they go where it is narrow.
  EXPECT_GT(num_preemptions, kNumScenarios);
  EXPECT_GT(num_hit_tokens, 10 * kNumScenarios);
  EXPECT_GT(num_evictions, 10 * kNumScenarios);
  EXPECT_GT(num_image_hits, kNumScenarios);
  EXPECT_GT(num_completed, 20 * kNumScenarios);
  EXPECT_GT(num_steps_beside_encodes, 10 * kNumScenarios);
  EXPECT_GT(num_failed_by_encodes, kNumScenarios / 2);
}

// The same calls give the same plans: nothing depends on addresses or on the order of a hash map.
TEST(SchedulerPropertyTest, PlansAreDeterministic) {
  const auto trace = [](uint64_t seed) {
    StepDriver driver({.max_num_seqs = 4,
                       .max_num_batched_tokens = 16,
                       .max_model_len = 96,
                       .block_size = 4,
                       .num_blocks = 16});
    for (uint64_t id = 0; id < 20; ++id) {
      EXPECT_TRUE(driver.Add(TestRequest(id, 3 + id, 9, id % seed)).ok());
    }
    std::string text;
    while (driver.scheduler().HasWork()) {
      const StepPlan& plan = driver.Step();
      for (const PlanRow& row : plan.rows) {
        text += std::to_string(static_cast<uint64_t>(row.id)) + ":";
        for (const BlockId block : plan.Blocks(row)) text += std::to_string(ToIndex(block)) + ",";
      }
      text += "\n";
    }
    return text;
  };
  EXPECT_EQ(trace(4), trace(4));
  EXPECT_TRUE(trace(4) != trace(3));
}

}  // namespace
}  // namespace mao
