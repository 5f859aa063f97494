#include "engine/sched/admission.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/sched/testing/step_driver.h"

namespace mao {
namespace {

using testing::PlaceImage;
using testing::TestRequest;

constexpr SchedulerConfig kConfig = {.max_num_seqs = 4,
                                     .max_num_batched_tokens = 32,
                                     .max_model_len = 100,
                                     .block_size = 4,
                                     .num_blocks = 10,
                                     .encoder_cache_rows = 8};

struct Refusal {
  const char* name;
  std::function<void(RequestSpec*)> spoil;
  StatusCode code;
  const char* mentions;
};

TEST(AdmissionTest, RefusesWhatIsMalformedOrCanNeverFit) {
  const std::vector<Refusal> refusals = {
      {"empty", [](RequestSpec* s) { s->prompt_token_ids.clear(); }, StatusCode::kInvalidArgument,
       "empty"},
      {"longer than the model", [](RequestSpec* s) { s->prompt_token_ids.resize(100); },
       StatusCode::kOutOfRange, "max_model_len (100)"},
      {"output longer than the model", [](RequestSpec* s) { s->max_total_tokens = 101; },
       StatusCode::kOutOfRange, "max_model_len (100)"},
      {"no output", [](RequestSpec* s) { s->max_total_tokens = 20; }, StatusCode::kInvalidArgument,
       "max_total_tokens 20"},
      {"more blocks than there are",
       [](RequestSpec* s) {
         s->prompt_token_ids.resize(41);
         s->max_total_tokens = 42;
       },
       StatusCode::kOutOfRange, "10 blocks of 4"},
      {"image of no rows", [](RequestSpec* s) { s->image_spans[0].length = 0; },
       StatusCode::kInvalidArgument, "image 0"},
      {"images overlap", [](RequestSpec* s) { s->image_spans[1].offset = 5; },
       StatusCode::kInvalidArgument, "image 1"},
      {"image outside the prompt", [](RequestSpec* s) { s->image_spans[1].offset = 19; },
       StatusCode::kInvalidArgument, "image 1"},
      {"image beyond 32 bits", [](RequestSpec* s) { s->image_spans[1].offset = 0xffffffff; },
       StatusCode::kInvalidArgument, "image 1"},
      {"image without identity", [](RequestSpec* s) { s->image_spans[1].fingerprint = {}; },
       StatusCode::kInvalidArgument, "image 1"},
      {"image beyond the encoder cache", [](RequestSpec* s) { s->image_spans[1].length = 9; },
       StatusCode::kOutOfRange, "encoder_cache_rows (8)"},
  };
  for (const Refusal& refusal : refusals) {
    RequestSpec spec = TestRequest(1, 20, 5, 1);
    PlaceImage(&spec, 2, 4, 1);
    PlaceImage(&spec, 8, 4, 2);
    ASSERT_TRUE(CheckRequest(kConfig, spec).ok());
    refusal.spoil(&spec);
    const Status status = CheckRequest(kConfig, spec);
    EXPECT_EQ(status.code(), refusal.code) << refusal.name << ": " << status.ToString();
    EXPECT_NE(status.message().find(refusal.mentions), std::string::npos)
        << refusal.name << ": " << status.ToString();
  }
}

TEST(AdmissionTest, TheLimitsThemselvesAreAllowed) {
  EXPECT_TRUE(CheckRequest(kConfig, TestRequest(1, 40, 60, 1)).ok());
  RequestSpec spec = TestRequest(1, 20, 5, 1);
  PlaceImage(&spec, 0, 8, 1);
  PlaceImage(&spec, 8, 8, 2);
  EXPECT_TRUE(CheckRequest(kConfig, spec).ok());
}

TEST(AdmissionTest, WithoutAnEncoderCacheImagesAreRefused) {
  SchedulerConfig config = kConfig;
  config.encoder_cache_rows = 0;
  RequestSpec spec = TestRequest(1, 20, 5, 1);
  PlaceImage(&spec, 2, 1, 1);
  EXPECT_EQ(CheckRequest(config, spec).code(), StatusCode::kOutOfRange);
}

TEST(AdmissionTest, PromisesCoverTheTokensAndOneBlockMore) {
  const auto kv = KvCacheManager::Create({.block_size = 4, .num_blocks = 10}).value();
  RequestState request;
  request.token_ids.resize(9);
  request.max_total_tokens = 100;
  EXPECT_EQ(NumPromisedBlocks(kv, request), 4u);
  request.blocks.table.resize(3);
  EXPECT_EQ(NumPromisedBlocks(kv, request), 1u);
  request.max_total_tokens = 12;
  EXPECT_EQ(NumPromisedBlocks(kv, request), 0u);
  request.blocks.table.resize(5);
  EXPECT_EQ(NumPromisedBlocks(kv, request), 0u);
}

TEST(AdmissionTest, AsksForAllTokensBesideThePromises) {
  const auto kv = KvCacheManager::Create({.block_size = 4, .num_blocks = 10}).value();
  RequestState request;
  request.token_ids.resize(25);
  EXPECT_TRUE(MayAdmit(kv, request, {}, 3));
  EXPECT_FALSE(MayAdmit(kv, request, {}, 4));
}

TEST(SchedulerConfigTest, NamesTheWrongField) {
  SchedulerConfig config = kConfig;
  EXPECT_TRUE(CheckConfig(config).ok());
  config.max_num_batched_tokens = 3;
  EXPECT_NE(CheckConfig(config).message().find("max_num_batched_tokens is 3"), std::string::npos);
  config = kConfig;
  config.max_num_seqs = 0;
  EXPECT_NE(CheckConfig(config).message().find("max_num_seqs"), std::string::npos);
  config = kConfig;
  config.max_model_len = 1;
  EXPECT_NE(CheckConfig(config).message().find("max_model_len is 1"), std::string::npos);
  config = kConfig;
  config.encode_batch_rows = 0;
  EXPECT_NE(CheckConfig(config).message().find("encode_batch_rows"), std::string::npos);
  config = kConfig;
  config.max_encode_batches_in_flight = 0;
  EXPECT_NE(CheckConfig(config).message().find("max_encode_batches_in_flight"), std::string::npos);
  config = kConfig;
  config.num_blocks = 0;
  EXPECT_EQ(Scheduler::Create(config).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mao
