#include "ocr/text_match.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(TextMatchTest, FoldsWidthCaseAndSpace) {
  EXPECT_EQ(FoldText("  Total \n\t DUE "), "total due");
  EXPECT_EQ(FoldText("ＡＢＣ　１２３"), "abc 123");
  EXPECT_EQ(FoldText("发票　号码"), "发票 号码");
  EXPECT_EQ(FoldText("ﬁne"), "fine");
  EXPECT_EQ(FoldText("a\xFF b"), "a\xEF\xBF\xBD b");
  EXPECT_EQ(FoldText(""), "");
}

TEST(TextMatchTest, KeysLosePunctuation) {
  EXPECT_EQ(FoldKey("Invoice No.:"), "invoiceno");
  EXPECT_EQ(FoldKey("invoice_no"), "invoiceno");
  EXPECT_EQ(FoldKey("发票 号码："), "发票号码");
  EXPECT_EQ(FoldKey("Tax %"), "tax%");
  EXPECT_EQ(FoldKey(" .-_ 。"), "");
}

}  // namespace
}  // namespace mao
