// For tests: the cases of tests/fixtures/logits/<name>.jsonl.
#ifndef MAOOCR_ENGINE_SAMPLE_FIXTURE_LINES_H_
#define MAOOCR_ENGINE_SAMPLE_FIXTURE_LINES_H_

#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao {

inline std::vector<nlohmann::json> LogitsFixture(const std::string& name) {
  const std::string path =
      std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/logits/" + name + ".jsonl";
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  std::vector<nlohmann::json> cases;
  for (std::string line; std::getline(in, line);) cases.push_back(nlohmann::json::parse(line));
  EXPECT_FALSE(cases.empty()) << path;
  return cases;
}

// Numbers, or "-inf".
inline std::vector<float> FloatsOf(const nlohmann::json& array) {
  std::vector<float> values;
  for (const auto& value : array) {
    values.push_back(value.is_string() ? -std::numeric_limits<float>::infinity()
                                       : value.get<float>());
  }
  return values;
}

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_FIXTURE_LINES_H_
