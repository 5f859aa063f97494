// For tests, of this layer and those above: the embedded model and its fixture pages.
#ifndef MAOOCR_MODELS_TEST_MODEL_H_
#define MAOOCR_MODELS_TEST_MODEL_H_

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "models/registry.h"
#include "vision/decode.h"

namespace mao {

inline std::string FixturePath(const std::string& name) {
  return std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/maoocr-tiny/" + name;
}

inline std::unique_ptr<Model> LoadTestModel(DType dtype, ThreadPool& pool,
                                            Quantization quantization = Quantization::kNone) {
  auto checkpoint = Checkpoint::Open(std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny");
  if (!checkpoint.ok()) std::abort();
  auto model = LoadModel(*checkpoint, {dtype, quantization}, pool);
  if (!model.ok()) std::abort();
  return std::move(model).value();
}

inline std::shared_ptr<const Image> LoadTestImage(const std::string& name) {
  auto file = MappedFile::Open(FixturePath(name));
  if (!file.ok()) std::abort();
  auto image = DecodeImage(file->bytes(), name);
  if (!image.ok()) std::abort();
  return std::make_shared<const Image>(std::move(image).value());
}

}  // namespace mao

#endif  // MAOOCR_MODELS_TEST_MODEL_H_
