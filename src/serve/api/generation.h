// One question to a model and its answer, as every interface of the server sees them.
#ifndef MAOOCR_SERVE_API_GENERATION_H_
#define MAOOCR_SERVE_API_GENERATION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "serve/trace/trace.h"

namespace mao {

class PdfDocument;

// The file of an image: its bytes, or where to fetch them. Neither: no image.
struct ImageSource {
  std::shared_ptr<const std::string> bytes;
  std::string url;   // http or https
  std::string name;  // for messages
  // Of a PDF, from 0. Not set: such a file must have one page.
  std::optional<int> page;
  int dpi = 0;  // of a PDF; 0: PdfDocument::ChooseDpi
  std::shared_ptr<const PdfDocument>
      document;  // `bytes`, if they have been opened as a PDF already

  bool empty() const { return bytes == nullptr && url.empty(); }
};

// Who asks, for logs, statistics and traces.
struct CallContext {
  std::string request_id;
  std::string key_id;  // of the API key; empty without keys
  // W3C trace context: of `span`, or without one the caller's; empty or well-formed.
  std::string traceparent;
  std::string tracestate;
  std::shared_ptr<TraceSpan> span;  // what is done for the call hangs below it; null: not traced
  std::string operation;            // "chat", "completion", "ocr", ...
  bool is_background = false;       // jobs and batches give way to those who wait for an answer
};

// See SamplingParams::no_repeat_ngram_size and no_repeat_ngram_window.
struct NgramRule {
  int size = 0;
  int window = 0;
};

struct GenerationRequest {
  std::string model;   // empty: the default model
  std::string engine;  // empty: the one of the model; else vllm_direct, direct or vllm_openai
  ImageSource image;
  std::vector<PromptPiece> prompt;
  ImageOptions image_options;
  SamplingParams sampling;
  std::optional<NgramRule> pdf_ngram;  // in place of that of `sampling`, should the file be a PDF
  bool wants_page_picture = false;     // fills Generation::page_picture; not from the result cache
  // Of work that has been admitted already: neither a full queue nor draining refuses it.
  bool is_continuation = false;
  // Requests with different salts share nothing that is kept: no cached block, image or answer.
  std::string cache_salt;
  int32_t priority = 0;                  // smaller is served first
  std::chrono::milliseconds timeout{0};  // from submission to the end; 0: the service's
  bool use_result_cache = true;
  CallContext context;
};

// Where the time of a call went, in milliseconds; the engine's part is in RequestStats.
struct CallTimings {
  double wait_ms = 0;          // in the service's queue
  double fetch_ms = 0;         // getting the image from its URL
  double decode_ms = 0;        // image file to pixels
  double first_output_ms = 0;  // submitted until the first text
  double total_ms = 0;
};

// A finished answer.
struct Generation {
  std::string model;
  std::string engine;
  std::string text;
  std::vector<TokenId> token_ids;
  StopReason stop_reason = StopReason::kNone;
  RequestStats stats;
  CallTimings timings;
  std::string image_mode;  // what "auto" became; empty without an image
  bool boxes_in_padded_square = false;
  int image_width = 0;  // of the upright image, in pixels
  int image_height = 0;
  std::shared_ptr<const std::string> page_picture;  // the image that was read as JPEG, if asked for
  bool from_result_cache = false;
};

// What came since the last output; never empty.
struct GenerationOutput {
  std::string text;  // whole characters
  std::vector<TokenId> token_ids;
  std::vector<OutputLogprobs> logprobs;
};

using OnGenerationOutput = std::function<void(const GenerationOutput&)>;

}  // namespace mao

#endif  // MAOOCR_SERVE_API_GENERATION_H_
