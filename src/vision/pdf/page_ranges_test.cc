#include "vision/pdf/page_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<int> Selected(std::string_view text, int num_pages, int first_number = 1) {
  const auto ranges = ParsePageRanges(text, first_number);
  EXPECT_TRUE(ranges.ok()) << text;
  if (!ranges.ok()) return {};
  const auto pages = SelectPages(*ranges, num_pages, 100, first_number);
  EXPECT_TRUE(pages.ok()) << pages.status().message();
  return pages.ok() ? *pages : std::vector<int>();
}

TEST(PageRangesTest, NumbersAndRanges) {
  EXPECT_THAT(Selected("1-3,7", 9), ElementsAre(0, 1, 2, 6));
  EXPECT_THAT(Selected(" 2 - 3 , 5 ", 9), ElementsAre(1, 2, 4));
  EXPECT_THAT(Selected("8-", 9), ElementsAre(7, 8));
  EXPECT_THAT(Selected("", 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(Selected("0-1,4", 9, 0), ElementsAre(0, 1, 4));
}

TEST(PageRangesTest, EachPageOnceInTheOrderOfTheDocument) {
  EXPECT_THAT(Selected("5,1-3,2-4,5", 9), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Selected("3-,1-9", 9), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(PageRangesTest, RefusesWhatIsNoRange) {
  for (const char* text : {"0", "a", "1,", ",1", "1--2", "-3", "3-1", "1.5", "+1", "99999999999",
                           "1 2", "1;2", "1-0"}) {
    const auto ranges = ParsePageRanges(text);
    ASSERT_FALSE(ranges.ok()) << text;
    EXPECT_EQ(ranges.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(ranges.status().message(), HasSubstr("pages: expected numbers from 1")) << text;
  }
  std::string many = "1";
  for (size_t i = 0; i < kMaxPageRanges; ++i) many += ",1";
  EXPECT_THAT(ParsePageRanges(many).status().message(), HasSubstr("1024"));
}

TEST(PageRangesTest, NumbersInAList) {
  const int numbers[] = {4, 0};
  const auto ranges = PageRangesOf(numbers, 0);
  ASSERT_TRUE(ranges.ok());
  EXPECT_THAT(*SelectPages(*ranges, 5, 9, 0), ElementsAre(0, 4));
  EXPECT_THAT(PageRangesOf(numbers, 1).status().message(), HasSubstr("0 is no page"));
  EXPECT_THAT(*PageRangesOf({}, 0), IsEmpty());
}

TEST(PageRangesTest, MissingPagesMayBeSkipped) {
  const auto select = [](std::string_view text) {
    return SelectPages(*ParsePageRanges(text), 4, 9, 1, MissingPages::kSkip);
  };
  EXPECT_THAT(*select("9,3-7"), ElementsAre(2, 3));
  EXPECT_THAT(*select("7-,1"), ElementsAre(0));
  EXPECT_EQ(select("5-6,9").status().code(), StatusCode::kOutOfRange);
}

TEST(PageRangesTest, LimitsAreNamed) {
  const auto ranges = ParsePageRanges("2-5");
  const auto missing = SelectPages(*ranges, 4, 9);
  EXPECT_EQ(missing.status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(missing.status().message(), HasSubstr("no page 5; the document has 4"));
  EXPECT_THAT(SelectPages(*ranges, 9, 3).status().message(), HasSubstr("limit of 3 pages"));
  EXPECT_THAT(SelectPages({}, 2000, 1000).status().message(), HasSubstr("limit of 1000 pages"));
  EXPECT_EQ(SelectPages(*ranges, 9, 4)->size(), 4U);
  const auto beyond = ParsePageRanges("2147483647-");
  EXPECT_THAT(SelectPages(*beyond, 4, 9).status().message(), HasSubstr("no page 2147483647"));
}

}  // namespace
}  // namespace mao
