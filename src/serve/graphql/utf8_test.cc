#include "serve/graphql/utf8.h"

#include <gtest/gtest.h>

namespace mao::graphql {
namespace {

TEST(Utf8Test, FindsWhereTextStopsBeingWellFormed) {
  EXPECT_EQ(WellFormedPrefix(""), 0u);
  EXPECT_EQ(WellFormedPrefix("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8F\x83"), 10u);
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xF0\x9F\x8F"}) {
    EXPECT_EQ(WellFormedPrefix(std::string("ab") + bad), 2u) << bad;
  }
  EXPECT_EQ(WellFormedPrefix("\xF4\x8F\xBF\xBF"), 4u);
  EXPECT_EQ(WellFormedPrefix("\xED\x9F\xBF\xEE\x80\x80"), 6u);
}

TEST(Utf8Test, WritesWhatItReads) {
  for (const char32_t code :
       {U'\0', U'a', U'\x7F', U'\x80', U'\x7FF', U'\x800', U'\xFFFF', U'\x10000', U'\x10FFFF'}) {
    std::string text;
    AppendCodePoint(code, text);
    EXPECT_EQ(WellFormedPrefix(text), text.size());
    EXPECT_EQ(CodePointAt(text, 0), code);
    EXPECT_EQ(Utf16Length(text), code < 0x10000 ? 1u : 2u);
  }
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
