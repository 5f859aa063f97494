#include "layers/position_table.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mao {
namespace {

// Catmull-Rom-like cubic, a = -0.5 (Keys 1981), the one of Pillow and of PyTorch's antialiased
// mode.
double Cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
  return 0.0;
}

struct Taps {
  int64_t first;
  std::vector<float> weights;
};

std::vector<Taps> BicubicTaps(int64_t n, int64_t new_n) {
  const double scale = static_cast<double>(n) / static_cast<double>(new_n);
  const double stretch = std::max(scale, 1.0);
  const double support = 2.0 * stretch;
  std::vector<Taps> taps;
  for (int64_t i = 0; i < new_n; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    // Cut, not rounded, below zero as well: as in the reference.
    // NOLINTBEGIN(bugprone-incorrect-roundings)
    const int64_t low = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
    const int64_t high = std::min<int64_t>(static_cast<int64_t>(centre + support + 0.5), n);
    // NOLINTEND(bugprone-incorrect-roundings)
    std::vector<double> weights;
    double sum = 0;
    for (int64_t j = low; j < high; ++j) {
      weights.push_back(Cubic((static_cast<double>(j) - centre + 0.5) / stretch));
      sum += weights.back();
    }
    Taps tap = {low, {}};
    for (const double weight : weights) tap.weights.push_back(static_cast<float>(weight / sum));
    taps.push_back(std::move(tap));
  }
  return taps;
}

// Applies taps along the middle axis of [outer, n, inner] -> [outer, new_n, inner].
void ResizeAxis(const float* source, int64_t outer, int64_t n, int64_t inner,
                const std::vector<Taps>& taps, float* target) {
  const auto new_n = static_cast<int64_t>(taps.size());
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < new_n; ++i) {
      float* out = target + (o * new_n + i) * inner;
      std::fill(out, out + inner, 0.0f);
      const Taps& tap = taps[static_cast<size_t>(i)];
      for (size_t t = 0; t < tap.weights.size(); ++t) {
        const float* in = source + (o * n + tap.first + static_cast<int64_t>(t)) * inner;
        for (int64_t c = 0; c < inner; ++c) out[c] += tap.weights[t] * in[c];
      }
    }
  }
}

}  // namespace

Result<FloatMatrix> ResizeGridBicubic(const FloatMatrix& source, int64_t side, int64_t new_side) {
  const int64_t channels = source.cols();
  FloatMatrix result;
  MAO_RETURN_IF_ERROR(result.Reserve(new_side * new_side, channels));
  if (side == new_side) {
    std::copy(source.data(), source.data() + side * side * channels, result.data());
    return result;
  }
  const std::vector<Taps> taps = BicubicTaps(side, new_side);
  FloatMatrix wide;
  MAO_RETURN_IF_ERROR(wide.Reserve(side * new_side, channels));
  ResizeAxis(source.data(), side, side, channels, taps, wide.data());
  ResizeAxis(wide.data(), 1, side, new_side * channels, taps, result.data());
  return result;
}

Result<FloatMatrix> ResizeRowsLinear(const FloatMatrix& source, int64_t new_n) {
  const int64_t n = source.rows();
  FloatMatrix result;
  MAO_RETURN_IF_ERROR(result.Reserve(new_n, source.cols()));
  const float scale = static_cast<float>(n) / static_cast<float>(new_n);
  for (int64_t i = 0; i < new_n; ++i) {
    const float x = std::max(0.0f, scale * (static_cast<float>(i) + 0.5f) - 0.5f);
    const int64_t low = std::min(static_cast<int64_t>(x), n - 1);
    const int64_t high = std::min(low + 1, n - 1);
    const float fraction = x - static_cast<float>(low);
    for (int64_t c = 0; c < source.cols(); ++c) {
      result.row(i)[c] = source.row(low)[c] * (1.0f - fraction) + source.row(high)[c] * fraction;
    }
  }
  return result;
}

}  // namespace mao
