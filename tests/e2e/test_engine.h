// The embedded model behind an engine, and its fixture pages.
#ifndef MAOOCR_TESTS_E2E_TEST_ENGINE_H_
#define MAOOCR_TESTS_E2E_TEST_ENGINE_H_

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "engine/engine.h"
#include "models/registry.h"
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

inline std::unique_ptr<Engine> MakeTestEngine(uint32_t max_num_seqs) {
  const auto checkpoint = Checkpoint::Open(std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny");
  if (!checkpoint.ok()) std::abort();
  ThreadPool pool;
  auto model = LoadModel(*checkpoint, {DefaultDType(*checkpoint)}, pool);
  if (!model.ok()) std::abort();
  EngineConfig config;
  config.dtype = DefaultDType(*checkpoint);
  config.max_num_seqs = max_num_seqs;
  auto engine = Engine::Create(std::move(model).value(), config);
  if (!engine.ok()) std::abort();
  return std::move(engine).value();
}

}  // namespace mao

#endif  // MAOOCR_TESTS_E2E_TEST_ENGINE_H_
