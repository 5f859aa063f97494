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
  // Makes an entry that is ready and has one reference.
  void Insert(const EncoderKey& key) {
    cache_.Insert(key, &evicted_);
    cache_.MarkReady(key);
  }

  EncoderCacheManager cache_{10};
  std::vector<EncoderKey> evicted_;
};

TEST_F(EncoderCacheManagerTest, FreedFirstEvictedFirstAndOnlyAsFarAsNeeded) {
  Insert(Key(1, 3));
  Insert(Key(2, 3));
  Insert(Key(3, 3));
  cache_.Release(Key(2, 3));
  cache_.Release(Key(1, 3));
  EXPECT_EQ(cache_.num_reclaimable_rows(), 7u);
  EXPECT_EQ(cache_.num_used_rows(), 9u);
  Insert(Key(4, 4));
  EXPECT_THAT(evicted_, ElementsAre(Key(2, 3)));
  EXPECT_TRUE(cache_.Contains(Key(1, 3)));
  EXPECT_EQ(cache_.num_used_rows(), 10u);
  EXPECT_EQ(cache_.num_reclaimable_rows(), 3u);
}

TEST_F(EncoderCacheManagerTest, AReferenceProtectsAndRevives) {
  Insert(Key(1, 5));
  cache_.Acquire(Key(1, 5));
  cache_.Release(Key(1, 5));
  EXPECT_EQ(cache_.num_references(Key(1, 5)), 1u);
  EXPECT_EQ(cache_.num_reclaimable_rows(), 5u);
  cache_.Release(Key(1, 5));
  EXPECT_EQ(cache_.num_reclaimable_rows(), 10u);
  cache_.Acquire(Key(1, 5));
  EXPECT_EQ(cache_.num_reclaimable_rows(), 5u);
  Insert(Key(2, 5));
  EXPECT_THAT(evicted_, IsEmpty());
  EXPECT_EQ(cache_.num_reclaimable_rows(), 0u);
}

TEST_F(EncoderCacheManagerTest, RowsBelongToTheKey) {
  Insert(Key(1, 5));
  EXPECT_FALSE(cache_.Contains(Key(1, 4)));
  EXPECT_EQ(cache_.num_references(Key(1, 4)), 0u);
}

TEST_F(EncoderCacheManagerTest, AnEncodingHoldsAReferenceUntilItEnds) {
  cache_.Insert(Key(1, 5), &evicted_);
  EXPECT_TRUE(cache_.Contains(Key(1, 5)));
  EXPECT_FALSE(cache_.IsReady(Key(1, 5)));
  EXPECT_TRUE(cache_.IsEncoding(Key(1, 5)));
  EXPECT_EQ(cache_.num_encoding(), 1u);
  EXPECT_EQ(cache_.num_references(Key(1, 5)), 2u);
  cache_.Release(Key(1, 5));  // nobody waits for it any more
  EXPECT_EQ(cache_.num_reclaimable_rows(), 5u) << "the encoder still writes it";
  cache_.MarkReady(Key(1, 5));
  EXPECT_TRUE(cache_.IsReady(Key(1, 5)));
  EXPECT_FALSE(cache_.IsEncoding(Key(1, 5)));
  EXPECT_EQ(cache_.num_encoding(), 0u);
  EXPECT_EQ(cache_.num_reclaimable_rows(), 10u);
}

TEST_F(EncoderCacheManagerTest, AFailedEncodingLeavesNothing) {
  cache_.Insert(Key(1, 5), &evicted_);
  cache_.Release(Key(1, 5));
  cache_.Discard(Key(1, 5));
  EXPECT_EQ(cache_.num_used_rows(), 0u);
  EXPECT_EQ(cache_.num_reclaimable_rows(), 10u);
  EXPECT_EQ(cache_.num_entries(), 0u);
  EXPECT_EQ(cache_.num_encoding(), 0u);
  EXPECT_FALSE(cache_.IsReady(Key(1, 5)));
  EXPECT_FALSE(cache_.IsEncoding(Key(1, 5)));
}

TEST_F(EncoderCacheManagerTest, StatsCountHitsAndMisses) {
  Insert(Key(1, 5));
  cache_.Acquire(Key(1, 5));
  const EncoderCacheStats stats = cache_.Stats();
  EXPECT_EQ(stats.num_hits, 1u);
  EXPECT_EQ(stats.num_misses, 1u);
  EXPECT_EQ(stats.num_used_rows, 5u);
  EXPECT_EQ(stats.capacity_rows, 10u);
}

}  // namespace
}  // namespace mao
