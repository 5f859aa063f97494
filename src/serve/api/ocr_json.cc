#include <utility>

#include "serve/api/base64.h"
#include "serve/api/ocr_answer.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

template <typename Box>
Json ToJson(const Box& box) {
  return Json::array({box.x1, box.y1, box.x2, box.y2});
}

Json Boxes(const OcrAnswer& answer) {
  Json boxes = Json::array();
  for (const OcrBox& box : answer.boxes) {
    boxes.push_back({{"label", box.label},
                     {"text", box.text},
                     {"box", ToJson(box.box)},
                     {"box_norm", ToJson(box.norm_box)}});
  }
  return boxes;
}

Json Figures(const OcrAnswer& answer) {
  Json figures = Json::array();
  for (const PageFigure& figure : answer.page.figures) {
    figures.push_back({{"path", figure.path}, {"box", ToJson(figure.box)}});
  }
  return figures;
}

Json Timings(const OcrAnswer& answer) {
  const PageTimings& page = answer.page.timings;
  return {{"wait", answer.timings.wait_ms},
          {"fetch", answer.timings.fetch_ms},
          {"decode", answer.timings.decode_ms},
          {"preprocess", page.preprocess_ms},
          {"queue", page.queue_ms},
          {"encode", page.encode_ms},
          {"prefill", page.prefill_ms},
          {"generate", page.generate_ms},
          {"postprocess", page.postprocess_ms},
          {"first_output", answer.timings.first_output_ms},
          {"total", answer.timings.total_ms}};
}

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json();
}

Json Metadata(const OcrAnswer& answer) {
  const LegacySize size = LegacySizeOf(answer.page.mode);
  Json metadata = {{"mode", answer.mode->name},
                   {"grounding", answer.grounding},
                   {"size", answer.page.mode},
                   {"base_size", OrNull(size.base_size)},
                   {"image_size", OrNull(size.image_size)},
                   {"crop_mode", OrNull(size.crop_mode)},
                   {"finish_reason", PageFinishName(answer.page.finish)},
                   {"tokens",
                    {{"prompt", answer.tokens.prompt},
                     {"image", answer.tokens.image},
                     {"output", answer.tokens.output}}},
                   {"generations", answer.num_generations},
                   {"timings_ms", Timings(answer)},
                   {"model", answer.model},
                   {"inference_engine", answer.engine},
                   {"request_id", answer.request_id},
                   {"from_cache", answer.from_cache}};
  if (!answer.method.empty()) metadata["method"] = answer.method;
  if (!answer.missing.empty()) metadata["missing"] = answer.missing;
  if (!answer.ignored.empty()) metadata["ignored"] = answer.ignored;
  return metadata;
}

}  // namespace

Json OcrAnswerToJson(const OcrAnswer& answer) {
  Json json = {{"success", true}, {"text", answer.text}, {"raw_text", answer.page.raw_text}};
  if (!answer.data.is_null()) json["data"] = answer.data;
  if (!answer.caption.empty()) json["caption"] = answer.caption;
  json["boxes"] = Boxes(answer);
  if (!answer.page.figures.empty()) json["figures"] = Figures(answer);
  json["image_dims"] = {{"w", answer.page.width}, {"h", answer.page.height}};
  if (answer.page_picture != nullptr) {
    json["page_picture"] = "data:image/jpeg;base64," + EncodeBase64(*answer.page_picture);
  }
  json["metadata"] = Metadata(answer);
  return json;
}

}  // namespace mao
