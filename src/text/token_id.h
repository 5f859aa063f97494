#ifndef MAOOCR_TEXT_TOKEN_ID_H_
#define MAOOCR_TEXT_TOKEN_ID_H_

#include <cstdint>

namespace mao {

// A row of the embedding table; never negative in a vocabulary.
using TokenId = int32_t;
inline constexpr TokenId kNoToken = -1;

}  // namespace mao

#endif  // MAOOCR_TEXT_TOKEN_ID_H_
