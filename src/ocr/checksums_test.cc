#include "ocr/checksums.h"

#include <string>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(ChecksumsTest, Ibans) {
  // Examples of the IBAN registry.
  for (const char* iban : {"DE89370400440532013000", "GB29NWBK60161331926819", "NO9386011117947",
                           "FR1420041010050500013M02606", "MT84MALT011000012345MTLCAST001S",
                           "SA0380000000608010167519", "CH9300762011623852957"}) {
    EXPECT_TRUE(IsIban(iban)) << iban;
    std::string wrong = iban;
    wrong.back() = wrong.back() == '1' ? '2' : '1';
    EXPECT_FALSE(IsIban(wrong)) << wrong;
  }
  for (const char* text : {"", "DE", "DE89", "DE893704004405320130001", "XX89370400440532013000",
                           "DE89 3704 0044 0532 0130 0", "de89370400440532013000"}) {
    EXPECT_FALSE(IsIban(text)) << text;
  }
}

TEST(ChecksumsTest, CardNumbers) {
  for (const char* number : {"4111111111111111", "5555555555554444", "378282246310005",
                             "6011111111111117", "3530111333300000", "6200000000000005",
                             "2223003122003222", "30569309025904", "6205500000000000004"}) {
    EXPECT_TRUE(IsCardNumber(number)) << number;
  }
  for (const char* number : {"4111111111111112", "1111111111111117", "411111111111",
                             "0000000000000000", "4111 1111 1111 1111", ""}) {
    EXPECT_FALSE(IsCardNumber(number)) << number;
  }
}

TEST(ChecksumsTest, ChineseResidentIds) {
  EXPECT_TRUE(IsChineseResidentId("11010519491231002X"));  // the standard's example
  EXPECT_TRUE(IsChineseResidentId("11010519491231002x"));
  EXPECT_TRUE(IsChineseResidentId("440524188001010014"));  // the standard's example
  EXPECT_FALSE(IsChineseResidentId("110105194912310021"));
  EXPECT_FALSE(IsChineseResidentId("11010519491331002X"));  // month 13
  EXPECT_FALSE(IsChineseResidentId("110105194912310"));
  EXPECT_FALSE(IsChineseResidentId("1101051949123100XX"));
}

}  // namespace
}  // namespace mao
