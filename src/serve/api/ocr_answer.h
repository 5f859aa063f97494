// What reading a page in one of the OCR modes gives.
#ifndef MAOOCR_SERVE_API_OCR_ANSWER_H_
#define MAOOCR_SERVE_API_OCR_ANSWER_H_

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ocr/page_result.h"
#include "serve/api/ocr_request.h"

namespace mao {

struct OcrBox {
  std::string label;  // of the block, or what was found
  std::string text;
  PixelBox box;
  NormBox norm_box;
};

struct OcrAnswer {
  const OcrMode* mode = nullptr;
  bool grounding = false;
  std::string text;
  nlohmann::ordered_json data;  // of modes that give more than a text; else null
  std::vector<OcrBox> boxes;
  std::string caption;
  PageResult page;     // the answer that text and boxes come from
  std::string method;  // how text or data came about where there are several ways; else empty
  std::vector<std::string> missing;  // kv_json: keys of the schema that the page does not have
  std::vector<std::string> ignored;

  // Of all that was generated for this answer.
  int num_generations = 1;
  PageTokens tokens;
  int num_cached_tokens = 0;  // of the prompts, found in the prefix cache
  // Of the generation that `page` comes from.
  std::string model;
  std::string engine;
  std::string request_id;
  CallTimings timings;
  bool from_cache = false;
  std::shared_ptr<const std::string> page_picture;  // JPEG; if it was asked for
};

// Whether the model was asked for a term and said nothing usable: then OcrPlan::search is needed.
bool NeedsSearch(const OcrPlan& plan, const Generation& read);

// `caption` and `search` may be null.
OcrAnswer MakeOcrAnswer(const OcrPlan& plan, const Generation& read, const Generation* caption,
                        const Generation* search);

// {success, text, raw_text, boxes, image_dims, data?, caption?, figures?, metadata}, as described in
// docs/rest_api.md.
nlohmann::ordered_json OcrAnswerToJson(const OcrAnswer& answer);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_ANSWER_H_
