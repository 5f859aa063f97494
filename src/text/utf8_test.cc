#include "text/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace mao {
namespace {

std::string Lossy(std::string_view text) {
  std::string out;
  AppendLossyUtf8(text, out);
  return out;
}

TEST(Utf8Test, EveryCodePointRoundTrips) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    AppendUtf8(c, text);
    const Utf8Char decoded = DecodeUtf8(text, 0);
    ASSERT_EQ(decoded.kind, Utf8Char::Kind::kValid) << static_cast<uint32_t>(c);
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(decoded.size, text.size());
    for (size_t size = 1; size < text.size(); ++size) {
      const Utf8Char cut = DecodeUtf8(std::string_view(text).substr(0, size), 0);
      ASSERT_EQ(cut.kind, Utf8Char::Kind::kTruncated);
      ASSERT_EQ(cut.size, size);
    }
  }
}

// The examples of the Unicode Standard, tables 3-8 to 3-11.
TEST(Utf8Test, ReplacesMaximalSubparts) {
  const std::string r(kReplacementUtf8);
  EXPECT_EQ(Lossy("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(Lossy("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(Lossy("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(Lossy("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
  EXPECT_EQ(Lossy("abcdefgh\xE4\xBD"), "abcdefgh" + r);
}

TEST(Utf8Test, DrainingByteByByteEqualsReplacingAtOnce) {
  const std::string text =
      "a\xE4\xBD\xA0\xE4\xBD"
      "b\xF0\x9F\x98\x80\xFF\xC3(\xF0\x9F\xE4\xBD\xA0\xE1";
  std::string pending;
  std::string out;
  for (const char byte : text) {
    pending.push_back(byte);
    DrainCompleteUtf8(pending, out);
    EXPECT_LE(pending.size(), 3u);
    EXPECT_TRUE(IsValidUtf8(out));
  }
  AppendLossyUtf8(pending, out);
  EXPECT_EQ(out, Lossy(text));
}

TEST(Utf8Test, WhitespaceAndWords) {
  EXPECT_EQ(LeadingWhitespace(" \t\u00A0\u3000x "), 7u);
  EXPECT_EQ(LeadingWhitespace(""), 0u);
  EXPECT_EQ(TrailingWhitespaceStart("x \u2028\u0085"), 1u);
  EXPECT_EQ(TrailingWhitespaceStart("x\u200B"), 4u);
  EXPECT_TRUE(EndsWithWordChar("é"));
  EXPECT_TRUE(EndsWithWordChar("中"));
  EXPECT_TRUE(StartsWithWordChar("_"));
  EXPECT_TRUE(StartsWithWordChar("\u0301"));
  EXPECT_FALSE(StartsWithWordChar("-"));
  EXPECT_FALSE(EndsWithWordChar(""));
}

}  // namespace
}  // namespace mao
