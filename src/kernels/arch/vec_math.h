// Elementary functions on Vec types, from fused multiply-adds alone, so that every instruction set
// gives the same bits.
#ifndef MAOOCR_KERNELS_ARCH_VEC_MATH_H_
#define MAOOCR_KERNELS_ARCH_VEC_MATH_H_

namespace mao {
namespace {

constexpr float kLog2E = 1.44269504f;

// e^x, relative error below 2e-7 for x in [-87, 88]; arguments outside are clamped to that range
// (e^-87 is 1.6e-38: zero for every sum a softmax takes).
// Cody-Waite reduction x = n ln2 + r, |r| <= ln2/2, then the degree-6 Taylor-like polynomial of
// Cephes' expf.
template <typename Vec>
inline Vec Exp(Vec x) {
  x = Vec::Min(Vec::Max(x, Vec::Set1(-87.0f)), Vec::Set1(88.0f));
  const Vec biased = Vec::Fma(x, Vec::Set1(kLog2E), Vec::Set1(12582912.0f));  // 1.5 * 2^23
  const Vec n = biased - Vec::Set1(12582912.0f);
  Vec r = Vec::Fma(n, Vec::Set1(-0.693359375f), x);
  r = Vec::Fma(n, Vec::Set1(2.12194440e-4f), r);
  Vec p = Vec::Set1(1.9875691500e-4f);
  p = Vec::Fma(p, r, Vec::Set1(1.3981999507e-3f));
  p = Vec::Fma(p, r, Vec::Set1(8.3334519073e-3f));
  p = Vec::Fma(p, r, Vec::Set1(4.1665795894e-2f));
  p = Vec::Fma(p, r, Vec::Set1(1.6666665459e-1f));
  p = Vec::Fma(p, r, Vec::Set1(5.0000001201e-1f));
  p = Vec::Fma(p, r * r, r + Vec::Set1(1.0f));
  return Vec::ScaleByPow2(p, biased);
}

// 2^x for x up to 1, relative error below 2e-7; smaller x than -126 count as that (the smallest
// normal number: zero for every sum a softmax takes). 2^0 is 1. The polynomial 1 + r q(r) has the
// least relative error on |r| <= 1/2 (Remez).
template <typename Vec>
inline Vec Exp2(Vec x) {
  x = Vec::Max(x, Vec::Set1(-126.0f));
  const Vec biased = x + Vec::Set1(12582912.0f);  // 1.5 * 2^23
  const Vec r = x - (biased - Vec::Set1(12582912.0f));
  Vec p = Vec::Set1(1.326472731e-3f);
  p = Vec::Fma(p, r, Vec::Set1(9.671512991e-3f));
  p = Vec::Fma(p, r, Vec::Set1(5.550733581e-2f));
  p = Vec::Fma(p, r, Vec::Set1(2.402224243e-1f));
  p = Vec::Fma(p, r, Vec::Set1(6.931470037e-1f));
  p = Vec::Fma(p, r, Vec::Set1(1.0f));
  return Vec::ScaleByPow2(p, biased);
}

// The nearest integer, ties to even, for |x| < 2^22.
template <typename Vec>
inline Vec RoundToInteger(Vec x) {
  const Vec shift = Vec::Set1(12582912.0f);  // 1.5 * 2^23
  return (x + shift) - shift;
}

// The error function, absolute error below 3e-7 (Abramowitz and Stegun 7.1.26).
template <typename Vec>
inline Vec Erf(Vec x) {
  const Vec magnitude = Vec::Abs(x);
  const Vec t = Vec::Set1(1.0f) / Vec::Fma(magnitude, Vec::Set1(0.3275911f), Vec::Set1(1.0f));
  Vec p = Vec::Set1(1.061405429f);
  p = Vec::Fma(p, t, Vec::Set1(-1.453152027f));
  p = Vec::Fma(p, t, Vec::Set1(1.421413741f));
  p = Vec::Fma(p, t, Vec::Set1(-0.284496736f));
  p = Vec::Fma(p, t, Vec::Set1(0.254829592f));
  const Vec tail = p * t * Exp(Vec::Zero() - magnitude * magnitude);
  return Vec::CopySign(Vec::Set1(1.0f) - tail, x);
}

// x * Phi(x), the exact GELU (Hendrycks and Gimpel 2016).
template <typename Vec>
inline Vec Gelu(Vec x) {
  const Vec half = x * Vec::Set1(0.5f);
  return Vec::Fma(half, Erf(x * Vec::Set1(0.70710678f)), half);
}

// x * sigmoid(scale * x): quick GELU with scale 1.702, SiLU with scale 1.
template <typename Vec>
inline Vec Swish(Vec x, float scale) {
  return x / (Vec::Set1(1.0f) + Exp(x * Vec::Set1(-scale)));
}

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_VEC_MATH_H_
