// Sixteen floats in plain C++: the meaning of every operation that the other Vec headers must
// reproduce bit for bit (fused multiply-adds stay fused, reductions have one fixed tree).
#ifndef MAOOCR_KERNELS_ARCH_VEC_GENERIC_H_
#define MAOOCR_KERNELS_ARCH_VEC_GENERIC_H_

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/dtype.h"

namespace mao {
namespace {  // internal linkage: no weak symbol of one instruction set may leak into another

struct VecGeneric {
  float lane[16];

  // Register blocking of the dot kernel for this instruction set: rows and 16-column panels.
  static constexpr int kDotRows = 2;
  static constexpr int kDotPanels = 1;
  static constexpr int kGemvPanels = 1;
  // The same for attention: query rows and vectors of 16 keys or 16 channels.
  static constexpr int kAttentionRows = 1;
  static constexpr int kAttentionVectors = 1;

  static VecGeneric Zero() { return Set1(0.0f); }
  static VecGeneric Set1(float value) {
    VecGeneric v;
    for (float& x : v.lane) x = value;
    return v;
  }
  static VecGeneric Load(const float* p) {
    VecGeneric v;
    memcpy(v.lane, p, sizeof(v.lane));
    return v;
  }
  static VecGeneric Load(const BFloat16* p) {
    VecGeneric v;
    for (int i = 0; i < 16; ++i) v.lane[i] = ToFloat(p[i]);
    return v;
  }
  // p holds 16 pairs; lane i of even/odd gets the first/second element of pair i.
  static void LoadPairs(const BFloat16* p, VecGeneric& even, VecGeneric& odd) {
    for (int i = 0; i < 16; ++i) {
      even.lane[i] = ToFloat(p[2 * i]);
      odd.lane[i] = ToFloat(p[2 * i + 1]);
    }
  }
  void Store(float* p) const { memcpy(p, lane, sizeof(lane)); }
  void Store(BFloat16* p) const {
    for (int i = 0; i < 16; ++i) p[i] = ToBFloat16(lane[i]);
  }
  // Rounds both; the inverse of LoadPairs.
  static void StorePairs(BFloat16* p, const VecGeneric& even, const VecGeneric& odd) {
    for (int i = 0; i < 16; ++i) {
      p[2 * i] = ToBFloat16(even.lane[i]);
      p[2 * i + 1] = ToBFloat16(odd.lane[i]);
    }
  }
  // Lanes are integers in -128..127 (a NaN gives any byte).
  void Store(int8_t* p) const {
    for (int i = 0; i < 16; ++i) {
      p[i] = static_cast<int8_t>(std::bit_cast<uint32_t>(lane[i] + 12582912.0f));  // 1.5 * 2^23
    }
  }

  friend VecGeneric operator+(VecGeneric a, const VecGeneric& b) {
    for (int i = 0; i < 16; ++i) a.lane[i] += b.lane[i];
    return a;
  }
  friend VecGeneric operator-(VecGeneric a, const VecGeneric& b) {
    for (int i = 0; i < 16; ++i) a.lane[i] -= b.lane[i];
    return a;
  }
  friend VecGeneric operator*(VecGeneric a, const VecGeneric& b) {
    for (int i = 0; i < 16; ++i) a.lane[i] *= b.lane[i];
    return a;
  }
  friend VecGeneric operator/(VecGeneric a, const VecGeneric& b) {
    for (int i = 0; i < 16; ++i) a.lane[i] /= b.lane[i];
    return a;
  }
  // a * b + c with one rounding.
  static VecGeneric Fma(const VecGeneric& a, const VecGeneric& b, VecGeneric c) {
    for (int i = 0; i < 16; ++i) c.lane[i] = fmaf(a.lane[i], b.lane[i], c.lane[i]);
    return c;
  }
  // a > b ? a : b per lane (b if either is NaN, as the x86 instruction does).
  static VecGeneric Max(VecGeneric a, const VecGeneric& b) {
    for (int i = 0; i < 16; ++i) a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
    return a;
  }
  static VecGeneric Min(VecGeneric a, const VecGeneric& b) {
    for (int i = 0; i < 16; ++i) a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
    return a;
  }
  static VecGeneric Abs(VecGeneric a) {
    for (float& x : a.lane) x = fabsf(x);
    return a;
  }
  // The magnitude of a with the sign of b.
  static VecGeneric CopySign(VecGeneric a, const VecGeneric& b) {
    for (int i = 0; i < 16; ++i) a.lane[i] = copysignf(a.lane[i], b.lane[i]);
    return a;
  }
  // p * 2^n for biased = 1.5 * 2^23 + n with an integer n in [-126, 127], by bit operations. Neither
  // p nor the result may be denormal.
  static VecGeneric ScaleByPow2(VecGeneric p, VecGeneric biased) {
    for (int i = 0; i < 16; ++i) {
      const auto bits = std::bit_cast<uint32_t>(biased.lane[i]);
      p.lane[i] *= std::bit_cast<float>((bits << 23) + 0x3F800000u);
    }
    return p;
  }
  // The value rounded to bfloat16 and back.
  static VecGeneric RoundToBFloat16(VecGeneric a) {
    for (float& x : a.lane) x = ToFloat(ToBFloat16(x));
    return a;
  }
  // Trees: lanes i and i+8, then i and i+4, i and i+2, i and i+1.
  float Sum() const {
    float v[8];
    for (int i = 0; i < 8; ++i) v[i] = lane[i] + lane[i + 8];
    for (int i = 0; i < 4; ++i) v[i] = v[i] + v[i + 4];
    return (v[0] + v[2]) + (v[1] + v[3]);
  }
  float MaxLane() const {
    float best = lane[0];
    for (int i = 1; i < 16; ++i) best = lane[i] > best ? lane[i] : best;
    return best;
  }
};

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_VEC_GENERIC_H_
