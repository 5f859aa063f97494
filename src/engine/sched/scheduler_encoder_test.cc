// Images on their way through the scheduler.
#include <chrono>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/sched/scheduler.h"
#include "engine/sched/testing/step_driver.h"

namespace mao {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PlaceImage;
using testing::StepDriver;
using testing::TestFingerprint;
using testing::TestRequest;

SchedulerConfig Config() {
  return {.max_num_seqs = 4,
          .max_num_batched_tokens = 16,
          .max_model_len = 200,
          .block_size = 4,
          .num_blocks = 64,
          .enable_prefix_caching = false,
          .encoder_cache_rows = 20,
          .encode_batch_rows = 1};  // an image is a batch
}

EncoderKey Key(uint64_t image_seed, uint32_t num_rows) {
  return {TestFingerprint(image_seed), num_rows};
}

RequestSpec ImageRequest(uint64_t id, uint32_t offset, uint32_t length, uint64_t image_seed) {
  RequestSpec spec = TestRequest(id, offset + length + 3, 2, id);
  PlaceImage(&spec, offset, length, image_seed);
  return spec;
}

TEST(SchedulerEncoderTest, AnImageCrossedByChunksIsEncodedOnceAndHeldUntilItsLastRowIsRead) {
  SchedulerConfig config = Config();
  config.max_num_batched_tokens = 4;
  StepDriver driver(config);
  ASSERT_TRUE(driver.Add(ImageRequest(1, 2, 9, 5)).ok());  // rows at [2, 11)
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 2u) << "the text before the image";
  EXPECT_EQ(driver.plan().images_to_encode.size(), 1u);
  const std::vector<std::vector<uint32_t>> reads = {{0, 4, 0}, {4, 4, 0}, {8, 1, 0}};
  for (const auto& read : reads) {
    driver.Plan();
    EXPECT_THAT(driver.plan().images_to_encode, IsEmpty());
    const auto image_reads = driver.plan().ImageReads(*driver.Row(1));
    ASSERT_EQ(image_reads.size(), 1u);
    EXPECT_THAT(read, ElementsAre(image_reads[0].first_row, image_reads[0].num_rows,
                                  image_reads[0].chunk_offset));
    EXPECT_EQ(driver.scheduler().encoder_cache().num_references(Key(5, 9)), 1u);
    driver.Complete();
  }
  EXPECT_EQ(driver.scheduler().encoder_cache().num_references(Key(5, 9)), 0u)
      << "the step that read the last row has completed";
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
}

TEST(SchedulerEncoderTest, OneImageForTwoRequestsIsEncodedOnce) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(ImageRequest(1, 0, 4, 5)).ok());
  ASSERT_TRUE(driver.Add(ImageRequest(2, 1, 4, 5)).ok());
  driver.Plan();
  EXPECT_EQ(driver.plan().images_to_encode.size(), 1u);
  EXPECT_EQ(driver.scheduler().encoder_cache().num_references(Key(5, 4)), 3u);
  driver.Complete();
  driver.EndEncode(Key(5, 4));
  driver.Step();
  EXPECT_EQ(driver.plan().rows.size(), 2u);
  driver.RunToEnd();
  ASSERT_TRUE(driver.Add(ImageRequest(3, 2, 4, 5)).ok());
  driver.Step();
  EXPECT_THAT(driver.plan().images_to_encode, IsEmpty()) << "it stays until room is needed";
  driver.RunToEnd();
  EXPECT_EQ(driver.scheduler().encoder_cache().Stats().num_misses, 1u);
  EXPECT_EQ(driver.scheduler().encoder_cache().Stats().num_hits, 2u);
  for (uint64_t id = 1; id <= 3; ++id) driver.ExpectReferenceOutput(id);
}

