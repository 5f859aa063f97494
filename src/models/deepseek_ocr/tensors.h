// The tensors of a DeepSeek-OCR checkpoint.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_TENSORS_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_TENSORS_H_

#include "models/deepseek_ocr/config.h"
#include "models/model_tensors.h"

namespace mao::deepseek_ocr {

// Name and shape of every tensor that a checkpoint of this configuration holds, 2,710 of them for
// the released one, and its linear layers. Not among these are the convolutions, which are brought
// into another order when they are loaded.
ModelTensors Tensors(const Config& config);

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_TENSORS_H_
