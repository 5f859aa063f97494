#include "engine/cache/kv_cache_manager.h"

#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

// A request with its tokens, as the scheduler would keep it.
struct Request {
  std::vector<TokenId> tokens;
  std::vector<ImageSpan> images;
  RequestBlocks blocks;

  RequestContent content() const { return {tokens, images}; }
  uint32_t size() const { return static_cast<uint32_t>(tokens.size()); }
};

class KvCacheManagerTest : public ::testing::Test {
 protected:
  KvCacheManagerTest() { Reset({.block_size = 4, .num_blocks = 8}); }

  void Reset(const KvCacheConfig& config) {
    manager_.emplace(KvCacheManager::Create(config).value());
  }

  Request Begin(uint32_t num_tokens, const std::string& adapter = "",
                const std::string& salt = "") {
    Request request;
    request.tokens.resize(num_tokens);
    std::iota(request.tokens.begin(), request.tokens.end(), 100);
    manager_->Begin(adapter, salt, request.content(), num_tokens + 8, &request.blocks);
    return request;
  }

  std::vector<BlockId> Computed(const Request& request) const {
    std::vector<BlockId> prefix;
    manager_->GetComputedBlocks(request.blocks, request.size(), &prefix);
    return prefix;
  }

  // Admits and computes everything in one go.
  bool Run(Request* request) {
    const std::vector<BlockId> prefix = Computed(*request);
    if (!manager_->AllocateFirst(prefix, request->size(), request->size(), &request->blocks)) {
      return false;
    }
    manager_->Publish(request->content(), request->size(), &request->blocks);
    return true;
  }

  std::optional<KvCacheManager> manager_;
};

