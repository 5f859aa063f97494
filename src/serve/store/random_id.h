// Names that cannot be guessed, from libcrypto's generator.
#ifndef MAOOCR_SERVE_STORE_RANDOM_ID_H_
#define MAOOCR_SERVE_STORE_RANDOM_ID_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

// `prefix` and 128 random bits as 32 lower-case hex digits. Unavailable when the generator fails.
Result<std::string> RandomId(std::string_view prefix);

std::string HexOf(std::span<const uint8_t> bytes);

}  // namespace mao

#endif  // MAOOCR_SERVE_STORE_RANDOM_ID_H_
