// Rounding to float16; the way back is ToFloat of dtype.h.
#ifndef MAOOCR_BASE_FLOAT16_H_
#define MAOOCR_BASE_FLOAT16_H_

#include <cmath>

#include "base/dtype.h"

namespace mao {

// To nearest, ties to even; what is too large becomes infinity. A float16 counts steps of 2^(e-10), e
// at least -14: its bits are (e + 14) << 10 plus the number of steps, subnormal or not.
inline Float16 ToFloat16(float value) {
  const int sign = std::signbit(value) ? 0x8000 : 0;
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return {static_cast<uint16_t>(sign + 0x7E00)};
  if (magnitude >= 65520.0f) return {static_cast<uint16_t>(sign + 0x7C00)};
  const int exponent = magnitude < 0x1p-14f ? -14 : std::ilogb(magnitude);
  const auto steps = std::lrint(std::ldexp(magnitude, 10 - exponent));
  return {static_cast<uint16_t>(sign + ((exponent + 14) << 10) + steps)};
}

}  // namespace mao

#endif  // MAOOCR_BASE_FLOAT16_H_
