#include "serve/graphql/scalars.h"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao::graphql {
namespace {

// The value as it comes out, or the error's message.
std::string Parsed(const ScalarCodecs& codecs, const char* name, const Json& value) {
  const auto result = codecs.find(name)->second.parse(value);
  return result.ok() ? DumpJson(*result) : result.status().message();
}

TEST(ScalarsTest, IntsHave32Bits) {
  const auto& builtin = BuiltinScalars();
  EXPECT_EQ(Parsed(builtin, "Int", 2147483647), "2147483647");
  EXPECT_EQ(Parsed(builtin, "Int", -2147483648LL), "-2147483648");
  EXPECT_EQ(Parsed(builtin, "Int", 5.0), "5");
  EXPECT_EQ(Parsed(builtin, "Int", 2147483648LL),
            "Int cannot represent non 32-bit signed integer value: 2147483648");
  EXPECT_EQ(Parsed(builtin, "Int", 1e300),
            "Int cannot represent non 32-bit signed integer value: 1e+300");
  EXPECT_EQ(Parsed(builtin, "Int", std::numeric_limits<uint64_t>::max()),
            "Int cannot represent non 32-bit signed integer value: 18446744073709551615");
  EXPECT_EQ(Parsed(builtin, "Int", 0.5), "Int cannot represent non-integer value: 0.5");
  EXPECT_EQ(Parsed(builtin, "Int", "1"), "Int cannot represent non-integer value: \"1\"");
}

TEST(ScalarsTest, FloatsAreFinite) {
  EXPECT_EQ(Parsed(BuiltinScalars(), "Float", 3), "3");
  EXPECT_EQ(Parsed(BuiltinScalars(), "Float", std::numeric_limits<double>::infinity()),
            "Float cannot represent non numeric value: null");
}

TEST(ScalarsTest, IdsAreStringsOrWholeNumbers) {
  EXPECT_EQ(Parsed(BuiltinScalars(), "ID", "a"), "\"a\"");
  EXPECT_EQ(Parsed(BuiltinScalars(), "ID", 7), "\"7\"");
  EXPECT_EQ(Parsed(BuiltinScalars(), "ID", 1.5), "ID cannot represent value: 1.5");
}

TEST(ScalarsTest, LongsHave64Bits) {
  EXPECT_EQ(Parsed(CommonScalars(), "Long", std::numeric_limits<int64_t>::min()),
            "-9223372036854775808");
  EXPECT_EQ(Parsed(CommonScalars(), "Long", 9223372036854775808.0),
            "Long cannot represent value: 9.223372036854776e+18");
}

TEST(ScalarsTest, Base64HasAnAlphabetAndPadding) {
  for (const char* good : {"", "YQ==", "YWI=", "YWJj", "+/8="}) {
    EXPECT_EQ(Parsed(CommonScalars(), "Base64", good), "\"" + std::string(good) + "\"");
  }
  for (const char* bad : {"Y", "YQ=", "YQ", "====", "Y===", "YQ==YQ==", "Y-_=", "YW Jj", "YWJ\n"}) {
    EXPECT_NE(Parsed(CommonScalars(), "Base64", bad), "\"" + std::string(bad) + "\"") << bad;
  }
}

TEST(ScalarsTest, ShowsValuesShort) {
  EXPECT_EQ(InspectJson(Json::parse(R"({"a": [1.0, {"b": [2]}], "c": "x"})")),
            "{ a: [1, [Object]], c: \"x\" }");
  EXPECT_EQ(InspectJson(Json(std::vector<int>(12, 1))),
            "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ... 2 more items]");
  EXPECT_LT(InspectJson(Json(std::string(100'000, 'x'))).size(), 250u);
}

}  // namespace
}  // namespace mao::graphql
