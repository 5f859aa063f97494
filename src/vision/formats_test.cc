// The rarer kinds of each format: tests/fixtures/preproc/formats, made by make.py there, which also
// recorded what Pillow decodes them to.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vision/test_support.h"

namespace mao {
namespace {

const nlohmann::json& Expected() {
  static const auto expected = nlohmann::json::parse(ReadFixture("formats/formats.json"));
  return expected;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& [name, unused] : Expected().items()) names.push_back(name);
  return names;
}

class FormatsTest : public testing::TestWithParam<std::string> {};

TEST_P(FormatsTest, DecodesAsPillowDoes) {
  const auto& expected = Expected()[GetParam()];
  const Image image = DecodeFixture("formats/" + GetParam());
  EXPECT_EQ(image.width, expected["size_wh"][0].get<int>());
  EXPECT_EQ(image.height, expected["size_wh"][1].get<int>());
  EXPECT_EQ(Sha256Hex(image), expected["rgb_sha256"].get<std::string>());
}

std::string TestName(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (c == '.' || c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, FormatsTest, testing::ValuesIn(Names()), TestName);

TEST(FormatsTableTest, AllFilesAreThere) { EXPECT_EQ(Names().size(), 65u); }

}  // namespace
}  // namespace mao
