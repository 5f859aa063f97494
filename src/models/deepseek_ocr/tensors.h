// The tensors of a DeepSeek-OCR checkpoint.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_TENSORS_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_TENSORS_H_

#include <vector>

#include "models/deepseek_ocr/config.h"
#include "weights/verify.h"

namespace mao::deepseek_ocr {

// Name and shape of every tensor that a checkpoint of this configuration holds: 2,710 of them for
// the released one.
std::vector<TensorSpec> Tensors(const Config& config);

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_TENSORS_H_
