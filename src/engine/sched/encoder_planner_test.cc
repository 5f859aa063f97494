#include "engine/sched/encoder_planner.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/sched/testing/step_driver.h"

namespace mao {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ImageSpan Span(uint32_t offset, uint32_t length, uint64_t image_seed) {
  return {.offset = offset, .length = length, .fingerprint = testing::TestFingerprint(image_seed)};
}

class EncoderPlannerTest : public ::testing::Test {
 protected:
  EncoderPlannerTest() { request_.image_spans = {Span(4, 6, 1), Span(12, 6, 2), Span(18, 6, 1)}; }

  uint32_t Reach(uint32_t begin, uint32_t num_tokens, uint64_t budget) {
    reach_ = PlanImages(request_, begin, num_tokens, Budget(budget), cache_);
    return reach_.num_tokens;
  }
  // An entry that nobody holds.
  void Cache(const ImageSpan& span) {
    cache_.Insert(KeyOf(span), &evicted_);
    cache_.Release(KeyOf(span));
  }

  RequestState request_;
  EncoderCacheManager cache_{12};
  std::vector<EncoderKey> evicted_;
  ChunkReach reach_;
};

TEST_F(EncoderPlannerTest, CutsTheChunkBeforeAnImageThatDoesNotFitTheBudget) {
  EXPECT_EQ(Reach(0, 4, 0), 4u) << "touches no image";
  EXPECT_EQ(Reach(0, 30, 5), 4u);
  EXPECT_EQ(Reach(0, 30, 6), 12u);
  EXPECT_EQ(Reach(0, 30, 12), 30u) << "the third image is the first again";
  EXPECT_EQ(Reach(0, 30, 11), 12u);
  EXPECT_EQ(Reach(4, 10, 5), 0u);
}

TEST_F(EncoderPlannerTest, AChunkMayEndOrBeginWithinAnImage) {
  EXPECT_EQ(Reach(0, 5, 6), 5u);
  EXPECT_EQ(reach_.first_image, 0u);
  EXPECT_EQ(reach_.end_image, 1u);
  EXPECT_EQ(Reach(7, 3, 6), 3u) << "a prefix hit ended within the image";
  EXPECT_EQ(Reach(7, 3, 5), 0u) << "the whole image is needed for its last rows";
  EXPECT_EQ(Reach(10, 2, 0), 2u);
  EXPECT_EQ(reach_.first_image, reach_.end_image);
}

TEST_F(EncoderPlannerTest, AnImageThatIsHeldOrCachedNeedsNoBudget) {
  request_.num_reached_images = 1;
  EXPECT_EQ(Reach(6, 20, 0), 6u);
  EXPECT_EQ(reach_.first_image, 1u);
  request_.num_reached_images = 0;
  Cache(Span(0, 6, 1));
  EXPECT_EQ(Reach(0, 30, 0), 12u);
  EXPECT_EQ(Reach(0, 30, 6), 30u);
}

TEST_F(EncoderPlannerTest, CutsTheChunkWhenTheCacheHasNoRoom) {
  cache_.Insert(KeyOf(Span(0, 7, 9)), &evicted_);  // held by somebody else: 5 left
  EXPECT_EQ(Reach(0, 30, 100), 4u);
  cache_.Release(KeyOf(Span(0, 7, 9)));
  EXPECT_EQ(Reach(0, 30, 100), 30u);
}

TEST_F(EncoderPlannerTest, RoomIsNotCountedTwice) {
  Cache(Span(0, 6, 2));  // could be evicted for another, or read
  request_.image_spans = {Span(0, 7, 5), Span(7, 6, 2)};
  EXPECT_EQ(Reach(0, 13, 100), 7u);
  EXPECT_EQ(Reach(0, 7, 100), 7u);
}

TEST_F(EncoderPlannerTest, CommitDoesWhatWasPlanned) {
  Cache(Span(0, 6, 2));
  Cache(Span(0, 5, 9));
  Budget budget(6);
  StepPlan plan;
  ASSERT_EQ(Reach(0, 30, 6), 30u);
  CommitImages(request_, reach_, &budget, &cache_, &plan);
  EXPECT_EQ(budget.remaining(), 0u);
  ASSERT_EQ(plan.images_to_encode.size(), 1u) << "one image, asked for twice";
  EXPECT_EQ(plan.images_to_encode[0].image_index, 0u);
  EXPECT_THAT(plan.encoder_entries_to_free, ElementsAre(KeyOf(Span(0, 5, 9))))
      << "and not the one that this chunk reads";
  EXPECT_EQ(cache_.num_references(KeyOf(Span(0, 6, 1))), 2u);
  EXPECT_EQ(cache_.num_references(KeyOf(Span(0, 6, 2))), 1u);
}

TEST_F(EncoderPlannerTest, PlanningChangesNothing) {
  Cache(Span(0, 12, 9));
  Reach(0, 30, 12);
  EXPECT_TRUE(cache_.Contains(KeyOf(Span(0, 12, 9))));
  EXPECT_EQ(cache_.num_entries(), 1u);
  EXPECT_THAT(evicted_, IsEmpty());
}

}  // namespace
}  // namespace mao
