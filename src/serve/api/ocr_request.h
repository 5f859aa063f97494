// A page to be read in one of the OCR modes, and what the model is asked for it. Every interface
// comes through here, so that they cannot drift apart.
#ifndef MAOOCR_SERVE_API_OCR_REQUEST_H_
#define MAOOCR_SERVE_API_OCR_REQUEST_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "ocr/markdown.h"
#include "serve/api/generation.h"
#include "serve/api/ocr_modes.h"
#include "vision/pdf/page_ranges.h"

namespace mao {

struct OcrRequest {
  std::string model;
  std::string engine;
  ImageSource image;
  // A name of OcrModes(). As `mode` also means the size in which a page is shown, it may be a size
  // mode instead; `task` is never one. Neither: freeform with a prompt, else markdown.
  std::string mode;
  std::string task;
  std::string size;  // a size mode
  LegacySize legacy_size;
  std::optional<int> max_tiles;  // of size mode gundam
  std::optional<bool> grounding;
  bool include_caption = false;
  std::string prompt;             // of freeform
  std::string find_term;          // of find_ref
  nlohmann::ordered_json schema;  // of kv_json; null: none

  std::optional<int> max_tokens;
  std::optional<float> temperature;
  std::optional<float> top_p;
  std::optional<uint64_t> seed;
  std::optional<int> ngram_size;
  std::optional<int> window_size;
  std::vector<PageRange> pages;  // of a document, for OcrDocumentCall; empty: all
  int first_page_number = 1;     // what messages call the first page
  MissingPages missing_pages = MissingPages::kError;
  bool wants_page_pictures = false;
  bool is_continuation = false;  // see GenerationRequest
  // For transports that know more parameters; called last.
  std::function<void(SamplingParams&)> change_sampling;

  MarkdownOptions markdown = {.collapse_blank_lines = true};
  int priority = 0;
  std::chrono::milliseconds timeout{0};
  bool use_result_cache = true;
  CallContext context;
  std::vector<std::string> ignored;  // fields that were sent and mean nothing
};

// The fields of a JSON object, or of a form, whose values are all strings: "true", "1", "on", "yes"
// and their opposites, numbers, and JSON for `schema`; an empty string is as good as none. `image`
// is base64, a data URI or an address, `image_url` a data URI or an address, alone or as {"url":…}.
// `stream` and `format` belong to the transport. Unknown fields go to `ignored`. InvalidArgument
// names the field.
Result<OcrRequest> ParseOcrFields(nlohmann::json fields);
// For fields that were parsed from `text`: puts their schema back as it was written there. The order
// of its names is that of the answer's, and nlohmann::json has sorted them.
void KeepSchemaOrder(std::string_view text, nlohmann::json& fields);
// What ParseOcrFields reads, for transports that look fields up one by one.
std::vector<std::string> OcrFieldNames();

// What the model is asked, and what is made of it.
struct OcrPlan {
  const OcrMode* mode = nullptr;
  bool grounding = false;  // boxes are asked for
  GenerationRequest read;
  std::optional<GenerationRequest> caption;
  // find_ref: the page as text with boxes, should the model not find the term by itself.
  std::optional<GenerationRequest> search;
  std::string find_term;
  nlohmann::ordered_json schema;
  MarkdownOptions markdown;
  std::vector<std::string> ignored;  // with those that mean nothing in this mode
};

// How a page is read unless the request says otherwise (DefaultSampling); plain without `info`.
SamplingParams DefaultPageSampling(const ModelInfo* info);

// `info` may be null (the model is elsewhere). InvalidArgument names what is missing or wrong.
Result<OcrPlan> PlanOcr(OcrRequest request, const ModelInfo* info);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_REQUEST_H_
