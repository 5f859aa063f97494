#include "ocr/det_parser.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ocr/grounding_cases.h"
#include "ocr/number_literal.h"

namespace mao {

void PrintTo(const RawBox& b, std::ostream* out) {
  *out << "[" << b.x1 << ", " << b.y1 << ", " << b.x2 << ", " << b.y2 << "]";
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(DetParserTest, BothReadersMatchEveryFixtureCase) {
  int num_dets = 0;
  for (const auto& c : GroundingCases()) {
    for (const auto& block : c["blocks"]) {
      const std::string det = block["det"];
      EXPECT_EQ(ParseBoxesLenient(det), RawBoxesOf(block["boxes"])) << det;
      const auto strict = ParseBoxesStrict(det);
      const auto& released = block["boxes_released_scripts"];
      ASSERT_EQ(strict.has_value(), !released.is_null()) << det;
      EXPECT_EQ(strict.value_or(std::vector<RawBox>{}), RawBoxesOf(released)) << det;
      ++num_dets;
    }
  }
  EXPECT_EQ(num_dets, 33);
}

TEST(DetParserTest, LenientNotations) {
  const RawBox box = {1, 2, 3, 4};
  EXPECT_THAT(ParseBoxesLenient("  [[1,2,3,4]]"), ElementsAre(box));
  EXPECT_THAT(ParseBoxesLenient("[[1, 2], [3, 4]]"), ElementsAre(box)) << "point pair";
  EXPECT_THAT(ParseBoxesLenient("［［１，２，３，４］］"), ElementsAre(box)) << "full width";
  EXPECT_THAT(ParseBoxesLenient("【1、2、3、4】"), ElementsAre(box));
  EXPECT_THAT(ParseBoxesLenient("[[1 2 3 4"), IsEmpty()) << "the last number may be cut";
  EXPECT_THAT(ParseBoxesLenient("[[1,2,3,4],[5,6"), ElementsAre(box));
  EXPECT_THAT(ParseBoxesLenient("[[(1,2),(3,4)]]"), ElementsAre(box));
  EXPECT_THAT(ParseBoxesLenient("[[1.5.7, 2, 3]]"), ElementsAre(RawBox{1.5, 7, 2, 3}));
  EXPECT_THAT(ParseBoxesLenient("[[1,2],[9],[3,4]]"), IsEmpty()) << "points that do not follow";
  EXPECT_THAT(ParseBoxesLenient("[[1,2],[3,4],[5,6]]"), ElementsAre(box)) << "an odd point";
  EXPECT_THAT(ParseBoxesLenient("1,2,3,4"), IsEmpty());
  EXPECT_THAT(ParseBoxesLenient("\xEF\xBC"), IsEmpty()) << "half a character";
}

TEST(DetParserTest, HugeNumbersAndManyBoxesAreCut) {
  const std::string huge(1000, '9');
  EXPECT_THAT(ParseBoxesLenient("[-" + huge + "," + huge + ",1,1e5]"), IsEmpty());
  EXPECT_THAT(ParseBoxesLenient("[-" + huge + "," + huge + ",1,99999999999]"),
              ElementsAre(RawBox{-1e9, 1e9, 1, 1e9}));
  std::string many;
  for (size_t i = 0; i < kMaxBoxesPerBlock + 5; ++i) many += "[1,2,3,4],";
  EXPECT_EQ(ParseBoxesLenient(many).size(), kMaxBoxesPerBlock);
  EXPECT_EQ(ParseBoxesStrict(many)->size(), kMaxBoxesPerBlock);
}

TEST(DetParserTest, StrictIsWhatPythonWouldEvaluate) {
  const RawBox box = {1, 2, 3, 4};
  EXPECT_THAT(*ParseBoxesStrict(" ([1, 2, 3, +4],) "), ElementsAre(box));
  EXPECT_THAT(*ParseBoxesStrict("[1,2,3,4],(1,2,3,4)"), ElementsAre(box, box));
  EXPECT_THAT(*ParseBoxesStrict("([[1,2,3,4]])"), ElementsAre(box)) << "parentheses, no tuple";
  EXPECT_THAT(*ParseBoxesStrict("[[1,2,(3),4,],[1,2],[1,2,3,4]]"), ElementsAre(box));
  EXPECT_THAT(*ParseBoxesStrict("7"), IsEmpty());
  EXPECT_THAT(*ParseBoxesStrict("[[[1],2,3,4]]"), IsEmpty());
  for (const char* bad : {"[,]", "[1,,2]", "[[1,2,3,4]", "[1 2]", "[07]", "[x]", "[1]]", "", "-",
                          "[--1]", "__import__('os')", "[1,2,3,4", "(1,2]"}) {
    EXPECT_FALSE(ParseBoxesStrict(bad).has_value()) << bad;
  }
}

TEST(DetParserTest, DepthIsLimited) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(ParseNumberLiteral(nested(16)).has_value());
  EXPECT_FALSE(ParseNumberLiteral(nested(17)).has_value());
  EXPECT_FALSE(ParseNumberLiteral(nested(1000000)).has_value());
}

TEST(DetParserTest, ExtentEndsWithItsBracketsOrAtText) {
  EXPECT_EQ(DetExtent("[[1, 2, 3, 4]]\n5 apples"), 14U);
  EXPECT_EQ(DetExtent("[[1, 2, 3, 4]<|ref|>"), 13U);
  EXPECT_EQ(DetExtent("[1, 2"), 5U);
  EXPECT_EQ(DetExtent("words [1]"), 0U);
}

}  // namespace
}  // namespace mao
