#include "serve/config/spelling.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(SpellingTest, CountsSlipsOfTheFingers) {
  EXPECT_EQ(SpellingDistance("port", "port", 2), 0u);
  EXPECT_EQ(SpellingDistance("Max-Model-Len", "max_model_len", 0), 0u);
  EXPECT_EQ(SpellingDistance("prot", "port", 2), 1u);
  EXPECT_EQ(SpellingDistance("por", "port", 2), 1u);
  EXPECT_EQ(SpellingDistance("sport", "port", 2), 1u);
  EXPECT_EQ(SpellingDistance("utilisation", "utilization", 2), 1u);
  EXPECT_EQ(SpellingDistance("", "ab", 2), 2u);
  EXPECT_EQ(SpellingDistance("host", "port", 2), 2u);
  EXPECT_EQ(SpellingDistance("host", "port", 1), SIZE_MAX);
}

TEST(SpellingTest, LongWordsAreNotCompared) {
  EXPECT_EQ(SpellingDistance(std::string(64, 'a'), std::string(64, 'a'), 0), 0u);
  EXPECT_EQ(SpellingDistance(std::string(65, 'a'), std::string(65, 'a'), 100), SIZE_MAX);
}

TEST(SpellingTest, NearestWord) {
  const std::vector<std::string> known = {"host", "port", "enabled"};
  EXPECT_EQ(NearestWord("ports", known, 2), "port");
  EXPECT_EQ(NearestWord("hort", known, 2), "host");  // the first of two
  EXPECT_EQ(NearestWord("enable", known, 1), "enabled");
  EXPECT_EQ(NearestWord("disabled", known, 2), "");
  EXPECT_EQ(NearestWord("host", {}, 2), "");
}

}  // namespace
}  // namespace mao
