#include "serve/api/base64.h"

#include <random>

#include <gtest/gtest.h>

namespace mao {
namespace {

// The examples of RFC 4648, section 10.
TEST(Base64Test, ExamplesOfTheRfc) {
  const std::pair<const char*, const char*> kExamples[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kExamples) {
    EXPECT_EQ(EncodeBase64(bytes), text);
    EXPECT_EQ(*DecodeBase64(text), bytes);
  }
}

TEST(Base64Test, RandomBytesComeBack) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(*DecodeBase64(EncodeBase64(bytes)), bytes);
  }
}

TEST(Base64Test, ToleratesWhatClientsWrite) {
  EXPECT_EQ(*DecodeBase64("Zm9v\r\nYmFy\n"), "foobar");
  EXPECT_EQ(*DecodeBase64("Zg"), "f");
  EXPECT_EQ(*DecodeBase64("-_-_"), *DecodeBase64("+/+/"));
}

TEST(Base64Test, WrongTextsAreErrors) {
  for (const char* text : {"Zm9v!", "Z", "Zm9vY", "Zg==Zg==", "Zm\x80v"}) {
    EXPECT_EQ(DecodeBase64(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_NE(DecodeBase64("Zm9v!").status().message().find("byte 4"), std::string::npos);
}

TEST(Base64Test, DataUris) {
  EXPECT_EQ(*DecodeDataUri("data:image/png;base64,Zm9v"), "foo");
  EXPECT_EQ(*DecodeDataUri("data:;base64,Zm9v"), "foo");
  for (const char* uri : {"data:image/png,Zm9v", "data:image/png;base64", "http://a/", ""}) {
    EXPECT_FALSE(DecodeDataUri(uri).ok()) << uri;
  }
}

}  // namespace
}  // namespace mao
