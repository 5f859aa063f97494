#include "ocr/key_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<KeyValue> Found(const std::vector<std::string>& texts) {
  std::vector<PageBlock> blocks;
  for (const std::string& text : texts) blocks.emplace_back().text = text;
  return FindKeyValues(blocks);
}

TEST(KeyValuesTest, Lines) {
  EXPECT_THAT(Found({"Invoice No: 42\n- **Date:** 2024-01-15\n## Total : $ 7.00\nfree text"}),
              ElementsAre(KeyValue{"Invoice No", "42"}, KeyValue{"Date", "2024-01-15"},
                          KeyValue{"Total", "$ 7.00"}));
  EXPECT_THAT(
      Found({"发票号码：12345678\n开票日期： 2024年1月15日 10:30"}),
      ElementsAre(KeyValue{"发票号码", "12345678"}, KeyValue{"开票日期", "2024年1月15日 10:30"}));
}

TEST(KeyValuesTest, WhatIsNoPair) {
  EXPECT_THAT(Found({"10:30", "https://example.org/x", "Key:", ": value", "no pair at all", "",
                     std::string(kMaxKeyBytes + 1, 'k') + ": v"}),
              IsEmpty());
}

TEST(KeyValuesTest, TablesOfTwoColumns) {
  EXPECT_THAT(
      Found({"before: 1 <table><tr><td>Name:</td><td>Mao</td></tr><tr><td>合计：</td><td>￥5</td>"
             "</tr><tr><td>empty</td><td></td></tr></table>\nafter: 2"}),
      ElementsAre(KeyValue{"before", "1"}, KeyValue{"Name", "Mao"}, KeyValue{"合计", "￥5"},
                  KeyValue{"after", "2"}));
}

TEST(KeyValuesTest, CellsOfOtherTablesMayHoldLines) {
  EXPECT_THAT(
      Found({"<table><tr><td>Name: Mao</td><td>Age: 7<br>City: X</td><td>z</td></tr></table>"}),
      ElementsAre(KeyValue{"Name", "Mao"}, KeyValue{"Age", "7"}, KeyValue{"City", "X"}));
}

TEST(KeyValuesTest, TheFirstOfEqualKeysStays) {
  EXPECT_THAT(Found({"Total: 1", "TOTAL : 2"}), ElementsAre(KeyValue{"Total", "1"}));
}

}  // namespace
}  // namespace mao
