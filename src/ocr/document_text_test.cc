#include "ocr/document_text.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

std::string Text(std::string raw_text) {
  PageResult page;
  page.width = page.height = 100;
  page.raw_text = std::move(raw_text);
  InterpretRawText({}, page);
  return PlainText(page.blocks);
}

std::string Block(const std::string& label, const std::string& text) {
  return "<|ref|>" + label + "<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n" + text + "\n\n";
}

TEST(DocumentTextTest, BlocksAreSeparatedByAnEmptyLine) {
  EXPECT_EQ(
      Text("lead " + Block("text", "one\ntwo ") + Block("image", "") + Block("text", "three")),
      "lead\n\none\ntwo\n\nthree");
  EXPECT_EQ(Text(""), "");
}

TEST(DocumentTextTest, HeadingsLoseTheirMarks) {
  EXPECT_EQ(Text(Block("title", "# Report") + Block("sub_title", "## 1 #1")), "Report\n\n1 #1");
  EXPECT_EQ(Text(Block("title", "#1 of 3")), "#1 of 3");
  EXPECT_EQ(Text(Block("text", "# not a heading")), "# not a heading");
  EXPECT_EQ(Text("# free text"), "# free text");
}

TEST(DocumentTextTest, TablesBecomeLinesAndTabs) {
  EXPECT_EQ(Text(Block("table",
                       "<table><tr><td>a</td><td colspan=\"2\">b &amp; c</td></tr>"
                       "<tr><td></td><td>d</td></tr></table>")),
            "a\tb & c\n\td");
  EXPECT_EQ(Text(Block("table", "<table><thead><tr><th>x</th></tr></thead></table>after")),
            "x\nafter");
  EXPECT_EQ(Text(Block("table", "<table><tr><td></td><td>b</td></tr></table>")), "\tb");
}

TEST(DocumentTextTest, WhatIsNoMarkupStays) {
  EXPECT_EQ(Text("a < b, <hypertext> &amp; <trunk> <td"), "a < b, <hypertext> &amp; <trunk> <td");
  EXPECT_EQ(Text(Block("image_caption", "<center>Figure 1</center>")), "Figure 1");
  EXPECT_EQ(Text("one<br/>two"), "one\ntwo");
}

}  // namespace
}  // namespace mao
