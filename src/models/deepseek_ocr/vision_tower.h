// Both towers, the projector, and the assembly of an image's embedding rows.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_VISION_TOWER_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_VISION_TOWER_H_

#include "models/deepseek_ocr/clip.h"
#include "models/deepseek_ocr/sam.h"
#include "models/model.h"

namespace mao::deepseek_ocr {

class VisionTower {
 public:
  static Result<VisionTower> Load(const Config& config, const WeightLoader& loader,
                                  const std::array<float, 256>& pixel_values = HalfRangeTable());

  // Rows of an image: tiles stitched to one grid with a newline row after each of its lines, then
  // the global view likewise, then one separator. Section 3.5 of the model's specification.
  static int64_t NumRows(int64_t global_side, int64_t tile_side, int64_t columns, int64_t rows);

  // Writes image.num_rows x hidden_size floats.
  Status Encode(ExecutionContext& ctx, const PreparedImage& image, float* rows);

 private:
  Status Reserve(ExecutionContext& ctx, int64_t side);
  // Encodes a view and writes its t x t tokens: token (y, x) to target + (y * line + x) rows.
  void EncodeView(ExecutionContext& ctx, const Image& view, float* target, int64_t line);

  int64_t hidden_size_ = 0;
  int64_t sam_width_ = 0;  // of its output
  int64_t clip_width_ = 0;
  Sam sam_;
  Clip clip_;
  Linear projector_;
  FloatMatrix newline_;
  FloatMatrix separator_;

  FloatMatrix sam_out_;    // [t * t, sam_width]
  FloatMatrix joined_;     // [t * t, clip_width + sam_width]
  FloatMatrix projected_;  // [t * t, hidden]
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_VISION_TOWER_H_
