#include "ocr/page_result.h"

#include <string>

#include <gtest/gtest.h>

namespace mao {
namespace {

PageResult MakePage(std::string raw_text) {
  PageResult page;
  page.width = 1000;
  page.height = 2000;
  page.raw_text = std::move(raw_text);
  InterpretRawText({}, page);
  return page;
}

TEST(PageResultTest, FiguresAgreeWithTheLinks) {
  const PageResult page = MakePage(
      "<|ref|>image<|/ref|><|det|>[[10, 10, 200, 200], [300, 10, 500, 200]]<|/det|>\n"
      "<|ref|>text<|/ref|><|det|>[[0, 0, 9, 9]]<|/det|>t\n"
      "<|ref|>image<|/ref|><|det|>oops<|/det|>\n"
      "<|ref|>image<|/ref|><|det|>[[999, 999, 999, 999]]<|/det|>");
  EXPECT_EQ(page.markdown, "![](images/0.jpg)\n\nt\n\n![](images/1.jpg)\n");
  ASSERT_EQ(page.figures.size(), 2U);
  EXPECT_EQ(page.figures[0].path, "images/0.jpg");
  EXPECT_EQ(page.figures[0].block, 0);
  EXPECT_EQ(page.figures[0].box, (PixelBox{10, 20, 500, 400}));
  EXPECT_EQ(page.figures[1].path, "images/1.jpg");
  EXPECT_EQ(page.figures[1].block, 3);
  EXPECT_EQ(page.figures[1].box, (PixelBox{999, 1999, 1000, 2000}));
  EXPECT_EQ(page.blocks[3].figure, 1);
  EXPECT_EQ(page.blocks[2].figure, std::nullopt);
}

TEST(PageResultTest, InterpretingAgainReplaces) {
  PageResult page = MakePage("<|ref|>image<|/ref|><|det|>[[1, 1, 2, 2]]<|/det|>");
  page.raw_text = "plain";
  InterpretRawText({}, page);
  EXPECT_EQ(page.blocks.size(), 1U);
  EXPECT_TRUE(page.figures.empty());
  EXPECT_EQ(page.markdown, "plain");
}

TEST(PageResultTest, FinishReasonNames) {
  EXPECT_EQ(PageFinishName(PageFinish::kStop), "stop");
  EXPECT_EQ(PageFinishName(PageFinish::kLength), "length");
  EXPECT_EQ(PageFinishName(PageFinish::kRepetition), "repetition");
  EXPECT_EQ(PageFinishName(PageFinish::kCancelled), "cancelled");
  EXPECT_EQ(PageFinishName(PageFinish::kError), "error");
}

}  // namespace
}  // namespace mao
