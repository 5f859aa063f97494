#include "models/deepseek_ocr/processor.h"

#include <algorithm>

#include <fmt/core.h>
#include <fmt/format.h>

#include "models/deepseek_ocr/vision_tower.h"
#include "vision/crop.h"
#include "vision/letterbox.h"
#include "vision/resize.h"
#include "vision/tile_grid.h"

namespace mao::deepseek_ocr {
namespace {

constexpr SizeMode kModes[] = {
    {"tiny", 512, 512, false},    {"small", 640, 640, false},  {"base", 1024, 1024, false},
    {"large", 1280, 1280, false}, {"gundam", 1024, 640, true},
};
constexpr int kAutoBaseSide = 1280;
constexpr int kMinTiles = 2;
constexpr int kMaxTiles = 9;  // what the released remote code uses; the vLLM script stops at 6

// Tiles are cut only if a side is longer than one of them.
Status CutTiles(const Image& image, const SizeMode& mode, int max_tiles, ThreadPool* pool,
                PreparedImage& prepared) {
  if (image.width <= mode.tile && image.height <= mode.tile) return OkStatus();
  const TileGrid grid = ChooseTileGrid(image.width, image.height, mode.tile, kMinTiles, max_tiles);
  prepared.tile_columns = grid.columns;
  prepared.tile_rows = grid.rows;
  const Image whole = ResizeBicubic(image, mode.tile * grid.columns, mode.tile * grid.rows, pool);
  for (int row = 0; row < grid.rows; ++row) {
    for (int column = 0; column < grid.columns; ++column) {
      prepared.tiles.push_back(
          Crop(whole, column * mode.tile, row * mode.tile, mode.tile, mode.tile));
    }
  }
  return OkStatus();
}

}  // namespace

std::vector<std::string> ModeNames() {
  std::vector<std::string> names = {"auto"};
  for (const SizeMode& mode : kModes) names.emplace_back(mode.name);
  return names;
}

Result<SizeMode> ResolveMode(const std::string& name, int width, int height) {
  const std::string_view wanted =
      name != "auto" ? std::string_view(name)
                     : (std::max(width, height) <= kAutoBaseSide ? "base" : "gundam");
  for (const SizeMode& mode : kModes) {
    if (mode.name == wanted) return mode;
  }
  return InvalidArgumentError(
      fmt::format("unknown mode '{}'; known: {}", name, fmt::join(ModeNames(), ", ")));
}

Result<PreparedImage> PrepareImage(const Image& image, const ImageOptions& options,
                                   ThreadPool* pool) {
  if (options.max_tiles < kMinTiles || options.max_tiles > kMaxTiles) {
    return InvalidArgumentError(fmt::format("max_tiles is {}; allowed are {} to {}",
                                            options.max_tiles, kMinTiles, kMaxTiles));
  }
  MAO_ASSIGN_OR_RETURN(const SizeMode mode, ResolveMode(options.mode, image.width, image.height));
  PreparedImage prepared;
  prepared.mode = mode.name;
  if (!mode.crop && mode.base <= 640) {
    // The two smallest modes squeeze the image into the square instead of padding it.
    prepared.global = ResizeBicubic(image, mode.base, mode.base, pool);
  } else {
    MAO_ASSIGN_OR_RETURN(prepared.global, PadToSquare(image, mode.base, pool));
    prepared.is_letterboxed = true;
  }
  if (mode.crop) {
    MAO_RETURN_IF_ERROR(CutTiles(image, mode, options.max_tiles, pool, prepared));
  }
  prepared.num_rows =
      VisionTower::NumRows(mode.base, mode.tile, prepared.tile_columns, prepared.tile_rows);
  return prepared;
}

Result<std::vector<TokenId>> PromptTokens(const Tokenizer& tokenizer, TokenId bos,
                                          TokenId placeholder, int64_t num_rows,
                                          const std::vector<PromptPiece>& text) {
  std::vector<TokenId> ids = {bos};
  ids.insert(ids.end(), static_cast<size_t>(num_rows), placeholder);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string_view piece = text[i].text;
    if (i + 1 == text.size()) {
      piece = piece.substr(0, piece.find_last_not_of(" \t\r\n\f\v") + 1);
    }
    EncodeOptions options;
    options.parse_special_tokens = text[i].parse_special_tokens;
    MAO_ASSIGN_OR_RETURN(const std::vector<TokenId> tokens, tokenizer.Encode(piece, options));
    ids.insert(ids.end(), tokens.begin(), tokens.end());
  }
  return ids;
}

}  // namespace mao::deepseek_ocr
