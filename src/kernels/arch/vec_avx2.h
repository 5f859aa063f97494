// Sixteen floats in two AVX2 registers. Operations mean what vec_generic.h says.
#ifndef MAOOCR_KERNELS_ARCH_VEC_AVX2_H_
#define MAOOCR_KERNELS_ARCH_VEC_AVX2_H_

#include <immintrin.h>
#include <stdint.h>

#include "base/dtype.h"

namespace mao {
namespace {

struct VecAvx2 {
  __m256 lo;
  __m256 hi;

  // 16 registers: 2 rows x 1 panel keeps 8 accumulators, 4 weights and 2 broadcasts in them.
  static constexpr int kDotRows = 2;
  static constexpr int kDotPanels = 1;
  static constexpr int kGemvPanels = 2;
  static constexpr int kAttentionRows = 2;
  static constexpr int kAttentionVectors = 2;

  static VecAvx2 Zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static VecAvx2 Set1(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
  static VecAvx2 Load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static VecAvx2 Load(const BFloat16* p) {
    return {Widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
            Widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  static void LoadPairs(const BFloat16* p, VecAvx2& even, VecAvx2& odd) {
    const __m256i lo_pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i hi_pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 16));
    const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
    even.lo = _mm256_castsi256_ps(_mm256_slli_epi32(lo_pairs, 16));
    even.hi = _mm256_castsi256_ps(_mm256_slli_epi32(hi_pairs, 16));
    odd.lo = _mm256_castsi256_ps(_mm256_and_si256(lo_pairs, mask));
    odd.hi = _mm256_castsi256_ps(_mm256_and_si256(hi_pairs, mask));
  }
  void Store(float* p) const {
    _mm256_storeu_ps(p, lo);
    _mm256_storeu_ps(p + 8, hi);
  }
  void Store(BFloat16* p) const {
    // packus works within 128-bit halves; the permutation puts the quarters back in order.
    const __m256i packed = _mm256_packus_epi32(RoundedHigh(lo), RoundedHigh(hi));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xD8));
  }
  static void StorePairs(BFloat16* p, VecAvx2 even, VecAvx2 odd) {
    const auto pairs = [](__m256 low, __m256 high) {
      return _mm256_or_si256(RoundedHigh(low), _mm256_slli_epi32(RoundedHigh(high), 16));
    };
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), pairs(even.lo, odd.lo));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 16), pairs(even.hi, odd.hi));
  }
  void Store(int8_t* p) const {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(lo), _mm256_cvtps_epi32(hi));
    const __m256i ordered = _mm256_permute4x64_epi64(words, 0xD8);
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  }

  friend VecAvx2 operator+(VecAvx2 a, VecAvx2 b) {
    return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
  }
  friend VecAvx2 operator-(VecAvx2 a, VecAvx2 b) {
    return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
  }
  friend VecAvx2 operator*(VecAvx2 a, VecAvx2 b) {
    return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
  }
  friend VecAvx2 operator/(VecAvx2 a, VecAvx2 b) {
    return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
  }
  static VecAvx2 Fma(VecAvx2 a, VecAvx2 b, VecAvx2 c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static VecAvx2 Max(VecAvx2 a, VecAvx2 b) {
    return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
  }
  static VecAvx2 Min(VecAvx2 a, VecAvx2 b) {
    return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
  }
  static VecAvx2 Abs(VecAvx2 a) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
  }
  static VecAvx2 CopySign(VecAvx2 a, VecAvx2 b) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_or_ps(_mm256_andnot_ps(sign, a.lo), _mm256_and_ps(sign, b.lo)),
            _mm256_or_ps(_mm256_andnot_ps(sign, a.hi), _mm256_and_ps(sign, b.hi))};
  }
  static VecAvx2 ScaleByPow2(VecAvx2 p, VecAvx2 biased) {
    const __m256i one = _mm256_set1_epi32(0x3F800000);
    const __m256i lo_bits = _mm256_slli_epi32(_mm256_castps_si256(biased.lo), 23);
    const __m256i hi_bits = _mm256_slli_epi32(_mm256_castps_si256(biased.hi), 23);
    return {_mm256_mul_ps(p.lo, _mm256_castsi256_ps(_mm256_add_epi32(lo_bits, one))),
            _mm256_mul_ps(p.hi, _mm256_castsi256_ps(_mm256_add_epi32(hi_bits, one)))};
  }
  static VecAvx2 RoundToBFloat16(VecAvx2 a) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(RoundedHigh(a.lo), 16)),
            _mm256_castsi256_ps(_mm256_slli_epi32(RoundedHigh(a.hi), 16))};
  }
  float Sum() const {
    const __m256 sum8 = _mm256_add_ps(lo, hi);
    const __m128 sum4 = _mm_add_ps(_mm256_castps256_ps128(sum8), _mm256_extractf128_ps(sum8, 1));
    const __m128 sum2 = _mm_add_ps(sum4, _mm_movehl_ps(sum4, sum4));
    return _mm_cvtss_f32(_mm_add_ss(sum2, _mm_shuffle_ps(sum2, sum2, 1)));
  }
  float MaxLane() const {
    const __m256 max8 = _mm256_max_ps(lo, hi);
    const __m128 max4 = _mm_max_ps(_mm256_castps256_ps128(max8), _mm256_extractf128_ps(max8, 1));
    const __m128 max2 = _mm_max_ps(max4, _mm_movehl_ps(max4, max4));
    return _mm_cvtss_f32(_mm_max_ss(max2, _mm_shuffle_ps(max2, max2, 1)));
  }

 private:
  static __m256 Widen(__m128i half) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  static __m256i RoundedHigh(__m256 v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i high = _mm256_srli_epi32(bits, 16);
    const __m256i bias =
        _mm256_add_epi32(_mm256_and_si256(high, _mm256_set1_epi32(1)), _mm256_set1_epi32(0x7FFF));
    const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
    const __m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
    const __m256 nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
    return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(nan));
  }
};

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_VEC_AVX2_H_
