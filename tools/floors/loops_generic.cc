#include "floors/loops.h"

namespace mao {

void ReadGeneric(const uint64_t* data, size_t bytes) {
  const size_t stream = bytes / sizeof(uint64_t) / kReadStreams;
  uint64_t a = 0, b = 0, c = 0, d = 0;
  for (size_t i = 0; i < stream; ++i) {
    a ^= data[i];
    b ^= data[stream + i];
    c ^= data[2 * stream + i];
    d ^= data[3 * stream + i];
  }
  asm volatile("" ::"r"(a), "r"(b), "r"(c), "r"(d));
}

}  // namespace mao