TEST(SchedulerEncoderTest, OthersGoOnWhileAnImageIsEncoded) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 3, 8, 9)).ok());
  ASSERT_TRUE(driver.Add(ImageRequest(2, 2, 8, 5)).ok());
  driver.Plan();
  driver.Complete();
  EXPECT_EQ(driver.NumScheduled(2), 2u) << "up to the image";
  for (int step = 0; step < 3; ++step) {
    driver.Plan();
    EXPECT_EQ(driver.NumScheduled(1), 1u);
    EXPECT_EQ(driver.NumScheduled(2), 0u);
    driver.Complete();
  }
  driver.Plan();
  driver.EndEncode(Key(5, 8));  // while a step is in flight
  driver.Complete();
  driver.Plan();
  EXPECT_EQ(driver.NumScheduled(1), 1u);
  EXPECT_EQ(driver.NumScheduled(2), 11u);
  driver.Complete();
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerEncoderTest, IdleWhileOnlyEncodingsAreInFlight) {
  StepDriver driver(Config());
  RequestSpec spec = ImageRequest(1, 0, 8, 5);
  spec.deadline = driver.now() + std::chrono::milliseconds(5);
  ASSERT_TRUE(driver.Add(spec).ok());
  EXPECT_FALSE(driver.scheduler().IsIdle());
  driver.Plan();
  EXPECT_EQ(driver.plan().images_to_encode.size(), 1u);
  EXPECT_THAT(driver.plan().rows, IsEmpty());
  EXPECT_TRUE(driver.scheduler().IsIdle());
  EXPECT_TRUE(driver.scheduler().HasWork());
  EXPECT_EQ(driver.scheduler().next_deadline(), spec.deadline);
  driver.Plan();
  EXPECT_THAT(driver.plan().finished, IsEmpty()) << "it is not stuck";
  ASSERT_TRUE(driver.Add(TestRequest(2, 2, 2, 2)).ok());
  EXPECT_FALSE(driver.scheduler().IsIdle());
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(2), 2u);
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
}

TEST(SchedulerEncoderTest, NoMoreImagesAreOrderedThanTheBudgetAllows) {
  StepDriver driver(Config());
  for (uint64_t id = 1; id <= 4; ++id) ASSERT_TRUE(driver.Add(ImageRequest(id, 0, 4, id)).ok());
  driver.Plan();
  driver.Complete();
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(1, 4), Key(2, 4)));
  EXPECT_EQ(driver.scheduler().running().size(), 4u) << "the others have their place";
  driver.EndEncode(Key(2, 4));
  driver.Plan();
  driver.Complete();
  EXPECT_EQ(driver.NumScheduled(2), 7u);
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(1, 4), Key(3, 4)));
  driver.RunToEnd();
  for (uint64_t id = 1; id <= 4; ++id) driver.ExpectReferenceOutput(id);
}

// Room for everything but a third batch of eight rows.
SchedulerConfig BatchConfig() {
  SchedulerConfig config = Config();
  config.max_num_seqs = 8;
  config.encoder_cache_rows = 100;
  config.encode_batch_rows = 8;
  return config;
}

TEST(SchedulerEncoderTest, SmallImagesShareABatchAndALargeOneIsABatch) {
  StepDriver driver(BatchConfig());
  ASSERT_TRUE(driver.Add(ImageRequest(1, 0, 12, 1)).ok());
  for (uint64_t id = 2; id <= 4; ++id) ASSERT_TRUE(driver.Add(ImageRequest(id, 0, 4, id)).ok());
  driver.Plan();
  driver.Complete();
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(1, 12), Key(2, 4), Key(3, 4)));
  driver.EndEncode(Key(1, 12));
  driver.Plan();
  driver.Complete();
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(2, 4), Key(3, 4), Key(4, 4)));
  driver.RunToEnd();
  for (uint64_t id = 1; id <= 4; ++id) driver.ExpectReferenceOutput(id);
}

