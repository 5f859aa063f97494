#include "ocr/markdown.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ocr/grounding_cases.h"

namespace mao {
namespace {

std::string Clean(const std::string& raw, const MarkdownOptions& options = {}) {
  return CleanMarkdown(raw, ParseGrounding(raw), options);
}

void CompareWithFixture(const std::string& key, const MarkdownOptions& options,
                        const std::map<std::string, std::string>& on_purpose) {
  size_t num_on_purpose = 0;
  for (const auto& c : GroundingCases()) {
    const std::string markdown = Clean(c["raw"], options);
    const auto other = on_purpose.find(c["name"]);
    if (other == on_purpose.end()) {
      EXPECT_EQ(markdown, c[key].get<std::string>()) << c["name"];
    } else {
      EXPECT_EQ(markdown, other->second) << c["name"];
      EXPECT_NE(markdown, c[key].get<std::string>()) << "no longer a difference: " << c["name"];
      ++num_on_purpose;
    }
  }
  EXPECT_EQ(num_on_purpose, on_purpose.size());
}

TEST(MarkdownTest, EqualsTheImageScriptButForItsSlips) {
  CompareWithFixture("markdown_image_script", {},
                     {{"same-image-twice",
                       "![](images/0.jpg)\n\nA\n![](images/1.jpg)\n\nB\n![](images/2.jpg)\n\nC"},
                      {"operators-without-block", "\\[ a := b \\quad (3) \\]\n\n\n\nend"}});
}

TEST(MarkdownTest, EqualsThePdfScriptButForItsSlips) {
  CompareWithFixture(
      "markdown_pdf_script_page0", {.page = 0, .collapse_blank_lines = true},
      {{"same-image-twice",
        "![](images/0_0.jpg)\n\nA\n![](images/0_1.jpg)\n\nB\n![](images/0_2.jpg)\n\nC"},
       {"operators-without-block", "\\[ a := b \\quad (3) \\]\n\nend"}});
}

TEST(MarkdownTest, APictureWithoutABoxGetsNoLinkAndNoNumber) {
  EXPECT_EQ(Clean("<|ref|>image<|/ref|><|det|>none<|/det|>\na\n"
                  "<|ref|>image<|/ref|><|det|>[[1,2,3,4]]<|/det|>b"),
            "\na\n![](images/0.jpg)\nb");
}

TEST(MarkdownTest, OperatorsAtTheEdges) {
  EXPECT_EQ(Clean("\\coloneqq\\eqqcolon\\\\coloneq\\"), ":==:\\\\coloneq\\");
}

TEST(MarkdownTest, LargePageNumbersAreKept) {
  EXPECT_EQ(FigurePath({.page = 12}, 3), "images/12_3.jpg");
  EXPECT_EQ(FigurePath({}, 3), "images/3.jpg");
  EXPECT_EQ(FigurePath({.page = 12, .figure_names = FigureNames::kFlat}, 3), "img-12-3.jpeg");
}

TEST(MarkdownTest, EveryPageIsFollowedByTheSplit) {
  EXPECT_EQ(JoinPages(std::vector<std::string>{"a", "b"}),
            "a\n\n<--- Page Split --->\nb\n\n<--- Page Split --->\n");
  EXPECT_EQ(JoinPages({}), "");
}

}  // namespace
}  // namespace mao
