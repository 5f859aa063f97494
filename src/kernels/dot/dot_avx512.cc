#include "kernels/arch/vec_avx512.h"
#include "kernels/dot/dot_int_vector.h"
#include "kernels/dot/dot_vector.h"

namespace mao {
namespace {

// Transposes 16 x 16 words: 2 x 2 words, then 4 x 4, then the four 128-bit quarters.
inline void Transpose(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xDD);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xDD);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xDD);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xDD);
  }
}

void PackPanel(const std::byte* rows, int64_t stride_bytes, int64_t k, std::byte* panel) {
  for (int64_t block = 0; block < k; block += kDotBlockDepth, panel += 16 * 64) {
    __m512i words[16];
    for (int i = 0; i < 16; ++i) {
      words[i] = _mm512_loadu_si512(rows + i * stride_bytes + block * 2);
    }
    Transpose(words);
    // Past the caches: a panel is next read when the model runs.
    for (int i = 0; i < 16; ++i) {
      _mm512_stream_si512(reinterpret_cast<__m512i*>(panel + i * 64), words[i]);
    }
  }
  _mm_sfence();  // such stores are not ordered like others, and other threads read the panel
}

}  // namespace

const DotKernels kDotAvx512 = {&PrepareRows<VecAvx512>, &RunVector<VecAvx512>};
const DotKernels kDotIntAvx512 = {&PrepareIntRows<VecAvx512>, &RunInt<IntDotsAvx512>};
const PackKernels kPackAvx512 = {&PackPanel, &QuantizeGroup<VecAvx512>};

}  // namespace mao
