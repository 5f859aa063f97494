#include "vision/tile_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mao {

TileGrid ChooseTileGrid(int width, int height, int tile_side, int min_tiles, int max_tiles) {
  TileGrid best;
  if (width <= 0 || height <= 0) return best;
  const double aspect = static_cast<double>(width) / height;
  const double area = static_cast<double>(width) * height;
  double best_difference = std::numeric_limits<double>::infinity();
  for (int num_tiles = std::max(min_tiles, 1); num_tiles <= max_tiles; ++num_tiles) {
    for (int columns = 1; columns <= num_tiles; ++columns) {
      if (num_tiles % columns != 0) continue;
      const TileGrid grid = {columns, num_tiles / columns};
      const double difference = std::abs(aspect - static_cast<double>(grid.columns) / grid.rows);
      const double half_area = 0.5 * tile_side * tile_side * grid.columns * grid.rows;
      if (difference < best_difference || (difference == best_difference && area > half_area)) {
        best = grid;
        best_difference = difference;
      }
    }
  }
  return best;
}

}  // namespace mao
