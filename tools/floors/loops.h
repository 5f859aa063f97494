// The loops whose rate is a floor of the machine: each does nothing but what it measures. Those of an
// instruction set may be called only where CurrentCpuIsa() has it.
#ifndef MAOOCR_TOOLS_FLOORS_LOOPS_H_
#define MAOOCR_TOOLS_FLOORS_LOOPS_H_

#include <cstddef>
#include <cstdint>

namespace mao {

// Reads data[0, bytes) once, bytes a multiple of kReadStreams * 256, at an address that is a multiple
// of 64. Several streams keep more cache lines in flight than one.
constexpr size_t kReadStreams = 4;
void ReadGeneric(const uint64_t* data, size_t bytes);
void ReadAvx512(const uint64_t* data, size_t bytes);

// Fused multiply-adds of vectors in registers; twelve independent sums cover the latency.
constexpr double kFmaFlopPerRound = 12 * 16 * 2;
void FmaAvx512(int64_t rounds);

// Four products of tiles (16 rows x 64 bytes by 64 bytes x 16 columns) a round. "Held": the operands
// stay in tile registers; "loaded": four tile loads from the first-level cache a round, as many as
// a product of two row tiles by two column tiles needs.
constexpr double kTileFlopPerRoundBf16 = 4 * 16 * 16 * 32 * 2;
constexpr double kTileOpsPerRoundInt8 = 4 * 16 * 16 * 64 * 2;
void TilesBf16Held(int64_t rounds);
void TilesBf16Loaded(int64_t rounds);
void TilesInt8Held(int64_t rounds);
void TilesInt8Loaded(int64_t rounds);

}  // namespace mao

#endif  // MAOOCR_TOOLS_FLOORS_LOOPS_H_
