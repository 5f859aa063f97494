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

  // Tokens that can be computed with so many encodes left, each a batch.
  uint32_t Reach(uint32_t begin, uint32_t num_tokens, uint64_t num_encodes) {
    reach_ = PlanImages(request_, begin, num_tokens, EncodeBudget(1, num_encodes), cache_);
    return reach_.num_tokens;
  }
  uint32_t NumReached() const { return reach_.end_image - reach_.first_image; }
  void Encode(const ImageSpan& span) { cache_.Insert(KeyOf(span), &evicted_); }
  // An entry that is ready and that nobody holds.
  void Cache(const ImageSpan& span) {
    Encode(span);
    cache_.MarkReady(KeyOf(span));
    cache_.Release(KeyOf(span));
  }

  RequestState request_;
  EncoderCacheManager cache_{12};
  std::vector<EncoderKey> evicted_;
  ChunkReach reach_;
};

TEST_F(EncoderPlannerTest, CutsTheChunkBeforeAnImageThatIsNotReady) {
  EXPECT_EQ(Reach(0, 4, 0), 4u) << "touches no image";
  EXPECT_EQ(Reach(0, 30, 2), 4u);
  EXPECT_EQ(Reach(4, 10, 2), 0u);
  Cache(Span(0, 6, 1));
  EXPECT_EQ(Reach(0, 30, 2), 12u);
  Encode(Span(0, 6, 2));
  EXPECT_EQ(Reach(0, 30, 2), 12u) << "on its way, and not there";
  cache_.MarkReady(KeyOf(Span(0, 6, 2)));
  EXPECT_EQ(Reach(0, 30, 0), 30u) << "the third image is the first again";
}

TEST_F(EncoderPlannerTest, ReachesImagesBehindTheCutAsFarAsTheBudgetGoes) {
  Reach(0, 30, 0);
  EXPECT_EQ(NumReached(), 0u);
  Reach(0, 30, 1);
  EXPECT_EQ(NumReached(), 1u);
  Reach(0, 30, 2);
  EXPECT_EQ(NumReached(), 3u) << "the third is the first again";
  Reach(0, 13, 2);
  EXPECT_EQ(NumReached(), 2u) << "no farther than the chunk";
  Encode(Span(0, 6, 1));
  Reach(0, 30, 0);
  EXPECT_EQ(NumReached(), 1u) << "joins the encoding of another request";
}

TEST_F(EncoderPlannerTest, AChunkMayEndOrBeginWithinAnImage) {
  Cache(Span(0, 6, 1));
  EXPECT_EQ(Reach(0, 5, 0), 5u);
  EXPECT_EQ(reach_.first_image, 0u);
  EXPECT_EQ(reach_.end_image, 1u);
  EXPECT_EQ(Reach(7, 3, 0), 3u) << "a prefix hit ended within the image";
  EXPECT_EQ(Reach(13, 3, 0), 0u) << "the whole image is needed for its last rows";
  EXPECT_EQ(Reach(10, 2, 0), 2u);
  EXPECT_EQ(reach_.first_image, reach_.end_image);
}

TEST_F(EncoderPlannerTest, AnImageReachedBeforeIsNotReachedAgainAndStillCuts) {
  Encode(Span(0, 6, 1));
  request_.num_reached_images = 1;
  EXPECT_EQ(Reach(2, 20, 0), 2u);
  EXPECT_EQ(reach_.first_image, 1u);
  EXPECT_EQ(NumReached(), 0u);
  Reach(2, 20, 1);
  EXPECT_EQ(NumReached(), 2u) << "the ones behind may be encoded meanwhile";
  cache_.MarkReady(KeyOf(Span(0, 6, 1)));
  EXPECT_EQ(Reach(6, 20, 0), 6u);
}

TEST_F(EncoderPlannerTest, ReachesNoFartherThanTheCacheHasRoom) {
  Encode(Span(0, 7, 9));  // held by somebody else: 5 left
  Reach(0, 30, 9);
  EXPECT_EQ(NumReached(), 0u);
  cache_.MarkReady(KeyOf(Span(0, 7, 9)));
  cache_.Release(KeyOf(Span(0, 7, 9)));
  Reach(0, 30, 9);
  EXPECT_EQ(NumReached(), 3u);
}

TEST_F(EncoderPlannerTest, RoomIsNotCountedTwice) {
  Cache(Span(0, 6, 2));  // could be evicted for another, or read
  request_.image_spans = {Span(0, 7, 5), Span(7, 6, 2)};
  EXPECT_EQ(Reach(0, 13, 9), 0u);
  EXPECT_EQ(NumReached(), 1u);
  request_.image_spans = {Span(0, 6, 2), Span(6, 7, 5)};
  EXPECT_EQ(Reach(0, 13, 9), 6u);
  EXPECT_EQ(NumReached(), 1u);
}

TEST_F(EncoderPlannerTest, AnImageCountsWithItsRowsAndAtMostAsABatch) {
  for (const uint64_t amount : {4u, 5u, 9u, 10u}) {
    const ChunkReach reach = PlanImages(request_, 0, 30, EncodeBudget(5, amount), cache_);
    EXPECT_EQ(reach.end_image, amount < 5 ? 0u : amount < 10 ? 1u : 3u) << amount;
    EXPECT_EQ(reach.is_encoder_full, amount < 10) << amount;
  }
  const ChunkReach reach = PlanImages(request_, 0, 30, EncodeBudget(100, 12), cache_);
  EXPECT_EQ(reach.end_image, 3u);
}

TEST_F(EncoderPlannerTest, CommitClosesTheBudgetToOthersIfAnImageDidNotFit) {
  EncodeBudget budget(100, 9);
  StepPlan plan;
  const ChunkReach reach = PlanImages(request_, 0, 30, budget, cache_);
  CommitImages(request_, reach, &budget, &cache_, &plan);
  EXPECT_EQ(plan.images_to_encode.size(), 1u);
  EXPECT_EQ(budget.remaining(), 0u) << "three rows are left, and the second image needs six";
}

TEST_F(EncoderPlannerTest, CommitDoesWhatWasPlanned) {
  Cache(Span(0, 6, 2));
  Cache(Span(0, 5, 9));
  EncodeBudget budget(1, 1);
  StepPlan plan;
  ASSERT_EQ(Reach(0, 30, 1), 4u);
  ASSERT_EQ(NumReached(), 3u);
  CommitImages(request_, reach_, &budget, &cache_, &plan);
  EXPECT_EQ(budget.remaining(), 0u);
  ASSERT_EQ(plan.images_to_encode.size(), 1u) << "one image, asked for twice";
  EXPECT_EQ(plan.images_to_encode[0].image_index, 0u);
  EXPECT_THAT(plan.encoder_entries_to_free, ElementsAre(KeyOf(Span(0, 5, 9))))
      << "and not the one that this request is going to read";
  EXPECT_EQ(cache_.num_references(KeyOf(Span(0, 6, 1))), 3u) << "two spans and the encoding";
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
