#include "vision/normalize.h"

#include <cstddef>

namespace mao {

std::array<float, 256> MakeNormalizationTable(float mean, float stddev) {
  std::array<float, 256> table;
  for (size_t value = 0; value < table.size(); ++value) {
    const float unit = static_cast<float>(value) / 255.0f;
    table[value] = (unit - mean) / stddev;
  }
  return table;
}

const std::array<float, 256>& HalfRangeTable() {
  static const std::array<float, 256> table = MakeNormalizationTable(0.5f, 0.5f);
  return table;
}

}  // namespace mao
