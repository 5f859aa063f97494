// AMX tiles, all eight of 16 rows x 64 bytes.
//
// Notes on g++ 12: _tile_loadconfig tells the compiler of 8 of the 64 bytes it reads only, and tile
// loads and stores carry no memory clobber, so the configuration is loaded by our own asm statement
// and buffers written by tiles are fenced with empty asm statements.
#ifndef MAOOCR_KERNELS_ARCH_AMX_TILES_H_
#define MAOOCR_KERNELS_ARCH_AMX_TILES_H_

#include <immintrin.h>
#include <stdint.h>

namespace mao {
namespace {

constexpr int kTileRows = 16;

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

inline void LoadTileConfig(const TileConfig& config) {
  asm volatile("ldtilecfg %0" ::"m"(config) : "memory");
}

// Tiles 0 to 5 (sums, and rows of A) may be lower than tiles 6 and 7 (weights): a product takes as
// many cycles as A has rows.
inline void ConfigureTiles(int64_t rows = kTileRows) {
  TileConfig config;
  for (int i = 0; i < 8; ++i) {
    config.row_bytes[i] = 64;
    config.rows[i] = static_cast<uint8_t>(i < 6 && rows < kTileRows ? rows : kTileRows);
  }
  LoadTileConfig(config);
}

inline void ReleaseTiles() { asm volatile("tilerelease" ::: "memory"); }

// Between vector code and tile code that touch the same memory.
inline void FenceTiles() { asm volatile("" ::: "memory"); }

}  // namespace
}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_AMX_TILES_H_
