// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): a random
// source without state. The number of step i of a request depends on its seed and i alone, so it is
// the same on every platform, in every batch, and after a request was pre-empted and resumed.
#ifndef MAOOCR_ENGINE_SAMPLE_PHILOX_H_
#define MAOOCR_ENGINE_SAMPLE_PHILOX_H_

#include <array>
#include <cstdint>

namespace mao {

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Uniform in [0, 1) with 53 random bits.
double PhiloxUniform(uint64_t seed, uint64_t step);

}  // namespace mao

#endif  // MAOOCR_ENGINE_SAMPLE_PHILOX_H_
