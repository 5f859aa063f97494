// Sums of products of 8-bit integers for sixteen outputs at a time, one type per instruction set.
//
// A line is 64 bytes of weights, four consecutive k for each of sixteen outputs; Add multiplies it
// with the four activations of those k. Weights are signed bytes, or the halves of bytes (0..15).
// The sums are exact, so every instruction set agrees.
//
// kBias: what the instruction set adds to every signed weight (it may only know unsigned ones);
// whoever begins a sum takes kBias * (the sum of all activations) off it with Start.
#ifndef MAOOCR_KERNELS_ARCH_INT_DOTS_H_
#define MAOOCR_KERNELS_ARCH_INT_DOTS_H_

#include <stdint.h>
#include <string.h>

#include "kernels/arch/vec_generic.h"

#if defined(__AVX2__)
#include "kernels/arch/vec_avx2.h"
#endif
#if defined(__AVX512VNNI__)
#include "kernels/arch/vec_avx512.h"
#endif

namespace mao {
namespace {

struct IntDotsGeneric {
  using Vec = VecGeneric;
  struct Line {
    int8_t weight[64];
  };
  static constexpr int32_t kBias = 0;
  static constexpr int kRows = 1;
  static constexpr int kPanels = 1;

  int32_t sum[16];

  static IntDotsGeneric Start(int32_t value) {
    IntDotsGeneric dots;
    for (int32_t& x : dots.sum) x = value;
    return dots;
  }
  static Line LoadSigned(const std::byte* p) {
    Line line;
    memcpy(line.weight, p, sizeof(line.weight));
    return line;
  }
  static void LoadHalves(const std::byte* p, Line& low, Line& high) {
    for (int i = 0; i < 64; ++i) {
      low.weight[i] = static_cast<int8_t>(static_cast<uint8_t>(p[i]) & 15u);
      high.weight[i] = static_cast<int8_t>(static_cast<uint8_t>(p[i]) >> 4);
    }
  }
  void Add(const Line& line, const int8_t* four) {
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 4; ++j) sum[i] += line.weight[4 * i + j] * four[j];
    }
  }
  Vec Value() const {
    Vec v;
    for (int i = 0; i < 16; ++i) v.lane[i] = static_cast<float>(sum[i]);
    return v;
  }
};

#if defined(__AVX2__)
struct IntDotsAvx2 {
  using Vec = VecAvx2;
  struct Line {
    __m256i quarter[4];  // words; four outputs each
  };
  static constexpr int32_t kBias = 0;
  static constexpr int kRows = 1;
  static constexpr int kPanels = 1;

  __m256i sum[4];  // two sums (of even and of odd pairs) for each of four outputs

  static IntDotsAvx2 Start(int32_t) {
    const __m256i zero = _mm256_setzero_si256();
    return {{zero, zero, zero, zero}};
  }
  static Line LoadSigned(const std::byte* p) {
    Line line;
    for (int i = 0; i < 4; ++i) {
      line.quarter[i] =
          _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i)));
    }
    return line;
  }
  static void LoadHalves(const std::byte* p, Line& low, Line& high) {
    for (int i = 0; i < 4; ++i) {
      const __m256i words =
          _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i)));
      low.quarter[i] = _mm256_and_si256(words, _mm256_set1_epi16(15));
      high.quarter[i] = _mm256_srli_epi16(words, 4);
    }
  }
  void Add(const Line& line, const int8_t* four) {
    int32_t bytes;
    memcpy(&bytes, four, sizeof(bytes));
    const __m256i activations = _mm256_cvtepi8_epi16(_mm_set1_epi32(bytes));
    for (int i = 0; i < 4; ++i) {
      sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(line.quarter[i], activations));
    }
  }
  Vec Value() const {
    // hadd works within 128-bit halves: outputs 0 1 4 5 | 2 3 6 7.
    const __m256i lo = _mm256_hadd_epi32(sum[0], sum[1]);
    const __m256i hi = _mm256_hadd_epi32(sum[2], sum[3]);
    return {_mm256_cvtepi32_ps(_mm256_permute4x64_epi64(lo, 0xD8)),
            _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(hi, 0xD8))};
  }
};
#endif

#if defined(__AVX512VNNI__)
struct IntDotsAvx512 {
  using Vec = VecAvx512;
  using Line = __m512i;
  static constexpr int32_t kBias = 128;  // VPDPBUSD multiplies unsigned with signed bytes
  static constexpr int kRows = 4;
  static constexpr int kPanels = 4;

  __m512i sum;

  static IntDotsAvx512 Start(int32_t value) { return {_mm512_set1_epi32(value)}; }
  static Line LoadSigned(const std::byte* p) {
    return _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128));
  }
  static void LoadHalves(const std::byte* p, Line& low, Line& high) {
    const __m512i mask = _mm512_set1_epi8(15);
    const __m512i bytes = _mm512_loadu_si512(p);
    low = _mm512_and_si512(bytes, mask);
    high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), mask);
  }
  void Add(const Line& line, const int8_t* four) {
    int32_t bytes;
    memcpy(&bytes, four, sizeof(bytes));
    sum = _mm512_dpbusd_epi32(sum, line, _mm512_set1_epi32(bytes));
  }
  Vec Value() const { return {_mm512_cvtepi32_ps(sum)}; }
};
#endif

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_INT_DOTS_H_
