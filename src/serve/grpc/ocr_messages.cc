#include "serve/grpc/ocr_messages.h"

#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "ocr/tasks.h"
#include "serve/api/base64.h"
#include "serve/api/error.h"
#include "serve/api/json.h"
#include "serve/api/ocr_image.h"
#include "text/utf8.h"

namespace mao {
namespace {

namespace v1 = maoocr::v1;

std::string ValidUtf8(std::string_view text) {
  if (IsValidUtf8(text)) return std::string(text);
  std::string valid;
  AppendLossyUtf8(text, valid);
  return valid;
}

void ReadSampling(const v1::SamplingOptions& options, SamplingParams& sampling) {
  const auto read = [](bool is_set, auto value, auto& target) {
    if (is_set) target = value;
  };
  read(options.has_temperature(), options.temperature(), sampling.temperature);
  read(options.has_top_p(), options.top_p(), sampling.top_p);
  read(options.has_top_k(), options.top_k(), sampling.top_k);
  read(options.has_min_p(), options.min_p(), sampling.min_p);
  read(options.has_seed(), options.seed(), sampling.seed);
  read(options.has_repetition_penalty(), options.repetition_penalty(), sampling.repetition_penalty);
  read(options.has_presence_penalty(), options.presence_penalty(), sampling.presence_penalty);
  read(options.has_frequency_penalty(), options.frequency_penalty(), sampling.frequency_penalty);
  read(options.has_no_repeat_ngram_size(), options.no_repeat_ngram_size(),
       sampling.no_repeat_ngram_size);
  read(options.has_no_repeat_ngram_window(), options.no_repeat_ngram_window(),
       sampling.no_repeat_ngram_window);
  read(options.has_detect_loops(), options.detect_loops(), sampling.detect_loops);
  read(options.has_min_tokens(), options.min_tokens(), sampling.min_tokens);
  read(options.has_max_tokens(), options.max_tokens(), sampling.max_tokens);
  read(options.has_ignore_eos(), options.ignore_eos(), sampling.ignore_eos);
  read(options.has_skip_special_tokens(), options.skip_special_tokens(),
       sampling.skip_special_tokens);
  sampling.stop.assign(options.stop().begin(), options.stop().end());
  sampling.stop_token_ids.assign(options.stop_token_ids().begin(), options.stop_token_ids().end());
}

// An image by its address. Data URIs have no place here: bytes need no base64.
Result<ImageSource> FromUrl(const std::string& url) {
  if (IsDataUri(url)) {
    return InvalidArgumentError("image_url: expected an address with http:// or https://");
  }
  return ImageFromUrl(url, "image_url");
}

std::string_view FinishReason(StopReason reason) {
  switch (reason) {
    case StopReason::kMaxTokens:
      return "length";
    case StopReason::kRepetition:
      return "repetition";
    default:
      return "stop";
  }
}

// Of pages too, which have the same fields by other names.
void FillTimings(const CallTimings& call, v1::Timings& timings) {
  timings.set_wait_ms(call.wait_ms);
  timings.set_fetch_ms(call.fetch_ms);
  timings.set_decode_ms(call.decode_ms);
  timings.set_first_output_ms(call.first_output_ms);
  timings.set_total_ms(call.total_ms);
}

void FillMetadata(const Generation& answer, const CallContext& context, v1::Metadata& metadata) {
  metadata.set_request_id(context.request_id);
  metadata.set_model(answer.model);
  metadata.set_engine(answer.engine);
  metadata.set_finish_reason(std::string(FinishReason(answer.stop_reason)));
  metadata.set_size_mode(answer.image_mode);
  metadata.set_cached(answer.from_result_cache);
  v1::Usage& usage = *metadata.mutable_usage();
  usage.set_prompt_tokens(answer.stats.num_prompt_tokens);
  usage.set_image_tokens(answer.stats.num_image_tokens);
  usage.set_cached_tokens(answer.stats.num_cached_tokens);
  usage.set_completion_tokens(answer.stats.num_output_tokens);
  v1::Timings& timings = *metadata.mutable_timings();
  FillTimings(answer.timings, timings);
  timings.set_preprocess_ms(answer.stats.prepare_ms);
  timings.set_queue_ms(answer.stats.queue_ms);
  timings.set_encode_ms(answer.stats.encode_ms);
  timings.set_prefill_ms(answer.stats.prefill_ms);
  timings.set_generate_ms(answer.stats.generate_ms);
}

void FillMetadata(const OcrAnswer& answer, v1::Metadata& metadata) {
  metadata.set_request_id(answer.request_id);
  metadata.set_model(answer.model);
  metadata.set_engine(answer.engine);
  metadata.set_finish_reason(std::string(PageFinishName(answer.page.finish)));
  metadata.set_size_mode(answer.page.mode);
  metadata.set_cached(answer.from_cache);
  v1::Usage& usage = *metadata.mutable_usage();
  usage.set_prompt_tokens(answer.tokens.prompt);
  usage.set_image_tokens(answer.tokens.image);
  usage.set_cached_tokens(answer.num_cached_tokens);
  usage.set_completion_tokens(answer.tokens.output);
  v1::Timings& timings = *metadata.mutable_timings();
  FillTimings(answer.timings, timings);
  timings.set_preprocess_ms(answer.page.timings.preprocess_ms);
  timings.set_queue_ms(answer.page.timings.queue_ms);
  timings.set_encode_ms(answer.page.timings.encode_ms);
  timings.set_prefill_ms(answer.page.timings.prefill_ms);
  timings.set_generate_ms(answer.page.timings.generate_ms);
  metadata.set_mode(std::string(answer.mode->name));
  metadata.set_grounding(answer.grounding);
  metadata.set_num_generations(answer.num_generations);
  metadata.set_method(answer.method);
  for (const std::string& key : answer.missing) metadata.add_missing(ValidUtf8(key));
  for (const std::string& name : answer.ignored) metadata.add_ignored(ValidUtf8(name));
}

// What the pages have in common, and their sums.
void FillMetadata(const OcrDocument& document, v1::Metadata& metadata) {
  metadata.set_request_id(document.request_id);
  metadata.set_pages_total(document.file->num_pages());
  metadata.set_dpi(document.dpi);
  v1::Usage& usage = *metadata.mutable_usage();
  int num_read = 0;
  bool is_known = true;
  for (const OcrPage& page : document.pages) {
    if (!page.answer.ok()) continue;
    const OcrAnswer& answer = *page.answer;
    if (num_read++ == 0) {
      metadata.set_model(answer.model);
      metadata.set_engine(answer.engine);
      metadata.set_mode(std::string(answer.mode->name));
      metadata.set_grounding(answer.grounding);
      for (const std::string& name : answer.ignored) metadata.add_ignored(ValidUtf8(name));
    }
    is_known = is_known && answer.from_cache;
    metadata.set_num_generations(metadata.num_generations() + answer.num_generations);
    usage.set_prompt_tokens(usage.prompt_tokens() + answer.tokens.prompt);
    usage.set_image_tokens(usage.image_tokens() + answer.tokens.image);
    usage.set_cached_tokens(usage.cached_tokens() + answer.num_cached_tokens);
    usage.set_completion_tokens(usage.completion_tokens() + answer.tokens.output);
  }
  metadata.set_cached(is_known);
  metadata.set_pages_read(num_read);
  metadata.set_pages_failed(static_cast<int>(document.pages.size()) - num_read);
}

template <typename Box>
void FillRectangle(const Box& box, v1::Rectangle& rectangle) {
  rectangle.set_x1(box.x1);
  rectangle.set_y1(box.y1);
  rectangle.set_x2(box.x2);
  rectangle.set_y2(box.y2);
}

}  // namespace

Result<OcrRequest> ToOcrRequest(v1::OcrRequest& request) {
  // The fields that are spelled as those of other interfaces are read by the same code.
  nlohmann::json fields = {{"model", request.model()},
                           {"inference_engine", request.options().engine()},
                           {"mode", request.mode()},
                           {"prompt", request.prompt()},
                           {"find_term", request.find_term()},
                           {"size", request.size_mode()},
                           {"schema", request.schema()},
                           {"pages", request.pages()},
                           {"page_pictures", request.page_pictures()}};
  MAO_ASSIGN_OR_RETURN(OcrRequest ocr, ParseOcrFields(std::move(fields)));
  switch (request.source_case()) {
    case v1::OcrRequest::kImage: {
      MAO_ASSIGN_OR_RETURN(ocr.image, ImageFromBytes(std::move(*request.mutable_image()), "image"));
      break;
    }
    case v1::OcrRequest::kImageUrl: {
      MAO_ASSIGN_OR_RETURN(ocr.image, FromUrl(request.image_url()));
      break;
    }
    case v1::OcrRequest::SOURCE_NOT_SET:
      return InvalidArgumentError("image: the request has neither image nor image_url");
  }
  ocr.image.dpi = request.dpi();
  if (request.has_grounding()) ocr.grounding = request.grounding();
  if (request.has_max_tiles()) ocr.max_tiles = request.max_tiles();
  ocr.include_caption = request.include_caption();
  // These two have other defaults for a PDF, so the plan has to know what was set.
  const v1::SamplingOptions& sampling = request.sampling();
  if (sampling.has_no_repeat_ngram_size()) ocr.ngram_size = sampling.no_repeat_ngram_size();
  if (sampling.has_no_repeat_ngram_window()) ocr.window_size = sampling.no_repeat_ngram_window();
  ocr.priority = request.options().priority();
  ocr.use_result_cache = !request.options().bypass_cache();
  ocr.change_sampling = [options = sampling](SamplingParams& params) {
    ReadSampling(options, params);
  };
  return ocr;
}

Result<GenerationRequest> ToGenerationRequest(v1::GenerateRequest& request,
                                              const Service& service) {
  GenerationRequest generation;
  const int num_images = request.images_size() + request.image_urls_size();
  if (num_images > 1) {
    return InvalidArgumentError(
        fmt::format("images: the model reads one image in a request, found {}", num_images));
  }
  if (request.images_size() > 0) {
    MAO_ASSIGN_OR_RETURN(generation.image,
                         ImageFromBytes(std::move(*request.mutable_images(0)), "images"));
  }
  if (request.image_urls_size() > 0) {
    MAO_ASSIGN_OR_RETURN(generation.image, FromUrl(request.image_urls(0)));
  }
  generation.model = request.model();
  generation.engine = request.options().engine();
  generation.priority = request.options().priority();
  generation.use_result_cache = !request.options().bypass_cache();
  MAO_ASSIGN_OR_RETURN(const ServedModel model,
                       service.FindModel(generation.model, generation.engine));
  const bool has_image = !generation.image.empty();
  const Engine* const engine = model.backend->engine();
  if (has_image) {
    generation.sampling = DefaultPageSampling(engine == nullptr ? nullptr : &engine->model_info());
  }
  ReadSampling(request.sampling(), generation.sampling);
  if (!request.size_mode().empty()) generation.image_options.mode = request.size_mode();
  if (request.has_max_tiles()) generation.image_options.max_tiles = request.max_tiles();
  MAO_ASSIGN_OR_RETURN(
      OcrTask task, has_image ? UserImagePrompt(request.prompt()) : UserPrompt(request.prompt()));
  generation.prompt = std::move(task.prompt);
  generation.context.operation = "generate";
  return generation;
}

void FillResponse(const OcrAnswer& answer, v1::OcrResponse& response) {
  response.set_text(ValidUtf8(answer.text));
  response.set_raw_text(ValidUtf8(answer.page.raw_text));
  if (!answer.data.is_null()) response.set_data(DumpJson(answer.data));
  response.set_caption(ValidUtf8(answer.caption));
  for (const OcrBox& found : answer.boxes) {
    v1::Box& box = *response.add_boxes();
    box.set_label(ValidUtf8(found.label));
    box.set_text(ValidUtf8(found.text));
    FillRectangle(found.box, *box.mutable_pixels());
    FillRectangle(found.norm_box, *box.mutable_normalized());
  }
  for (const PageFigure& found : answer.page.figures) {
    v1::Figure& figure = *response.add_figures();
    figure.set_path(found.path);
    FillRectangle(found.box, *figure.mutable_pixels());
  }
  response.mutable_image_dims()->set_width(answer.page.width);
  response.mutable_image_dims()->set_height(answer.page.height);
  if (answer.page_picture != nullptr) response.set_page_picture(*answer.page_picture);
  FillMetadata(answer, *response.mutable_metadata());
}

void FillResponse(const OcrDocument& document, v1::OcrResponse& response) {
  if (document.file == nullptr) return FillResponse(*document.pages.front().answer, response);
  response.set_text(
      ValidUtf8(JoinOcrPages(document, [](const OcrAnswer& answer) { return answer.text; })));
  response.set_raw_text(ValidUtf8(
      JoinOcrPages(document, [](const OcrAnswer& answer) { return answer.page.raw_text; })));
  FillMetadata(document, *response.mutable_metadata());
}

void FillPage(const OcrPage& page, v1::OcrPage& message) {
  message.set_page(page.page + 1);
  if (page.answer.ok()) return FillResponse(*page.answer, *message.mutable_result());
  const Status& status = page.answer.status();
  message.mutable_error()->set_code(std::string(ToApiError(status).code));
  message.mutable_error()->set_message(ValidUtf8(status.message()));
}

void FillResponse(const Generation& answer, const CallContext& context,
                  v1::GenerateResponse& response) {
  response.set_text(ValidUtf8(answer.text));
  FillMetadata(answer, context, *response.mutable_metadata());
}

void FillDelta(const std::string& text, int32_t num_tokens, v1::TextDelta& delta) {
  delta.set_text(ValidUtf8(text));
  delta.set_num_tokens(num_tokens);
}

void FillModels(const Service& service, v1::ListModelsResponse& response) {
  for (const ServedModel& served : service.models()) {
    v1::Model& model = *response.add_models();
    model.set_name(served.name);
    if (served.state == ModelState::kLoading) {
      model.set_state("loading");
    } else if (served.state == ModelState::kFailed) {
      model.set_state("failed");
      model.set_failure(ValidUtf8(served.failure.message()));
    } else {
      model.set_state("loaded");
      model.set_engine(std::string(served.backend->engine_name()));
      model.set_created(
          std::chrono::duration_cast<std::chrono::seconds>(served.created.time_since_epoch())
              .count());
      const Engine* engine = served.backend->engine();
      if (engine != nullptr) model.set_max_model_len(engine->config().max_model_len);
    }
  }
}

void FillHealth(const ServiceHealth& health, v1::GetHealthResponse& response) {
  response.set_status(std::string(health.status));
  response.set_model_loaded(health.model_loaded);
  response.set_inference_engine(health.engine);
  response.set_reason(ValidUtf8(health.reason));
}

}  // namespace mao
