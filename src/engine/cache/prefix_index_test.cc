#include "engine/cache/prefix_index.h"

#include <cstring>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace mao {
namespace {

// A hash with a chosen home, so that runs form.
BlockHash Hash(uint64_t home, uint64_t rest) {
  BlockHash hash;
  std::memcpy(hash.bytes.data(), &home, sizeof(home));
  std::memcpy(hash.bytes.data() + 8, &rest, sizeof(rest));
  return hash;
}

TEST(PrefixIndexTest, TheFirstOfTwoEqualHashesStays) {
  PrefixIndex index(4);
  EXPECT_TRUE(index.Insert(Hash(1, 1), BlockId{7}));
  EXPECT_FALSE(index.Insert(Hash(1, 1), BlockId{8}));
  EXPECT_EQ(index.Find(Hash(1, 1)), BlockId{7});
  EXPECT_EQ(index.size(), 1u);
}

TEST(PrefixIndexTest, EqualHomesAreNotEqualHashes) {
  PrefixIndex index(4);
  EXPECT_TRUE(index.Insert(Hash(1, 1), BlockId{7}));
  EXPECT_EQ(index.Find(Hash(1, 2)), std::nullopt);
  index.Erase(Hash(1, 2));
  EXPECT_EQ(index.size(), 1u);
}

TEST(PrefixIndexTest, EqualsAMapUnderRandomOperations) {
  constexpr size_t kMaxEntries = 16;
  PrefixIndex index(kMaxEntries);
  std::map<std::array<uint8_t, 32>, BlockId> model;
  std::mt19937 random(5);
  for (uint32_t step = 0; step < 20000; ++step) {
    // Few homes, at the end of the array too, so that runs merge and wrap around.
    const BlockHash hash = Hash(28 + random() % 6, random() % 6);
    if (random() % 2 == 0 && model.size() < kMaxEntries) {
      EXPECT_EQ(index.Insert(hash, BlockId{step}), model.emplace(hash.bytes, BlockId{step}).second);
    } else {
      index.Erase(hash);
      model.erase(hash.bytes);
    }
    ASSERT_EQ(index.size(), model.size());
    for (uint64_t home = 28; home < 34; ++home) {
      for (uint64_t rest = 0; rest < 6; ++rest) {
        const auto expected = model.find(Hash(home, rest).bytes);
        const auto found = index.Find(Hash(home, rest));
        ASSERT_EQ(found.has_value(), expected != model.end());
        if (found.has_value()) {
          ASSERT_EQ(*found, expected->second);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mao