TEST_F(KvCacheManagerTest, RefusesAConfigurationAndNamesTheField) {
  const auto no_size = KvCacheManager::Create({.block_size = 0, .num_blocks = 8});
  EXPECT_EQ(no_size.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(no_size.status().message().find("block_size"), std::string::npos);
  const auto no_blocks = KvCacheManager::Create({.block_size = 4, .num_blocks = 0});
  EXPECT_NE(no_blocks.status().message().find("num_blocks"), std::string::npos);
}

TEST_F(KvCacheManagerTest, OnlyFullBlocksAndNeverTheLastTokenAreFound) {
  Request first = Begin(13);
  ASSERT_TRUE(Run(&first));
  EXPECT_EQ(manager_->pool().num_indexed_blocks(), 3u);
  for (const auto& [num_tokens, num_blocks] : std::vector<std::pair<uint32_t, size_t>>{
           {13, 3}, {12, 2}, {9, 2}, {8, 1}, {5, 1}, {4, 0}, {1, 0}, {30, 3}}) {
    EXPECT_EQ(Computed(Begin(num_tokens)).size(), num_blocks) << num_tokens;
  }
}

TEST_F(KvCacheManagerTest, NothingIsFoundBeforeItIsVerified) {
  Request first = Begin(12);
  ASSERT_TRUE(manager_->AllocateFirst({}, 12, 12, &first.blocks));
  EXPECT_TRUE(Computed(Begin(12)).empty());
  manager_->Publish(first.content(), 7, &first.blocks);
  EXPECT_EQ(Computed(Begin(12)).size(), 1u);
  manager_->Publish(first.content(), 8, &first.blocks);
  EXPECT_EQ(Computed(Begin(12)).size(), 2u);
}

TEST_F(KvCacheManagerTest, SharesOnlyWhatIsTheSame) {
  Request first = Begin(9, "adapter", "salt");
  ASSERT_TRUE(Run(&first));
  EXPECT_EQ(Computed(Begin(9, "adapter", "salt")),
            (std::vector<BlockId>{first.blocks.table[0], first.blocks.table[1]}));
  EXPECT_TRUE(Computed(Begin(9, "adapter", "pepper")).empty());
  EXPECT_TRUE(Computed(Begin(9, "", "salt")).empty());
}

TEST_F(KvCacheManagerTest, SharedBlocksAreCountedOnceAndOutliveTheirFirstOwner) {
  Request first = Begin(9);
  Request second = Begin(9);
  ASSERT_TRUE(Run(&first));
  ASSERT_TRUE(Run(&second));
  EXPECT_EQ(first.blocks.table[1], second.blocks.table[1]);
  EXPECT_NE(first.blocks.table[2], second.blocks.table[2]);
  EXPECT_EQ(manager_->pool().num_used_blocks(), 4u);
  Request third = Begin(9);
  ASSERT_TRUE(manager_->AllocateFirst(Computed(third), 9, 9, &third.blocks));
  EXPECT_EQ(third.blocks.num_published, 2u) << "what was found need not be published again";
  manager_->Free(&third.blocks);
  manager_->Free(&first.blocks);
  EXPECT_EQ(manager_->pool().num_used_blocks(), 3u);
  manager_->Free(&second.blocks);
  EXPECT_EQ(manager_->pool().num_used_blocks(), 0u);
  EXPECT_EQ(Computed(Begin(9)).size(), 2u);
}

TEST_F(KvCacheManagerTest, AllocationChangesNothingWhenThereIsNoRoom) {
  Request first = Begin(17);  // 5 of 8 blocks, 4 of them cached
  ASSERT_TRUE(Run(&first));
  manager_->Free(&first.blocks);
  Request hog = Begin(16, "other");
  ASSERT_TRUE(Run(&hog));  // leaves 4 free: what is cached may be among them
  Request second = Begin(24);
  const std::vector<BlockId> prefix = Computed(second);
  const std::vector<BlockId> order = manager_->pool().EvictionOrder();
  ASSERT_FALSE(prefix.empty());
  // Reviving the prefix takes from the same free list as the new blocks.
  EXPECT_EQ(manager_->NumFreeBlocksBeside(prefix), 4 - prefix.size());
  EXPECT_FALSE(manager_->AllocateFirst(prefix, 24, 24, &second.blocks));
  EXPECT_TRUE(second.blocks.table.empty());
  EXPECT_EQ(manager_->pool().EvictionOrder(), order);
  EXPECT_TRUE(manager_->AllocateFirst(prefix, 16, 24, &second.blocks));
  EXPECT_FALSE(manager_->Allocate(17, &second.blocks));
  EXPECT_EQ(second.blocks.table.size(), 4u);
  EXPECT_TRUE(manager_->Allocate(10, &second.blocks)) << "never shrinks";
  EXPECT_EQ(second.blocks.table.size(), 4u);
}

TEST_F(KvCacheManagerTest, OutputExtendsTheChain) {
  Request first = Begin(6);
  ASSERT_TRUE(Run(&first));
  first.tokens.insert(first.tokens.end(), {106, 107, 108});
  ASSERT_TRUE(manager_->Allocate(8, &first.blocks));
  manager_->Publish(first.content(), 8, &first.blocks);
  EXPECT_EQ(Computed(Begin(9)).size(), 2u);
}

TEST_F(KvCacheManagerTest, StatsCountTokensAtAdmission) {
  Request first = Begin(9);
  Request second = Begin(9);
  ASSERT_TRUE(Run(&first));
  Computed(second);  // a question changes nothing
  ASSERT_TRUE(Run(&second));
  const KvCacheStats stats = manager_->Stats();
  EXPECT_EQ(stats.num_queried_tokens, 18u);
  EXPECT_EQ(stats.num_hit_tokens, 8u);
  EXPECT_EQ(stats.num_used_blocks, 4u);
  EXPECT_DOUBLE_EQ(stats.usage, 0.5);
}

TEST_F(KvCacheManagerTest, WithoutPrefixCachingNothingIsHashedOrFound) {
  Reset({.block_size = 4, .num_blocks = 8, .enable_prefix_caching = false});
  Request first = Begin(9);
  ASSERT_TRUE(Run(&first));
  EXPECT_TRUE(first.blocks.hashes.empty());
  EXPECT_EQ(manager_->pool().num_indexed_blocks(), 0u);
  EXPECT_TRUE(Computed(Begin(9)).empty());
}

}  // namespace
}  // namespace mao