TEST(SchedulerEncoderTest, ALargeImageIsNotOvertakenBySmallerOnes) {
  StepDriver driver(BatchConfig());
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(driver.Add(ImageRequest(id, 0, 4, id)).ok());
  ASSERT_TRUE(driver.Add(ImageRequest(4, 0, 8, 4)).ok());
  ASSERT_TRUE(driver.Add(ImageRequest(5, 0, 4, 5)).ok());
  driver.Plan();
  driver.Complete();
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(1, 4), Key(2, 4), Key(3, 4)))
      << "the fifth would fit, and might for ever keep the fourth from it";
  driver.EndEncode(Key(1, 4));
  driver.Plan();
  driver.Complete();
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(2, 4), Key(3, 4), Key(4, 8)));
  driver.RunToEnd();
  for (uint64_t id = 1; id <= 5; ++id) driver.ExpectReferenceOutput(id);
}

TEST(SchedulerEncoderTest, TheMostUrgentImageIsOrderedFirst) {
  SchedulerConfig config = Config();
  config.max_encode_batches_in_flight = 1;
  StepDriver driver(config);
  for (uint64_t id = 1; id <= 3; ++id) {
    RequestSpec spec = ImageRequest(id, 0, 4, id);
    spec.priority = -static_cast<int32_t>(id);
    ASSERT_TRUE(driver.Add(spec).ok());
  }
  driver.Plan();
  driver.Complete();
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(3, 4)));
  driver.RunToEnd();
}

TEST(SchedulerEncoderTest, ImagesOfOneRequestAreEncodedBesideEachOther) {
  StepDriver driver(Config());
  RequestSpec spec = TestRequest(1, 12, 2, 2);
  PlaceImage(&spec, 1, 5, 1);
  PlaceImage(&spec, 7, 5, 2);
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.Plan();
  driver.Complete();
  EXPECT_EQ(driver.NumScheduled(1), 1u);
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(1, 5), Key(2, 5)));
  driver.EndEncode(Key(2, 5));
  driver.Plan();
  EXPECT_EQ(driver.NumScheduled(1), 0u) << "the first one is not ready";
  driver.Complete();
  driver.EndEncode(Key(1, 5));
  driver.Plan();
  EXPECT_EQ(driver.NumScheduled(1), 11u);
  driver.Complete();
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
}

TEST(SchedulerEncoderTest, RoomForTheRestOfAPromptThatWaitsIsPromised) {
  SchedulerConfig config = Config();
  config.num_blocks = 10;
  config.max_num_batched_tokens = 64;
  StepDriver driver(config);
  RequestSpec spec = TestRequest(1, 28, 2, 1);  // 7 blocks, of which the first step takes 1
  PlaceImage(&spec, 4, 8, 1);
  ASSERT_TRUE(driver.Add(spec).ok());
  ASSERT_TRUE(driver.Add(TestRequest(2, 20, 2, 2)).ok());  // 5 of the other 9
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 4u);
  EXPECT_EQ(driver.NumScheduled(2), 0u);
  driver.RunToEnd();
  EXPECT_EQ(driver.scheduler().num_preemptions(), 0u);
}

TEST(SchedulerEncoderTest, RoomIsMadeByAPlanOnlyAndNeverBelowAnEncoding) {
  SchedulerConfig config = Config();
  config.max_encode_batches_in_flight = 3;
  StepDriver driver(config);
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(driver.Add(ImageRequest(id, 0, 9, id)).ok());
  driver.Plan();
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(1, 9), Key(2, 9))) << "20 rows of room";
  EXPECT_TRUE(driver.Abort(1));
  driver.Plan();
  EXPECT_THAT(driver.plan().images_to_encode, IsEmpty()) << "the encoder still writes it";
  driver.EndEncode(Key(1, 9));
  driver.Plan();
  EXPECT_THAT(driver.plan().encoder_entries_to_free, ElementsAre(Key(1, 9)));
  EXPECT_THAT(driver.encoding(), ElementsAre(Key(2, 9), Key(3, 9)));
  driver.Step();
  driver.RunToEnd();
  driver.ExpectReferenceOutput(3);
}

