#include "ocr/to_json.h"

#include <nlohmann/json.hpp>

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

template <typename Box>
Json ToJson(const Box& box) {
  return Json::array({box.x1, box.y1, box.x2, box.y2});
}

template <typename Box>
Json ToJson(const std::vector<Box>& boxes) {
  Json array = Json::array();
  for (const Box& box : boxes) array.push_back(ToJson(box));
  return array;
}

Json ToJson(const PageBlock& block) {
  Json json;
  json["label"] = block.label ? Json(*block.label) : Json(nullptr);
  json["text"] = block.text;
  json["boxes"] = ToJson(block.boxes);
  json["boxes_px"] = ToJson(block.pixel_boxes);
  json["well_formed"] = block.well_formed;
  json["raw_range"] = Json::array({block.begin, block.text_begin, block.end});
  json["figure"] = block.figure ? Json(*block.figure) : Json(nullptr);
  return json;
}

Json ToJson(const PageFigure& figure) {
  Json json;
  json["path"] = figure.path;
  json["block"] = figure.block;
  json["box_px"] = ToJson(figure.box);
  return json;
}

Json ToJson(const PageTimings& timings) {
  Json json;
  json["decode"] = timings.decode_ms;
  json["preprocess"] = timings.preprocess_ms;
  json["queue"] = timings.queue_ms;
  json["encode"] = timings.encode_ms;
  json["prefill"] = timings.prefill_ms;
  json["generate"] = timings.generate_ms;
  json["postprocess"] = timings.postprocess_ms;
  json["total"] = timings.total_ms;
  return json;
}

template <typename Item>
Json ToArray(const std::vector<Item>& items) {
  Json array = Json::array();
  for (const Item& item : items) array.push_back(ToJson(item));
  return array;
}

}  // namespace

std::string PageResultToJson(const PageResult& page, bool pretty) {
  Json json;
  json["page"] = page.page;
  json["mode"] = page.mode;
  json["width"] = page.width;
  json["height"] = page.height;
  json["box_space"] = BoxSpaceName(page.box_space);
  json["finish_reason"] = PageFinishName(page.finish);
  json["markdown"] = page.markdown;
  json["raw_text"] = page.raw_text;
  json["blocks"] = ToArray(page.blocks);
  json["figures"] = ToArray(page.figures);
  json["tokens"] = {
      {"prompt", page.tokens.prompt}, {"image", page.tokens.image}, {"output", page.tokens.output}};
  json["timings_ms"] = ToJson(page.timings);
  // With `replace`, dump() throws for no text; nlohmann writes numbers that are not finite as null.
  return json.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mao
