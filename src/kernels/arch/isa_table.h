// The instruction sets a vector kernel is built for, best first. A kernel folder instantiates its
// template once per row and picks with SelectByIsa.
#ifndef MAOOCR_KERNELS_ARCH_ISA_TABLE_H_
#define MAOOCR_KERNELS_ARCH_ISA_TABLE_H_

#include "base/cpu_features.h"

namespace mao {

// The entry for the instruction set in force (CurrentCpuIsa). AMX machines run the AVX-512 entry:
// what tiles serve (products, attention) has an entry of its own.
template <typename Kernels>
const Kernels& SelectByIsa([[maybe_unused]] const Kernels& avx512,
                           [[maybe_unused]] const Kernels& avx2, const Kernels& generic) {
#if defined(__x86_64__)
  if (CurrentCpuIsa() >= CpuIsa::kAvx512) return avx512;
  if (CurrentCpuIsa() >= CpuIsa::kAvx2) return avx2;
#endif
  return generic;
}

}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_ISA_TABLE_H_