TEST(SchedulerEncoderTest, AnAbortedRequestLeavesAnImageForTheNextOne) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(ImageRequest(1, 2, 8, 5)).ok());
  driver.Plan();
  driver.Complete();
  EXPECT_TRUE(driver.Abort(1));
  EXPECT_EQ(driver.scheduler().Find(RequestId{1}), nullptr) << "no step in flight has a row of it";
  EXPECT_EQ(driver.scheduler().kv_cache().pool().num_used_blocks(), 0u);
  EXPECT_EQ(driver.scheduler().encoder_cache().num_references(Key(5, 8)), 1u) << "the encoding's";
  driver.Plan();
  EXPECT_EQ(driver.result(1).status.code(), StatusCode::kCancelled);
  ASSERT_TRUE(driver.Add(ImageRequest(2, 2, 8, 5)).ok());
  driver.Plan();
  EXPECT_THAT(driver.plan().images_to_encode, IsEmpty()) << "it joins the encoding in flight";
  driver.Complete();
  driver.EndEncode(Key(5, 8));
  driver.RunToEnd();
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerEncoderTest, AFailedEncodingFailsThoseWhoWaitForItAndNobodyElse) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(ImageRequest(1, 2, 8, 5)).ok());
  ASSERT_TRUE(driver.Add(ImageRequest(2, 0, 8, 5)).ok());
  ASSERT_TRUE(driver.Add(ImageRequest(3, 2, 8, 6)).ok());
  RequestSpec fourth = TestRequest(4, 20, 2, 4);  // has read the one and waits for the other
  PlaceImage(&fourth, 1, 4, 6);
  PlaceImage(&fourth, 6, 8, 5);
  driver.Plan();
  EXPECT_TRUE(driver.Abort(1));  // with a row in flight
  driver.EndEncode(Key(5, 8), ResourceExhaustedError("no memory for the view"));
  driver.Complete();
  EXPECT_FALSE(driver.scheduler().encoder_cache().Contains(Key(5, 8)));
  driver.Step();
  EXPECT_EQ(driver.result(1).status.code(), StatusCode::kCancelled);
  EXPECT_EQ(driver.result(2).status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(driver.result(2).status.message(), HasSubstr("request 2: no memory for the view"));
  EXPECT_THAT(driver.plan().encoder_entries_to_free, IsEmpty()) << "there is nothing to free";
  ASSERT_TRUE(driver.Add(fourth).ok());
  driver.RunToEnd();
  driver.ExpectReferenceOutput(3);
  driver.ExpectReferenceOutput(4);
}

TEST(SchedulerEncoderTest, AnEncodingThatWasNotOrderedIsRefused) {
  StepDriver driver(Config());
  EXPECT_EQ(driver.scheduler().OnImageEncoded(Key(5, 8), OkStatus()).code(), StatusCode::kInternal);
  ASSERT_TRUE(driver.Add(ImageRequest(1, 2, 8, 5)).ok());
  driver.Step();
  EXPECT_EQ(driver.scheduler().OnImageEncoded(Key(5, 8), OkStatus()).code(), StatusCode::kInternal)
      << "once only";
  driver.RunToEnd();
  driver.ExpectReferenceOutput(1);
}

