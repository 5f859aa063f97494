// For tests: the cases of tests/fixtures/grounding/cases.json.
#ifndef MAOOCR_OCR_GROUNDING_CASES_H_
#define MAOOCR_OCR_GROUNDING_CASES_H_

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ocr/boxes.h"

namespace mao {

inline nlohmann::json GroundingCases() {
  const std::string path = std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/grounding/cases.json";
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  return nlohmann::json::parse(in);
}

inline std::vector<RawBox> RawBoxesOf(const nlohmann::json& boxes) {
  std::vector<RawBox> out;
  for (const auto& b : boxes) out.push_back({b[0], b[1], b[2], b[3]});
  return out;
}

}  // namespace mao

#endif  // MAOOCR_OCR_GROUNDING_CASES_H_
