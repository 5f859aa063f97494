#include "floors/loops.h"

#include <immintrin.h>

namespace mao {

void ReadAvx512(const uint64_t* data, size_t bytes) {
  const auto* first = reinterpret_cast<const char*>(data);
  const size_t stream = bytes / kReadStreams;
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (size_t i = 0; i < stream; i += 256) {
    for (size_t s = 0; s < kReadStreams; ++s) {
      const char* line = first + s * stream + i;
      a = _mm512_xor_si512(a, _mm512_load_si512(line));
      b = _mm512_xor_si512(b, _mm512_load_si512(line + 64));
      c = _mm512_xor_si512(c, _mm512_load_si512(line + 128));
      d = _mm512_xor_si512(d, _mm512_load_si512(line + 192));
    }
  }
  asm volatile("" ::"v"(a), "v"(b), "v"(c), "v"(d));
}

void FmaAvx512(int64_t rounds) {
  __m512 x = _mm512_setzero_ps(), y = x;
  __m512 sums[12] = {x, x, x, x, x, x, x, x, x, x, x, x};
  // Values that the compiler does not know, or it would make one sum of twelve equal ones.
  asm volatile("" : "+v"(x), "+v"(y));
#pragma GCC unroll 12
  for (__m512& sum : sums) asm volatile("" : "+v"(sum));
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(x, y, sum);
  }
#pragma GCC unroll 12
  for (const __m512& sum : sums) asm volatile("" ::"v"(sum));
}

}  // namespace mao
