#include "serve/graphql/utf8.h"

#include <gtest/gtest.h>

namespace mao::graphql {
namespace {

TEST(Utf8Test, CountsAsJavaScriptDoes) {
  EXPECT_EQ(Utf16Length("a\xC3\xA9\xE2\x82\xAC"), 3u);
  EXPECT_EQ(Utf16Length("\xF0\x9F\x8F\x83"), 2u);
}

TEST(Utf8Test, ScalarValuesAreNoSurrogates) {
  for (const char32_t code : {0x0u, 0xD7FFu, 0xE000u, 0x10FFFFu}) EXPECT_TRUE(IsScalarValue(code));
  for (const char32_t code : {0xD800u, 0xDFFFu, 0x110000u}) EXPECT_FALSE(IsScalarValue(code));
}

TEST(Utf8Test, CutsAtCharacters) {
  EXPECT_EQ(CutAtCharacter("abc", 3), "abc");
  EXPECT_EQ(CutAtCharacter("ab\xC3\xA9", 3), "ab");
  EXPECT_EQ(CutAtCharacter("\xF0\x9F\x8F\x83", 3), "");
  EXPECT_EQ(Abbreviate("abcdef", 3), "abc...");
  EXPECT_EQ(Abbreviate("abc", 3), "abc");
}

}  // namespace
}  // namespace mao::graphql
