#include "serve/graphql/suggestion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao::graphql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SuggestionTest, FindsSimilarNames) {
  EXPECT_THAT(SimilarNames("naem", {"name", "names", "title"}), ElementsAre("name", "names"));
  EXPECT_THAT(SimilarNames("NAME", {"same", "name"}), ElementsAre("name", "same"));
  EXPECT_THAT(SimilarNames("x", {"name"}), IsEmpty());
  EXPECT_THAT(SimilarNames("", {"a", "ab"}), ElementsAre("a"));
  EXPECT_THAT(SimilarNames("page1x", {"page10", "page2"}), ElementsAre("page10", "page2"));
  EXPECT_THAT(SimilarNames("page", {"pages", "paged", "pag"}),
              ElementsAre("pag", "paged", "pages"));
  EXPECT_THAT(SimilarNames("p1a", {"p01a", "p1b"}), ElementsAre("p01a", "p1b"));
  EXPECT_THAT(SimilarNames("pagex", {"page10", "page9"}), ElementsAre("page9", "page10"));
  EXPECT_THAT(SimilarNames(std::string(1'000'000, 'x'), {"name"}), IsEmpty());
}

TEST(SuggestionTest, WordsTheQuestion) {
  EXPECT_EQ(DidYouMean({}), "");
  EXPECT_EQ(DidYouMean({"a"}), " Did you mean \"a\"?");
  EXPECT_EQ(DidYouMean({"a", "b"}, "the value"), " Did you mean the value \"a\" or \"b\"?");
  EXPECT_EQ(DidYouMean({"a", "b", "c", "d", "e", "f"}),
            " Did you mean \"a\", \"b\", \"c\", \"d\", or \"e\"?");
}

}  // namespace
}  // namespace mao::graphql
