// The embedded model behind an engine.
#ifndef MAOOCR_TESTS_E2E_TEST_ENGINE_H_
#define MAOOCR_TESTS_E2E_TEST_ENGINE_H_

#include <cstdlib>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "models/registry.h"

namespace mao {

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
