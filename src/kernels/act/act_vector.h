// Activations of one row, instantiated once per instruction set.
#ifndef MAOOCR_KERNELS_ACT_ACT_VECTOR_H_
#define MAOOCR_KERNELS_ACT_ACT_VECTOR_H_

#include "kernels/act/act_kernels.h"
#include "kernels/arch/vec_math.h"

namespace mao {
namespace {

template <typename Vec>
inline void SiluAndMulRow(const float* gate, const float* up, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 16) {
    (Swish(Vec::Load(gate + i), 1.0f) * Vec::Load(up + i)).Store(y + i);
  }
}

// visit(values from i on) for the whole vectors of a row, then for what is left of it, which `fill`
// completes; what visit returns replaces them in y.
template <typename Vec, typename Visit>
inline void ForEachVector(const float* x, int64_t n, float fill, float* y, const Visit& visit) {
  const int64_t whole = n / 16 * 16;
  for (int64_t i = 0; i < whole; i += 16) visit(Vec::Load(x + i)).Store(y + i);
  if (whole == n) return;
  alignas(64) float rest[16];
  for (int64_t i = 0; i < 16; ++i) rest[i] = whole + i < n ? x[whole + i] : fill;
  visit(Vec::Load(rest)).Store(rest);
  for (int64_t i = whole; i < n; ++i) y[i] = rest[i - whole];
}

template <typename Vec>
inline void SoftmaxRow(const float* x, int64_t n, float* y) {
  constexpr float kLowest = -3e38f;  // its weight is nothing beside that of the maximum
  const Vec log2e = Vec::Set1(kLog2E);
  Vec max = Vec::Set1(kLowest);
  ForEachVector<Vec>(x, n, kLowest, y, [&](Vec values) {
    max = Vec::Max(max, values);
    return values;
  });
  const Vec offset = Vec::Set1(-max.MaxLane()) * log2e;
  Vec sum = Vec::Zero();
  ForEachVector<Vec>(y, n, kLowest, y, [&](Vec values) {
    const Vec weights = Exp2(Vec::Fma(values, log2e, offset));
    sum = sum + weights;
    return weights;
  });
  const Vec total = Vec::Set1(sum.Sum());
  ForEachVector<Vec>(y, n, 0.0f, y, [&](Vec weights) { return weights / total; });
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ACT_ACT_VECTOR_H_
