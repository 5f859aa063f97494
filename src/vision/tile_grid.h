// How many tiles a picture is cut into.
#ifndef MAOOCR_VISION_TILE_GRID_H_
#define MAOOCR_VISION_TILE_GRID_H_

namespace mao {

struct TileGrid {
  int columns = 1;
  int rows = 1;

  bool operator==(const TileGrid&) const = default;
};

// The grid of min_tiles to max_tiles tiles whose aspect is nearest to that of a picture of width x
// height pixels; between equally near ones that with more tiles wins if the picture has more than
// half their area, tile_side^2 pixels each. This is find_closest_aspect_ratio of the released
// DeepSeek-OCR code. Whether a picture is to be cut at all is for the caller to decide.
// 1 x 1 if there is no candidate (no pixels, or max_tiles < min_tiles).
TileGrid ChooseTileGrid(int width, int height, int tile_side, int min_tiles, int max_tiles);

}  // namespace mao

#endif  // MAOOCR_VISION_TILE_GRID_H_
