// The fixture pages of the embedded model.
#ifndef MAOOCR_TESTS_E2E_TEST_PAGES_H_
#define MAOOCR_TESTS_E2E_TEST_PAGES_H_

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "vision/decode.h"

namespace mao {

inline std::string TestPagePath(const std::string& name) {
  return std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/maoocr-tiny/" + name;
}

inline std::shared_ptr<const Image> LoadTestPage(const std::string& name) {
  const auto file = MappedFile::Open(TestPagePath(name));
  if (!file.ok()) std::abort();
  auto image = DecodeImage(file->bytes(), name);
  if (!image.ok()) std::abort();
  return std::make_shared<const Image>(std::move(image).value());
}

// What the reference implementation reads on the page.
inline std::string TestPageText(const std::string& name) {
  std::ifstream in(TestPagePath(name));
  return nlohmann::json::parse(in).at("output");
}

}  // namespace mao

#endif  // MAOOCR_TESTS_E2E_TEST_PAGES_H_
