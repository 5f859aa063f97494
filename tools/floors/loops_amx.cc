#include "floors/loops.h"

#include <immintrin.h>

#include "kernels/arch/amx_tiles.h"

namespace mao {
namespace {

template <bool kInt8, bool kLoads>
void MultiplyTiles(int64_t rounds) {
  alignas(64) char operands[4][kTileRows * 64] = {};
  ConfigureTiles();
  FenceTiles();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t i = 0; i < rounds; ++i) {
    if (kLoads || i == 0) {
      _tile_loadd(4, operands[0], 64);
      _tile_loadd(5, operands[1], 64);
      _tile_loadd(6, operands[2], 64);
      _tile_loadd(7, operands[3], 64);
    }
    if (kInt8) {
      _tile_dpbssd(0, 4, 6);
      _tile_dpbssd(1, 4, 7);
      _tile_dpbssd(2, 5, 6);
      _tile_dpbssd(3, 5, 7);
    } else {
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  ReleaseTiles();
}

}  // namespace

void TilesBf16Held(int64_t rounds) { MultiplyTiles<false, false>(rounds); }
void TilesBf16Loaded(int64_t rounds) { MultiplyTiles<false, true>(rounds); }
void TilesInt8Held(int64_t rounds) { MultiplyTiles<true, false>(rounds); }
void TilesInt8Loaded(int64_t rounds) { MultiplyTiles<true, true>(rounds); }

}  // namespace mao
