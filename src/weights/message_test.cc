#include "weights/message.h"

#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(MessageTest, JsonQuoteEscapesWhatJsonForbids) {
  EXPECT_EQ(JsonQuote("a.b"), "\"a.b\"");
  EXPECT_EQ(JsonQuote("a\"b\\c\n\x7F"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
  EXPECT_EQ(JsonQuote(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(JsonQuote("页é"), "\"页é\"");
}

TEST(MessageTest, QuotedCutsLongNamesBetweenCharacters) {
  EXPECT_EQ(Quoted(std::string(200, 'x')).size(), 202u);
  const std::string quoted = Quoted(std::string(199, 'x') + "页页");
  EXPECT_EQ(quoted, "\"" + std::string(199, 'x') + "\"…");
}

TEST(MessageTest, ListingIsCapped) {
  const std::vector<std::string> items = {"a", "b", "c"};
  EXPECT_EQ(Listing(items), "a, b, c");
  EXPECT_EQ(Listing(items, 3), "a, b, c");
  EXPECT_EQ(Listing(items, 2), "a, b … and 1 more");
  EXPECT_EQ(Listing({}), "");
}

}  // namespace
}  // namespace mao
