// Sixteen floats in one AVX-512 register. Operations mean what vec_generic.h says.
#ifndef MAOOCR_KERNELS_ARCH_VEC_AVX512_H_
#define MAOOCR_KERNELS_ARCH_VEC_AVX512_H_

#include <immintrin.h>
#include <stdint.h>

#include "base/dtype.h"

namespace mao {
namespace {

struct VecAvx512 {
  __m512 v;

  // 4 x 2: sixteen independent chains of fused multiply-adds, which covers 2 ports x 4 cycles.
  static constexpr int kDotRows = 4;
  static constexpr int kDotPanels = 2;
  static constexpr int kGemvPanels = 4;
  static constexpr int kAttentionRows = 4;
  static constexpr int kAttentionVectors = 4;

  static VecAvx512 Zero() { return {_mm512_setzero_ps()}; }
  static VecAvx512 Set1(float value) { return {_mm512_set1_ps(value)}; }
  static VecAvx512 Load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static VecAvx512 Load(const BFloat16* p) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16))};
  }
  static void LoadPairs(const BFloat16* p, VecAvx512& even, VecAvx512& odd) {
    const __m512i pairs = _mm512_loadu_si512(p);
    even.v = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    odd.v = _mm512_castsi512_ps(
        _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u))));
  }
  void Store(float* p) const { _mm512_storeu_ps(p, v); }
  void Store(BFloat16* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(RoundedHigh()));
  }
  static void StorePairs(BFloat16* p, VecAvx512 even, VecAvx512 odd) {
    _mm512_storeu_si512(
        p, _mm512_or_si512(even.RoundedHigh(), _mm512_slli_epi32(odd.RoundedHigh(), 16)));
  }
  void Store(int8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(v)));
  }

  friend VecAvx512 operator+(VecAvx512 a, VecAvx512 b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend VecAvx512 operator-(VecAvx512 a, VecAvx512 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend VecAvx512 operator*(VecAvx512 a, VecAvx512 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend VecAvx512 operator/(VecAvx512 a, VecAvx512 b) { return {_mm512_div_ps(a.v, b.v)}; }
  static VecAvx512 Fma(VecAvx512 a, VecAvx512 b, VecAvx512 c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
  }
  static VecAvx512 Max(VecAvx512 a, VecAvx512 b) { return {_mm512_max_ps(a.v, b.v)}; }
  static VecAvx512 Min(VecAvx512 a, VecAvx512 b) { return {_mm512_min_ps(a.v, b.v)}; }
  static VecAvx512 Abs(VecAvx512 a) { return {_mm512_abs_ps(a.v)}; }
  static VecAvx512 CopySign(VecAvx512 a, VecAvx512 b) {
    const __m512 sign = _mm512_set1_ps(-0.0f);
    return {_mm512_or_ps(_mm512_andnot_ps(sign, a.v), _mm512_and_ps(sign, b.v))};
  }
  static VecAvx512 ScaleByPow2(VecAvx512 p, VecAvx512 biased) {
    return {_mm512_scalef_ps(p.v, _mm512_sub_ps(biased.v, _mm512_set1_ps(12582912.0f)))};
  }
  static VecAvx512 RoundToBFloat16(VecAvx512 a) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(a.RoundedHigh(), 16))};
  }
  float Sum() const {
    const __m256 low = _mm512_castps512_ps256(v);
    const __m256 high = _mm512_extractf32x8_ps(v, 1);
    const __m256 sum8 = _mm256_add_ps(low, high);
    const __m128 sum4 = _mm_add_ps(_mm256_castps256_ps128(sum8), _mm256_extractf128_ps(sum8, 1));
    const __m128 sum2 = _mm_add_ps(sum4, _mm_movehl_ps(sum4, sum4));
    return _mm_cvtss_f32(_mm_add_ss(sum2, _mm_shuffle_ps(sum2, sum2, 1)));
  }
  float MaxLane() const { return _mm512_reduce_max_ps(v); }

 private:
  // bfloat16 bits (round to nearest even, NaN quiet) in the low half of each 32-bit lane.
  __m512i RoundedHigh() const {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i high = _mm512_srli_epi32(bits, 16);
    const __m512i bias =
        _mm512_add_epi32(_mm512_and_si512(high, _mm512_set1_epi32(1)), _mm512_set1_epi32(0x7FFF));
    const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, bias), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    return _mm512_mask_or_epi32(rounded, nan, high, _mm512_set1_epi32(0x40));
  }
};

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_VEC_AVX512_H_
