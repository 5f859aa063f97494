// Both towers, the projector, and the assembly of an image's embedding rows.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_VISION_TOWER_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_VISION_TOWER_H_

#include <span>
#include <vector>

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

  // Writes image.num_rows x hidden_size floats for each image, the same bits whatever the company.
  // SAM sees one view at a time: it has thousands of tokens for each. CLIP and the projector have
  // hundreds and would wait for their weights, so the views of all images go through them together.
  // Errors: ResourceExhausted when the activations do not fit in memory; no row is valid then.
  Status Encode(ExecutionContext& ctx, std::span<const EncodeItem> images);

 private:
  // A view and where its t x t tokens go: token (y, x) to target + (y * line + x) rows.
  struct View {
    const Image* pixels = nullptr;
    float* target = nullptr;
    int64_t line = 0;
  };
  // Views that go through CLIP and the projector together.
  struct Batch {
    std::vector<View> views;
    std::vector<int64_t> sides;  // t of each
    int64_t num_clip_tokens = 0;
    int64_t num_tokens = 0;  // t * t of all
  };

  static void AddView(const View& view, std::vector<Batch>& batches);
  // Writes the rows that do not come from pixels, and adds the views that the others come from.
  void Assemble(const EncodeItem& item, std::vector<Batch>& batches) const;
  Status Reserve(ExecutionContext& ctx, const Batch& batch);
  void EncodeBatch(ExecutionContext& ctx, const Batch& batch);

  int64_t hidden_size_ = 0;
  int64_t sam_width_ = 0;  // of its output
  int64_t clip_width_ = 0;
  Sam sam_;
  Clip clip_;
  Linear projector_;
  FloatMatrix newline_;
  FloatMatrix separator_;

  // Of a batch.
  FloatMatrix sam_out_;    // [num_tokens, sam_width]
  FloatMatrix joined_;     // [num_tokens, clip_width + sam_width]
  FloatMatrix projected_;  // [num_tokens, hidden]
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_VISION_TOWER_H_
