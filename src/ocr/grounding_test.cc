#include "ocr/grounding.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ocr/det_parser.h"
#include "ocr/grounding_cases.h"

namespace mao {
namespace {

const std::string kBox = "[[1, 2, 3, 4]]";

std::string Tag(const std::string& label, const std::string& det = kBox) {
  return "<|ref|>" + label + "<|/ref|><|det|>" + det + "<|/det|>";
}

TEST(GroundingTest, MatchesEveryFixtureCase) {
  for (const auto& c : GroundingCases()) {
    SCOPED_TRACE(c["name"].get<std::string>());
    std::vector<GroundingBlock> blocks = ParseGrounding(c["raw"].get<std::string>());
    const std::string lead = c["text_before_first_block"];
    ASSERT_EQ(!lead.empty(), !blocks.empty() && !blocks[0].label);
    if (!lead.empty()) {
      EXPECT_EQ(blocks[0].text, lead);
      EXPECT_TRUE(blocks[0].boxes.empty());
      blocks.erase(blocks.begin());
    }
    ASSERT_EQ(blocks.size(), c["blocks"].size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      const auto& expected = c["blocks"][i];
      EXPECT_EQ(blocks[i].label, expected["label"].get<std::string>());
      EXPECT_EQ(blocks[i].text, expected["text"].get<std::string>());
      EXPECT_EQ(blocks[i].boxes, RawBoxesOf(expected["boxes"]));
      EXPECT_EQ(blocks[i].well_formed, expected["boxes"] == expected["boxes_released_scripts"]);
    }
  }
}

TEST(GroundingTest, RangesNameTagsAndText) {
  const std::string raw = "lead " + Tag("title") + "\n# A\n" + Tag("text") + " b ";
  const auto blocks = ParseGrounding(raw);
  ASSERT_EQ(blocks.size(), 3U);
  const auto part = [&](size_t begin, size_t end) { return raw.substr(begin, end - begin); };
  EXPECT_EQ(part(blocks[0].begin, blocks[0].end), "lead ");
  EXPECT_EQ(blocks[0].text_begin, blocks[0].begin);
  EXPECT_EQ(part(blocks[1].begin, blocks[1].text_begin), Tag("title"));
  EXPECT_EQ(part(blocks[1].text_begin, blocks[1].end), "\n# A\n");
  EXPECT_EQ(part(blocks[2].begin, blocks[2].text_begin), Tag("text"));
  EXPECT_EQ(blocks[2].end, raw.size());
}

TEST(GroundingTest, EndTokenGoesOnlyFromTheEnd) {
  const std::string eos = "<｜end▁of▁sentence｜>";
  EXPECT_EQ(WithoutEndOfText("a\n" + eos + "\n "), "a\n");
  EXPECT_EQ(WithoutEndOfText("a" + eos + "b"), "a" + eos + "b");
  EXPECT_EQ(WithoutEndOfText("a\n"), "a\n");
  EXPECT_EQ(WithoutEndOfText(eos), "");
  EXPECT_EQ(WithoutEndOfText(""), "");
}

TEST(GroundingTest, ADetCutBehindItsBoxesIsStillABlock) {
  for (const std::string end : {"", "<", "<|/de", "\n"}) {
    const auto blocks = ParseGrounding("<|ref|>text<|/ref|><|det|>" + kBox + end);
    ASSERT_EQ(blocks.size(), 1U) << end;
    EXPECT_EQ(blocks[0].label, "text");
    EXPECT_EQ(blocks[0].boxes, (std::vector<RawBox>{{1, 2, 3, 4}}));
    EXPECT_FALSE(blocks[0].well_formed);
    EXPECT_EQ(blocks[0].text, "");
  }
}

TEST(GroundingTest, AMissingClosingTagDoesNotSwallowTheNextBlock) {
  const auto blocks =
      ParseGrounding("<|ref|>text<|/ref|><|det|>" + kBox + "\n5 apples\n" + Tag("title") + "T");
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[0].text, "5 apples");
  EXPECT_FALSE(blocks[0].well_formed);
  EXPECT_EQ(blocks[1].label, "title");
  EXPECT_EQ(blocks[1].text, "T");
  EXPECT_TRUE(blocks[1].well_formed);
}

TEST(GroundingTest, WithoutBoxesAMissingClosingTagEndsAtTheNextOne) {
  const auto blocks = ParseGrounding("<|ref|>a<|/ref|><|det|>none " + Tag("b") + "T");
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].label, "a");
  EXPECT_EQ(blocks[0].text, "T");
}

TEST(GroundingTest, BlocksAreCapped) {
  std::string raw;
  for (size_t i = 0; i < kMaxGroundingBlocks + 2; ++i) raw += Tag("text");
  const auto blocks = ParseGrounding(raw);
  ASSERT_EQ(blocks.size(), kMaxGroundingBlocks);
  EXPECT_EQ(blocks.back().text, Tag("text") + Tag("text"));
}

// These texts would take a matcher that looks ahead from every tag anew hours.
TEST(GroundingTest, HostileTextsTakeLinearTime) {
  constexpr int kTimes = 200000;
  const auto repeat = [](const std::string& text) {
    std::string out;
    for (int i = 0; i < kTimes; ++i) out += text;
    return out;
  };
  EXPECT_EQ(ParseGrounding(repeat("<|ref|>")).size(), 1U);
  EXPECT_EQ(ParseGrounding(repeat("<|ref|>a<|/ref|>")).size(), 1U);
  EXPECT_EQ(ParseGrounding(repeat("<|ref|>a<|/ref|><|det|>")).size(), 1U);
  EXPECT_EQ(ParseGrounding(repeat("<|/ref|><|det|>") + "<|/det|>").size(), 1U);
  EXPECT_EQ(ParseGrounding("<|ref|>a<|/ref|><|det|>" + repeat("[")).size(), 1U);
  EXPECT_EQ(ParseGrounding(repeat("<|ref|>a<|/ref|><|det|>[1,2,3,4]") + "<|/det|>").size(),
            kMaxGroundingBlocks);
}

}  // namespace
}  // namespace mao
