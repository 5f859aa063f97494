// For tests: run something under every instruction set of this machine.
#ifndef MAOOCR_KERNELS_ARCH_TEST_ISA_H_
#define MAOOCR_KERNELS_ARCH_TEST_ISA_H_

#include "base/cpu_features.h"

namespace mao {

// Calls body(isa) with each available instruction set in force, then restores the best one.
template <typename Body>
void ForEachIsa(const Body& body) {
  for (const CpuIsa isa : {CpuIsa::kGeneric, CpuIsa::kAvx2, CpuIsa::kAvx512, CpuIsa::kAmx}) {
    if (isa > DetectedCpuIsa()) break;
    if (!SetCpuIsa(isa).ok()) continue;
    body(isa);
  }
  if (!SetCpuIsa(DetectedCpuIsa()).ok()) return;
}

}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_TEST_ISA_H_
