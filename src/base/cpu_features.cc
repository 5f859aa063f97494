#include "base/cpu_features.h"

#include <atomic>
#include <cstdlib>
#include <string>

#include <fmt/core.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace mao {
namespace {

#if defined(__x86_64__)

uint64_t ReadXcr0() {
  uint32_t eax = 0;
  uint32_t edx = 0;
  asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return (static_cast<uint64_t>(edx) << 32) | eax;
}

bool RequestAmxPermission() {
  constexpr long kArchReqXcompPerm = 0x1023;  // linux/Documentation/arch/x86/xstate.rst
  constexpr long kXfeatureXtileData = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtileData) == 0;
}

CpuIsa Detect() {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return CpuIsa::kGeneric;
  const bool osxsave = (ecx >> 27) & 1u;
  const bool fma = (ecx >> 12) & 1u;
  const bool f16c = (ecx >> 29) & 1u;
  if (!osxsave || !fma || !f16c) return CpuIsa::kGeneric;
  const uint64_t xcr0 = ReadXcr0();
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return CpuIsa::kGeneric;
  const bool avx2 = ((ebx >> 5) & 1u) != 0 && (xcr0 & 0x6u) == 0x6u;
  if (!avx2) return CpuIsa::kGeneric;
  const bool avx512 = ((ebx >> 16) & 1u) != 0 && ((ebx >> 17) & 1u) != 0 &&
                      ((ebx >> 30) & 1u) != 0 && ((ebx >> 31) & 1u) != 0 &&
                      ((ecx >> 11) & 1u) != 0 && (xcr0 & 0xE6u) == 0xE6u;
  if (!avx512) return CpuIsa::kAvx2;
  const bool amx_bits = ((edx >> 22) & 1u) != 0 && ((edx >> 24) & 1u) != 0 &&
                        ((edx >> 25) & 1u) != 0 && (xcr0 & 0x60000u) == 0x60000u;
  uint32_t eax1 = 0;
  __get_cpuid_count(7, 1, &eax1, &ebx, &ecx, &edx);
  const bool avx512_bf16 = (eax1 >> 5) & 1u;
  if (!amx_bits || !avx512_bf16 || !RequestAmxPermission()) return CpuIsa::kAvx512;
  return CpuIsa::kAmx;
}

#else

CpuIsa Detect() { return CpuIsa::kGeneric; }

#endif

std::atomic<CpuIsa>& Current() {
  static std::atomic<CpuIsa> current{DetectedCpuIsa()};
  return current;
}

}  // namespace

std::string_view CpuIsaName(CpuIsa isa) {
  switch (isa) {
    case CpuIsa::kGeneric:
      return "generic";
    case CpuIsa::kAvx2:
      return "avx2";
    case CpuIsa::kAvx512:
      return "avx512";
    case CpuIsa::kAmx:
      return "amx";
  }
  return "?";
}

CpuIsa DetectedCpuIsa() {
  static const CpuIsa detected = Detect();
  return detected;
}

Result<CpuIsa> ParseCpuIsa(std::string_view name) {
  for (const CpuIsa isa : {CpuIsa::kGeneric, CpuIsa::kAvx2, CpuIsa::kAvx512, CpuIsa::kAmx}) {
    if (name == CpuIsaName(isa)) return isa;
  }
  return InvalidArgumentError(
      fmt::format("unknown instruction set '{}'; known: generic, avx2, avx512, amx", name));
}

Status SetCpuIsa(CpuIsa isa) {
  if (isa > DetectedCpuIsa()) {
    return InvalidArgumentError(
        fmt::format("instruction set '{}' is not available here; the best is '{}'", CpuIsaName(isa),
                    CpuIsaName(DetectedCpuIsa())));
  }
  Current().store(isa);
  return OkStatus();
}

Status SetCpuIsaFromEnvironment() {
  const char* name = std::getenv("MAOOCR_CPU_ISA");
  if (name == nullptr || *name == '\0') return OkStatus();
  auto isa = ParseCpuIsa(name);
  if (!isa.ok()) return isa.status().WithContext("MAOOCR_CPU_ISA");
  return SetCpuIsa(*isa).WithContext("MAOOCR_CPU_ISA");
}

CpuIsa CurrentCpuIsa() { return Current().load(std::memory_order_relaxed); }

}  // namespace mao
