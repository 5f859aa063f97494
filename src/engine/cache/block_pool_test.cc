#include "engine/cache/block_pool.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using ::testing::ElementsAre;

std::vector<uint32_t> Indices(const std::vector<BlockId>& ids) {
  std::vector<uint32_t> indices;
  for (const BlockId id : ids) indices.push_back(ToIndex(id));
  return indices;
}

BlockHash Hash(uint8_t seed) {
  BlockHash hash;
  hash.bytes.fill(seed);
  return hash;
}

std::vector<BlockId> Take(BlockPool* pool, uint32_t count) {
  std::vector<BlockId> table;
  EXPECT_TRUE(pool->Allocate(count, &table));
  return table;
}

TEST(BlockPoolTest, AllocationIsAllOrNothing) {
  BlockPool pool(4);
  std::vector<BlockId> table = Take(&pool, 3);
  EXPECT_THAT(Indices(table), ElementsAre(0, 1, 2));
  EXPECT_FALSE(pool.Allocate(2, &table));
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(pool.num_free_blocks(), 1u);
  EXPECT_TRUE(pool.Allocate(1, &table));
  EXPECT_EQ(pool.num_free_blocks(), 0u);
  EXPECT_TRUE(pool.Allocate(0, &table));
  EXPECT_THAT(Indices(pool.EvictionOrder()), ElementsAre());
}

TEST(BlockPoolTest, TheEndOfATableIsEvictedFirst) {
  BlockPool pool(4);
  const std::vector<BlockId> table = Take(&pool, 4);
  for (uint8_t i = 0; i < 4; ++i) pool.Publish(table[i], Hash(i));
  pool.Free(table);
  EXPECT_THAT(Indices(pool.EvictionOrder()), ElementsAre(3, 2, 1, 0));
}

TEST(BlockPoolTest, BlocksWithNothingToLoseGoBeforeCachedOnes) {
  BlockPool pool(4);
  const std::vector<BlockId> table = Take(&pool, 4);
  pool.Publish(table[0], Hash(0));
  pool.Publish(table[1], Hash(1));
  pool.Free(table);
  EXPECT_THAT(Indices(pool.EvictionOrder()), ElementsAre(2, 3, 1, 0));
}

TEST(BlockPoolTest, AFreeBlockIsFoundUntilItIsEvicted) {
  BlockPool pool(2);
  const std::vector<BlockId> table = Take(&pool, 2);
  pool.Publish(table[0], Hash(1));
  pool.Free(table);
  EXPECT_EQ(pool.Find(Hash(1)), BlockId{0});
  Take(&pool, 1);  // the one with nothing to lose
  EXPECT_EQ(pool.Find(Hash(1)), BlockId{0});
  EXPECT_EQ(pool.num_evictions(), 0u);
  Take(&pool, 1);
  EXPECT_EQ(pool.Find(Hash(1)), std::nullopt);
  EXPECT_EQ(pool.IndexedHash(BlockId{0}), std::nullopt);
  EXPECT_EQ(pool.num_evictions(), 1u);
}

TEST(BlockPoolTest, TouchRevivesAndCounts) {
  BlockPool pool(3);
  const std::vector<BlockId> table = Take(&pool, 2);
  pool.Publish(table[0], Hash(0));
  pool.Publish(table[1], Hash(1));
  pool.Free(table);
  const std::vector<BlockId> first = {table[0]};
  pool.Touch(first);
  EXPECT_EQ(pool.ref_count(table[0]), 1u);
  EXPECT_EQ(pool.num_free_blocks(), 2u);
  EXPECT_THAT(Indices(pool.EvictionOrder()), ElementsAre(2, 1));
  pool.Touch(first);
  EXPECT_EQ(pool.ref_count(table[0]), 2u);
  EXPECT_EQ(pool.num_free_blocks(), 2u);
  pool.Free(first);
  EXPECT_EQ(pool.num_free_blocks(), 2u);
  pool.Free(first);
  EXPECT_THAT(Indices(pool.EvictionOrder()), ElementsAre(2, 1, 0));
}

TEST(BlockPoolTest, ADuplicateStaysOutOfTheIndex) {
  BlockPool pool(2);
  const std::vector<BlockId> table = Take(&pool, 2);
  pool.Publish(table[0], Hash(1));
  pool.Publish(table[1], Hash(1));
  EXPECT_EQ(pool.Find(Hash(1)), table[0]);
  EXPECT_EQ(pool.num_indexed_blocks(), 1u);
  pool.Free(table);
  Take(&pool, 1);  // the duplicate goes first, and takes nothing out of the index
  EXPECT_EQ(pool.Find(Hash(1)), table[0]);
}

TEST(BlockPoolTest, ABlockKeepsItsFirstHash) {
  BlockPool pool(1);
  const std::vector<BlockId> table = Take(&pool, 1);
  pool.Publish(table[0], Hash(1));
  pool.Publish(table[0], Hash(2));
  EXPECT_EQ(pool.IndexedHash(table[0]), Hash(1));
  EXPECT_EQ(pool.Find(Hash(2)), std::nullopt);
}

}  // namespace
}  // namespace mao
