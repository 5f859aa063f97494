// Images on their way through the scheduler.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/sched/scheduler.h"
#include "engine/sched/testing/step_driver.h"

namespace mao {
namespace {

using ::testing::ElementsAre;
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
          .max_encoder_rows_per_step = 10,
          .encoder_cache_rows = 20};
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
  const std::vector<std::vector<uint32_t>> reads = {{0, 2, 2}, {2, 4, 0}, {6, 3, 0}};
  for (size_t step = 0; step < reads.size(); ++step) {
    driver.Plan();
    EXPECT_EQ(driver.plan().images_to_encode.size(), step == 0 ? 1u : 0u);
    const auto image_reads = driver.plan().ImageReads(*driver.Row(1));
    ASSERT_EQ(image_reads.size(), 1u);
    EXPECT_THAT(reads[step], ElementsAre(image_reads[0].first_row, image_reads[0].num_rows,
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
  driver.Step();
  EXPECT_EQ(driver.plan().rows.size(), 2u);
  EXPECT_EQ(driver.plan().images_to_encode.size(), 1u);
  driver.RunToEnd();
  ASSERT_TRUE(driver.Add(ImageRequest(3, 2, 4, 5)).ok());
  driver.Step();
  EXPECT_THAT(driver.plan().images_to_encode, IsEmpty()) << "it stays until room is needed";
  driver.RunToEnd();
  EXPECT_EQ(driver.scheduler().encoder_cache().Stats().num_misses, 1u);
  for (uint64_t id = 1; id <= 3; ++id) driver.ExpectReferenceOutput(id);
}

TEST(SchedulerEncoderTest, TheBudgetCutsTheTextBeforeTheImageAndOthersGoOn) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(TestRequest(1, 3, 8, 9)).ok());
  driver.Step();
  RequestSpec two_images = TestRequest(2, 12, 2, 2);
  PlaceImage(&two_images, 0, 6, 1);
  PlaceImage(&two_images, 7, 5, 2);  // 11 rows in all, 10 a step
  ASSERT_TRUE(driver.Add(two_images).ok());
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 1u);
  EXPECT_EQ(driver.NumScheduled(2), 7u);
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 1u);
  EXPECT_EQ(driver.NumScheduled(2), 5u);
  driver.RunToEnd();
  driver.ExpectReferenceOutput(2);
}

TEST(SchedulerEncoderTest, AnImageAtTheHeadOfTheQueueIsNotOvertaken) {
  StepDriver driver(Config());
  ASSERT_TRUE(driver.Add(ImageRequest(1, 0, 8, 1)).ok());
  ASSERT_TRUE(driver.Add(ImageRequest(2, 0, 8, 2)).ok());
  ASSERT_TRUE(driver.Add(TestRequest(3, 2, 2, 3)).ok());
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 11u);
  EXPECT_EQ(driver.NumScheduled(2), 0u);
  EXPECT_EQ(driver.NumScheduled(3), 0u);
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(2), 11u);
  EXPECT_EQ(driver.NumScheduled(3), 2u);
  driver.RunToEnd();
}

TEST(SchedulerEncoderTest, RoomForTheRestOfACutPromptIsPromised) {
  SchedulerConfig config = Config();
  config.num_blocks = 10;
  config.max_num_batched_tokens = 64;
  StepDriver driver(config);
  RequestSpec spec = TestRequest(1, 28, 2, 1);  // 7 blocks, of which the first step takes 2
  PlaceImage(&spec, 0, 8, 1);
  PlaceImage(&spec, 8, 8, 2);
  ASSERT_TRUE(driver.Add(spec).ok());
  ASSERT_TRUE(driver.Add(TestRequest(2, 20, 2, 2)).ok());  // 5 of the other 8
  driver.Step();
  EXPECT_EQ(driver.NumScheduled(1), 8u);
  EXPECT_EQ(driver.NumScheduled(2), 0u);
  driver.RunToEnd();
  EXPECT_EQ(driver.scheduler().num_preemptions(), 0u);
}

TEST(SchedulerEncoderTest, RoomIsMadeByTheNextPlanOnly) {
  StepDriver driver(Config());
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(driver.Add(ImageRequest(id, 0, 9, id)).ok());
  driver.Step();
  EXPECT_THAT(driver.plan().encoder_entries_to_free, IsEmpty());
  driver.Step();
  EXPECT_THAT(driver.plan().encoder_entries_to_free, IsEmpty());
  driver.Step();
  EXPECT_THAT(driver.plan().encoder_entries_to_free, ElementsAre(Key(1, 9)));
  driver.RunToEnd();
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
  EXPECT_EQ(driver.Row(2)->num_computed_tokens, 4u) << "the text before the image";
  driver.RunToEnd();
  driver.ExpectReferenceOutput(2);
}

}  // namespace
}  // namespace mao
