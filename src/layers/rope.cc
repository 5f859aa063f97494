#include "layers/rope.h"

#include <cmath>

namespace mao {

Result<RopeTables> RopeTables::Create(int64_t head_dim, int64_t max_positions, double theta) {
  RopeTables tables;
  const int64_t half = head_dim / 2;
  MAO_RETURN_IF_ERROR(tables.cos.Reserve(max_positions, half));
  MAO_RETURN_IF_ERROR(tables.sin.Reserve(max_positions, half));
  for (int64_t i = 0; i < half; ++i) {
    const auto exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    const auto inverse = 1.0f / static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
    for (int64_t position = 0; position < max_positions; ++position) {
      const float angle = static_cast<float>(position) * inverse;
      tables.cos.row(position)[i] = std::cos(angle);
      tables.sin.row(position)[i] = std::sin(angle);
    }
  }
  return tables;
}

}  // namespace mao
