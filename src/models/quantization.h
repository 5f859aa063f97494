// Integer formats for the weights of language models.
#ifndef MAOOCR_MODELS_QUANTIZATION_H_
#define MAOOCR_MODELS_QUANTIZATION_H_

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace mao {

// kInt8 and kInt4 are the formats of kernels/dot/packed_weights.h. With kInt4 attention and the
// head keep 8 bits. Norms, embeddings, routers and vision towers are not quantised.
enum class Quantization : uint8_t { kNone, kInt8, kInt4 };

// none, int8, int4.
std::string_view Name(Quantization quantization);
// Errors: InvalidArgument that lists the known names.
Result<Quantization> ParseQuantization(std::string_view name);

}  // namespace mao

#endif  // MAOOCR_MODELS_QUANTIZATION_H_
