#include "text/unicode_form.h"

#include <string>

#include <gtest/gtest.h>

namespace mao {
namespace {

std::string To(UnicodeForm form, const std::string& text) {
  const Result<std::string> result = ToUnicodeForm(text, form);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? *result : "";
}

TEST(UnicodeFormTest, Forms) {
  const std::string text = "\u1E9B\u0323";  // the example of figure 6 in UAX 15
  EXPECT_EQ(To(UnicodeForm::kNfc, text), "\u1E9B\u0323");
  EXPECT_EQ(To(UnicodeForm::kNfd, text), "\u017F\u0323\u0307");
  EXPECT_EQ(To(UnicodeForm::kNfkc, text), "\u1E69");
  EXPECT_EQ(To(UnicodeForm::kNfkd, text), "s\u0323\u0307");
}

TEST(UnicodeFormTest, ComposesAndReorders) {
  EXPECT_EQ(To(UnicodeForm::kNfc, "cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(To(UnicodeForm::kNfc, "a\u0301\u0323"), "\u1EA1\u0301");
  EXPECT_EQ(To(UnicodeForm::kNfc, "\u1112\u1161\u11AB"), "\uD55C");
  EXPECT_EQ(To(UnicodeForm::kNfc, "\uD558\u11AB"), "\uD55C");
  EXPECT_EQ(To(UnicodeForm::kNfc, "\u304B\u3099"), "\u304C");
  EXPECT_EQ(To(UnicodeForm::kNfc, "\u212B\u0344"), "\u00C5\u0308\u0301");
  EXPECT_EQ(To(UnicodeForm::kNfkc, "\uFB01\u00BD\uFDFA").substr(0, 2), "fi");
  EXPECT_EQ(To(UnicodeForm::kNfc, ""), "");
}

TEST(UnicodeFormTest, ManyMarksTakeNoQuadraticTime) {
  std::string marks;
  std::string sorted;
  constexpr int kPairs = 400'000;
  for (int i = 0; i < kPairs; ++i) marks += "\u0302\u0323";
  for (int i = 0; i < kPairs; ++i) sorted += "\u0323";
  for (int i = 0; i < kPairs; ++i) sorted += "\u0302";
  EXPECT_EQ(To(UnicodeForm::kNfd, "x" + marks), "x" + sorted);
}

}  // namespace
}  // namespace mao
