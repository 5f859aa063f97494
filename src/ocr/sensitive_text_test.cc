#include "ocr/sensitive_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "kind:text" of everything found.
std::vector<std::string> Found(const std::string& text) {
  std::vector<std::string> found;
  for (const SensitiveSpan& span : FindSensitiveText(text)) {
    found.push_back(std::string(SensitiveKindName(span.kind)) + ":" +
                    text.substr(span.begin, span.end - span.begin));
  }
  return found;
}

TEST(SensitiveTextTest, EmailAddresses) {
  EXPECT_THAT(Found("Write to <jane.doe+x@mail.example.co.uk>, or a@b.de."),
              ElementsAre("email:jane.doe+x@mail.example.co.uk", "email:a@b.de"));
  EXPECT_THAT(Found("邮箱：zhang_san@example.com。电话"),
              ElementsAre("email:zhang_san@example.com"));
  EXPECT_THAT(Found("ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
              ElementsAre("email:ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ"));
  EXPECT_THAT(Found("@home, me@home, a@.com, a@b.c, a@b..com @ 3.50"), IsEmpty());
}

TEST(SensitiveTextTest, PhoneNumbers) {
  for (const char* number :
       {"+49 30 901820", "+86 138-1234-5678", "+1 (212) 555-0198", "(212) 555-0198", "212-555-0198",
        "1-800-555-0199", "13812345678", "138 1234 5678", "86 13812345678", "010-12345678",
        "(0755) 2345 6789", "400-820-8820", "01 23 45 67 89", "030/9018 2000"}) {
    EXPECT_THAT(Found("Tel. " + std::string(number) + "."),
                ElementsAre("phone:" + std::string(number)))
        << number;
  }
  EXPECT_THAT(Found("电话：13812345678，传真：０１０－１２３４５６７８"),
              ElementsAre("phone:13812345678", "phone:０１０－１２３４５６７８"));
}

TEST(SensitiveTextTest, WhatIsNoPhoneNumber) {
  for (const char* text : {"2024-01-15", "15.01.2024", "01.02.2024 10:30", "3.14159265358",
                           "1,234,567,890", "978-3-16-148410-0", "0-306-40615-2", "12345678901",
                           "AB-13812345678", "212 555 0198", "0.125 375 625", "1 2 3 4 5 6 7 8 9",
                           "00000000000", "138123456789", "+12", "100 200 3000"}) {
    EXPECT_THAT(Found(text), IsEmpty()) << text;
  }
}

TEST(SensitiveTextTest, NumbersWithCheckDigits) {
  EXPECT_THAT(Found("IBAN DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111 08/27"),
              ElementsAre("iban:DE89 3704 0044 0532 0130 00", "credit_card:4111 1111 1111 1111"));
  EXPECT_THAT(Found("身份证号：11010519491231002X，银行卡６２００００００００００００５"),
              ElementsAre("id_number:11010519491231002X"));
  EXPECT_THAT(Found("身份证号１１０１０５１９４９１２３１００２Ｘ"),
              ElementsAre("id_number:１１０１０５１９４９１２３１００２Ｘ"));
  EXPECT_THAT(Found("DE89 3704 0044 0532 0130 01"), IsEmpty());
  EXPECT_THAT(Found("4111 1111 1111 1112"), IsEmpty());
  EXPECT_THAT(Found("110105194912310021"), IsEmpty());
  EXPECT_THAT(Found("X4111111111111111"), IsEmpty());
}

TEST(SensitiveTextTest, IpAddresses) {
  EXPECT_THAT(
      Found("from 192.168.0.1:8080 to 2001:db8::ff00:42:8329, ::1."),
      ElementsAre("ip_address:192.168.0.1", "ip_address:2001:db8::ff00:42:8329", "ip_address:::1"));
  EXPECT_THAT(Found("256.1.1.1, 1.2.3, 10:30:45, std::face, a: b, 12:34"), IsEmpty());
}

TEST(SensitiveTextTest, NoTwoOverlap) {
  EXPECT_THAT(Found("4111111111111111@example.com"),
              ElementsAre("email:4111111111111111@example.com"));
}

TEST(SensitiveTextTest, Redacted) {
  const std::string text = "Call 13812345678 or write to a@b.de!";
  EXPECT_EQ(RedactText(text, FindSensitiveText(text)), "Call [PHONE] or write to [EMAIL]!");
  EXPECT_EQ(RedactText("nothing", {}), "nothing");
}

TEST(SensitiveTextTest, LongRunsOfEveryKindEnd) {
  constexpr size_t kSize = 200'000;
  for (const char* piece : {"@", "a@", "1", "1 ", "1-", ":", "a:", ".", "+", "(", "DE89", "1.1."}) {
    std::string text;
    while (text.size() < kSize) text += piece;
    EXPECT_LE(FindSensitiveText(text).size(), kSize) << piece;
  }
}

}  // namespace
}  // namespace mao
