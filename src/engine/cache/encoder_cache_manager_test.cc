#include "engine/cache/encoder_cache_manager.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

EncoderKey Key(uint8_t seed, uint32_t num_rows) {
  EncoderKey key;
  key.fingerprint.bytes.fill(seed);
  key.num_rows = num_rows;
  return key;
}

class EncoderCacheManagerTest : public ::testing::Test {
 protected:
  EncoderCacheManager cache_{10};
  std::vector<EncoderKey> evicted_;
};

TEST_F(EncoderCacheManagerTest, FreedFirstEvictedFirstAndOnlyAsFarAsNeeded) {
  cache_.Insert(Key(1, 3), &evicted_);
  cache_.Insert(Key(2, 3), &evicted_);
  cache_.Insert(Key(3, 3), &evicted_);
  cache_.Release(Key(2, 3));
  cache_.Release(Key(1, 3));
  EXPECT_EQ(cache_.num_reclaimable_rows(), 7u);
  EXPECT_EQ(cache_.num_used_rows(), 9u);
  cache_.Insert(Key(4, 4), &evicted_);
  EXPECT_THAT(evicted_, ElementsAre(Key(2, 3)));
  EXPECT_TRUE(cache_.Contains(Key(1, 3)));
  EXPECT_EQ(cache_.num_used_rows(), 10u);
  EXPECT_EQ(cache_.num_reclaimable_rows(), 3u);
}

TEST_F(EncoderCacheManagerTest, AReferenceProtectsAndRevives) {
  cache_.Insert(Key(1, 5), &evicted_);
  cache_.Acquire(Key(1, 5));
  cache_.Release(Key(1, 5));
  EXPECT_EQ(cache_.num_references(Key(1, 5)), 1u);
  EXPECT_EQ(cache_.num_reclaimable_rows(), 5u);
  cache_.Release(Key(1, 5));
  EXPECT_EQ(cache_.num_reclaimable_rows(), 10u);
  cache_.Acquire(Key(1, 5));
  EXPECT_EQ(cache_.num_reclaimable_rows(), 5u);
  cache_.Insert(Key(2, 5), &evicted_);
  EXPECT_THAT(evicted_, IsEmpty());
  EXPECT_EQ(cache_.num_reclaimable_rows(), 0u);
}

TEST_F(EncoderCacheManagerTest, RowsBelongToTheKey) {
  cache_.Insert(Key(1, 5), &evicted_);
  EXPECT_FALSE(cache_.Contains(Key(1, 4)));
  EXPECT_EQ(cache_.num_references(Key(1, 4)), 0u);
}

TEST_F(EncoderCacheManagerTest, DiscardThrowsOutOnlyWhatNobodyReads) {
  cache_.Insert(Key(1, 5), &evicted_);
  cache_.Discard(Key(1, 5), &evicted_);
  EXPECT_TRUE(cache_.Contains(Key(1, 5)));
  cache_.Release(Key(1, 5));
  cache_.Discard(Key(1, 5), &evicted_);
  cache_.Discard(Key(2, 5), &evicted_);
  EXPECT_THAT(evicted_, ElementsAre(Key(1, 5)));
  EXPECT_EQ(cache_.num_used_rows(), 0u);
  EXPECT_EQ(cache_.num_entries(), 0u);
}

TEST_F(EncoderCacheManagerTest, StatsCountHitsAndMisses) {
  cache_.Insert(Key(1, 5), &evicted_);
  cache_.Acquire(Key(1, 5));
  const EncoderCacheStats stats = cache_.Stats();
  EXPECT_EQ(stats.num_hits, 1u);
  EXPECT_EQ(stats.num_misses, 1u);
  EXPECT_EQ(stats.num_used_rows, 5u);
  EXPECT_EQ(stats.capacity_rows, 10u);
}

}  // namespace
}  // namespace mao
