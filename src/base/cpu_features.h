// What this CPU can do, and the override that lets a test or a user do with less.
#ifndef MAOOCR_BASE_CPU_FEATURES_H_
#define MAOOCR_BASE_CPU_FEATURES_H_

#include <string_view>

#include "base/status.h"

namespace mao {

// Ordered: each level includes the ones below. kAvx512 means F, BW, DQ, VL and VNNI; kAmx means
// AVX-512 with BF16 plus AMX tiles for bf16 and int8.
enum class CpuIsa { kGeneric = 0, kAvx2 = 1, kAvx512 = 2, kAmx = 3 };

std::string_view CpuIsaName(CpuIsa isa);

// The best level of this machine. The first call asks the kernel for permission to use AMX tiles
// (Linux grants them per process on request); if that fails, the level is kAvx512.
CpuIsa DetectedCpuIsa();

// Names: generic, avx2, avx512, amx.
Result<CpuIsa> ParseCpuIsa(std::string_view name);

// Lowers the level that kernels choose from. InvalidArgument above DetectedCpuIsa(). To be called
// before any kernel is chosen (at start, or by a test between models).
Status SetCpuIsa(CpuIsa isa);

// Reads MAOOCR_CPU_ISA, if set, and applies it. To be called once at program start.
Status SetCpuIsaFromEnvironment();

// The level in force.
CpuIsa CurrentCpuIsa();

}  // namespace mao

#endif  // MAOOCR_BASE_CPU_FEATURES_H_