TEST(SchedulerEncoderTest, ARequestWithoutARowMayGiveWay) {
  SchedulerConfig config = Config();
  config.num_blocks = 8;
  config.enable_prefix_caching = true;
  StepDriver driver(config);
  RequestSpec spec = ImageRequest(1, 4, 8, 5);
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.RunToEnd();  // the text before the image is found from now on
  ASSERT_TRUE(driver.Add(TestRequest(2, 8, 24, 2)).ok());  // grows to 8 blocks
  driver.Step();
  spec.id = RequestId{3};
  spec.image_spans[0].fingerprint = TestFingerprint(6);
  ASSERT_TRUE(driver.Add(spec).ok());
  while (driver.plan().preempted.empty()) {
    driver.Plan();
    driver.Complete();
    EXPECT_EQ(driver.NumScheduled(3), 0u) << "the prefix ends where the image begins";
    ASSERT_LT(driver.num_steps(), 50u);
  }
  EXPECT_THAT(driver.plan().preempted, ElementsAre(RequestId{3}));
  driver.EndEncode(Key(6, 8));
  driver.RunToEnd();
  driver.ExpectReferenceOutput(2);
  driver.ExpectReferenceOutput(3);
}

TEST(SchedulerEncoderTest, APreemptedRequestLetsGoOfItsImages) {
  SchedulerConfig config = Config();
  config.num_blocks = 8;
  config.max_num_batched_tokens = 8;
  StepDriver driver(config);
  ASSERT_TRUE(driver.Add(TestRequest(1, 4, 28, 1)).ok());
  RequestSpec spec = TestRequest(2, 22, 4, 2);
  PlaceImage(&spec, 6, 10, 5);
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.RunToEnd();
  EXPECT_GT(driver.scheduler().num_preemptions(), 0u);
  driver.ExpectReferenceOutput(1);
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerEncoderTest, APrefixHitSkipsTheImagesBeforeItsEnd) {
  SchedulerConfig config = Config();
  config.enable_prefix_caching = true;
  StepDriver driver(config);
  RequestSpec spec = TestRequest(1, 14, 2, 1);
  PlaceImage(&spec, 0, 4, 5);
  PlaceImage(&spec, 6, 6, 6);  // the hit of 12 tokens covers it exactly
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.RunToEnd();
  spec.id = RequestId{2};
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.Step();
  EXPECT_EQ(driver.Row(2)->num_computed_tokens, 12u);
  EXPECT_THAT(driver.plan().ImageReads(*driver.Row(2)), IsEmpty());
  EXPECT_EQ(driver.scheduler().encoder_cache().Stats().num_hits, 0u);
  driver.RunToEnd();
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerEncoderTest, APrefixHitMayEndWithinAnImage) {
  SchedulerConfig config = Config();
  config.enable_prefix_caching = true;
  StepDriver driver(config);
  ASSERT_TRUE(driver.Add(ImageRequest(1, 2, 8, 5)).ok());
  driver.RunToEnd();
  RequestSpec other = TestRequest(2, 10, 2, 1);  // the same image, now at the end
  PlaceImage(&other, 2, 8, 5);
  ASSERT_TRUE(driver.Add(other).ok());
  driver.Step();
  EXPECT_EQ(driver.Row(2)->num_computed_tokens, 8u);
  const auto reads = driver.plan().ImageReads(*driver.Row(2));
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].first_row, 6u);
  EXPECT_EQ(reads[0].num_rows, 2u);
  driver.RunToEnd();
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerEncoderTest, OtherPixelsInTheSamePlaceShareNothing) {
  SchedulerConfig config = Config();
  config.enable_prefix_caching = true;
  StepDriver driver(config);
  RequestSpec spec = ImageRequest(1, 4, 8, 5);
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.RunToEnd();
  spec.id = RequestId{2};
  spec.image_spans[0].fingerprint = TestFingerprint(6);
  ASSERT_TRUE(driver.Add(spec).ok());
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(2), 0u) << "all of the text before the image was found";
  driver.Step();
  ASSERT_NE(driver.Row(2), nullptr);
  EXPECT_EQ(driver.Row(2)->kind, RowKind::kNew);
  EXPECT_EQ(driver.Row(2)->num_computed_tokens, 4u);
  driver.RunToEnd();
  driver.ExpectReferenceOutput(2);
}

}  // namespace
}  // namespace mao
