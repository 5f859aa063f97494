#include "serve/store/key_hash.h"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "serve/store/test_store.h"

namespace mao {
namespace {

TEST(KeyHashTest, IsSha256OfTheKey) {
  // As `printf %s mao_0123456789abcdef | sha256sum` prints it.
  EXPECT_EQ(ValueOf(ApiKeyHash::OfKey("mao_0123456789abcdef")).ToString(),
            "sha256:75158ba68672df95e04401cfa53f53c1a68b29bb023f24f961a7b848a6ebeb43");
  EXPECT_EQ(ValueOf(ApiKeyHash::OfKey("mao_0123456789abcdef")).Id(), "75158ba6");
}

TEST(KeyHashTest, ReadsWhatItWrites) {
  const ApiKeyHash hash = ValueOf(ApiKeyHash::OfKey("a-key-of-twenty-and-more"));
  EXPECT_EQ(ValueOf(ApiKeyHash::Parse(hash.ToString(), "api_keys[0]")).ToString(), hash.ToString());
}

TEST(KeyHashTest, UpperCaseDigitsAreTheSameHash) {
  std::string text = ValueOf(ApiKeyHash::OfKey("a-key-of-twenty-and-more")).ToString();
  const std::string lower = text;
  std::transform(text.begin() + 7, text.end(), text.begin() + 7,
                 [](char c) { return static_cast<char>(std::toupper(c)); });
  EXPECT_EQ(ValueOf(ApiKeyHash::Parse(text, "api_keys[0]")).ToString(), lower);
}

TEST(KeyHashTest, RefusesWhatIsNoHashAndDoesNotRepeatIt) {
  for (const std::string text :
       {"", "sha256:", "my-secret-key-in-the-wrong-place", "sha256:12", "sha512:00"}) {
    const auto parsed = ApiKeyHash::Parse(text, "api_keys[3]");
    ExpectError(parsed.status(), StatusCode::kInvalidArgument, "api_keys[3]");
    if (text.size() > 10) {
      EXPECT_EQ(parsed.status().message().find(text), std::string::npos);
    }
  }
  const std::string bad_digit = "sha256:" + std::string(63, 'a') + "g";
  EXPECT_FALSE(ApiKeyHash::Parse(bad_digit, "key").ok());
  EXPECT_FALSE(ApiKeyHash::Parse("sha256:" + std::string(65, 'a'), "key").ok());
}

TEST(KeyHashTest, RefusesShortLongAndInvisibleKeys) {
  ExpectError(ApiKeyHash::OfKey(std::string(19, 'x')).status(), StatusCode::kInvalidArgument,
              "19 characters; allowed are 20 to 512");
  EXPECT_TRUE(ApiKeyHash::OfKey(std::string(20, 'x')).ok());
  EXPECT_TRUE(ApiKeyHash::OfKey(std::string(512, 'x')).ok());
  EXPECT_FALSE(ApiKeyHash::OfKey(std::string(513, 'x')).ok());
  ExpectError(ApiKeyHash::OfKey("twenty characters with spaces").status(),
              StatusCode::kInvalidArgument, "visible ASCII");
}

TEST(KeyHashTest, GeneratedKeysAreLongDistinctAndAccepted) {
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    const std::string key = ValueOf(GenerateApiKey());
    EXPECT_EQ(key.size(), 47u);
    EXPECT_TRUE(key.starts_with("mao_"));
    EXPECT_EQ(key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-_"),
              std::string::npos);
    EXPECT_TRUE(ApiKeyHash::OfKey(key).ok());
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 100u);
}

TEST(ApiKeyTableTest, FindsEachKeyAndNoOther) {
  std::vector<std::string> keys;
  std::vector<ApiKeyHash> hashes;
  for (int i = 0; i < 5; ++i) {
    keys.push_back(ValueOf(GenerateApiKey()));
    hashes.push_back(ValueOf(ApiKeyHash::OfKey(keys.back())));
  }
  const ApiKeyTable table = ValueOf(ApiKeyTable::Create(hashes));
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(table.Find(keys[i]), i);
  EXPECT_EQ(table.Find(ValueOf(GenerateApiKey())), std::nullopt);
  EXPECT_EQ(table.Find(""), std::nullopt);
  EXPECT_EQ(table.Find(keys[0].substr(1)), std::nullopt);
  EXPECT_EQ(ValueOf(ApiKeyTable::Create({})).Find(keys[0]), std::nullopt);
}

TEST(ApiKeyTableTest, RefusesTwoKeysWithOneId) {
  const ApiKeyHash one = ValueOf(ApiKeyHash::Parse("sha256:" + std::string(64, 'a'), "one"));
  const ApiKeyHash two =
      ValueOf(ApiKeyHash::Parse("sha256:" + std::string(8, 'a') + std::string(56, 'b'), "two"));
  ExpectError(ApiKeyTable::Create({one, two}).status(), StatusCode::kInvalidArgument, "aaaaaaaa");
}

}  // namespace
}  // namespace mao
