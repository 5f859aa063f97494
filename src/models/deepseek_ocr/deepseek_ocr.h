// DeepSeek-OCR (arXiv 2510.18234) as a Model.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_DEEPSEEK_OCR_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_DEEPSEEK_OCR_H_

#include <memory>
#include <string_view>

#include "models/registry.h"

namespace mao {

Result<std::unique_ptr<Model>> LoadDeepseekOcr(const Checkpoint& checkpoint,
                                               const LoadOptions& options, ThreadPool& pool);

Result<ModelTensors> DeepseekOcrTensors(std::string_view config_json, std::string_view name);

}  // namespace mao

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_DEEPSEEK_OCR_H_
