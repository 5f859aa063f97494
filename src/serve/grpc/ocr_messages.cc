#include "serve/grpc/ocr_messages.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "ocr/page_result.h"
#include "ocr/tasks.h"
#include "text/utf8.h"

namespace mao {
namespace {

namespace v1 = maoocr::v1;

constexpr std::string_view kGrounding = "<|grounding|>";
constexpr std::string_view kImageTag = "<image>";
constexpr std::string_view kFreeform = "freeform";
constexpr std::string_view kLocate = "locate";

std::string ValidUtf8(std::string_view text) {
  if (IsValidUtf8(text)) return std::string(text);
  std::string valid;
  AppendLossyUtf8(text, valid);
  return valid;
}

std::string Stripped(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin));
}

// The model was trained on "<image>\n" in front of its prompts. Some clients write that themselves.
Result<std::vector<PromptPiece>> PromptAfterImage(std::string_view text, bool grounding) {
  while (text.starts_with(kImageTag) || text.starts_with('\n')) {
    text.remove_prefix(text.front() == '\n' ? 1 : kImageTag.size());
  }
  const bool adds_tag = grounding && !text.starts_with(kGrounding);
  MAO_ASSIGN_OR_RETURN(OcrTask task,
                       UserPrompt(fmt::format("\n{}{}", adds_tag ? kGrounding : "", text)));
  return std::move(task.prompt);
}

// With the tag that asks for boxes, or without it. `prompt` is a named task's.
void SetGrounding(bool wanted, std::vector<PromptPiece>& prompt) {
  std::string& text = prompt.front().text;
  const size_t found = text.find(kGrounding);
  const bool is_there = found != std::string::npos;
  if (wanted && !is_there) text.insert(text.starts_with('\n') ? 1 : 0, kGrounding);
  if (!wanted && is_there) text.erase(found, kGrounding.size());
}

// What a mode asks.
Result<std::vector<PromptPiece>> PromptOf(const v1::OcrRequest& request) {
  const std::string& mode = request.mode();
  if (mode == kFreeform || (mode.empty() && !request.prompt().empty())) {
    return PromptAfterImage(request.prompt(), request.grounding());
  }
  if (!request.prompt().empty()) {
    return InvalidArgumentError(
        fmt::format("prompt: mode '{}' has its own; for yours choose mode {}", mode, kFreeform));
  }
  std::string task_name = mode.empty() ? std::string(NamedTasks().front().name) : mode;
  if (mode == kLocate) task_name += ":" + request.find_term();
  const bool is_known = mode.empty() || task_name.starts_with("locate:") ||
                        std::any_of(NamedTasks().begin(), NamedTasks().end(),
                                    [&](const TaskRow& row) { return row.name == task_name; });
  if (!is_known) {
    std::string known;
    for (const TaskRow& row : NamedTasks()) known += fmt::format("{}, ", row.name);
    return InvalidArgumentError(
        fmt::format("mode: no '{}'; there is {}{}, {}", mode, known, kLocate, kFreeform));
  }
  MAO_ASSIGN_OR_RETURN(OcrTask task, ParseTask(task_name));
  if (request.has_grounding()) SetGrounding(request.grounding(), task.prompt);
  return std::move(task.prompt);
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

Status ReadUrl(std::string url, ImageSource& image) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return InvalidArgumentError("image_url: expected an address with http:// or https://");
  }
  image.url = std::move(url);
  image.name = "image_url";
  return OkStatus();
}

Status ReadBytes(std::string bytes, ImageSource& image) {
  if (bytes.empty()) return InvalidArgumentError("image: has no bytes");
  image.bytes = std::make_shared<const std::string>(std::move(bytes));
  image.name = "image";
  return OkStatus();
}

// What both kinds of requests have in common.
template <typename Request>
Status ReadCommon(const Request& request, const Service& service, GenerationRequest& generation) {
  generation.model = request.model();
  generation.engine = request.options().engine();
  generation.priority = request.options().priority();
  generation.use_result_cache = !request.options().bypass_cache();
  MAO_ASSIGN_OR_RETURN(const ServedModel model,
                       service.FindModel(generation.model, generation.engine));
  const Engine* engine = model.backend->engine();
  if (engine != nullptr && !generation.image.empty()) {
    generation.sampling = DefaultSampling(engine->model_info());
  }
  ReadSampling(request.sampling(), generation.sampling);
  if (!request.size_mode().empty()) generation.image_options.mode = request.size_mode();
  if (request.has_max_tiles()) generation.image_options.max_tiles = request.max_tiles();
  return OkStatus();
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
  timings.set_wait_ms(answer.timings.wait_ms);
  timings.set_fetch_ms(answer.timings.fetch_ms);
  timings.set_decode_ms(answer.timings.decode_ms);
  timings.set_preprocess_ms(answer.stats.prepare_ms);
  timings.set_queue_ms(answer.stats.queue_ms);
  timings.set_encode_ms(answer.stats.encode_ms);
  timings.set_prefill_ms(answer.stats.prefill_ms);
  timings.set_generate_ms(answer.stats.generate_ms);
  timings.set_first_output_ms(answer.timings.first_output_ms);
  timings.set_total_ms(answer.timings.total_ms);
}

template <typename Box>
void FillRectangle(const Box& box, v1::Rectangle& rectangle) {
  rectangle.set_x1(box.x1);
  rectangle.set_y1(box.y1);
  rectangle.set_x2(box.x2);
  rectangle.set_y2(box.y2);
}

void AddBoxes(const PageBlock& block, v1::OcrResponse& response) {
  for (size_t i = 0; i < block.boxes.size(); ++i) {
    v1::Box& box = *response.add_boxes();
    box.set_label(ValidUtf8(block.label.value_or("")));
    box.set_text(ValidUtf8(block.text));
    FillRectangle(block.pixel_boxes[i], *box.mutable_pixels());
    FillRectangle(block.boxes[i], *box.mutable_normalized());
  }
}

}  // namespace

Result<GenerationRequest> ToGenerationRequest(v1::OcrRequest& request, const Service& service) {
  GenerationRequest generation;
  switch (request.source_case()) {
    case v1::OcrRequest::kImage:
      MAO_RETURN_IF_ERROR(ReadBytes(std::move(*request.mutable_image()), generation.image));
      break;
    case v1::OcrRequest::kImageUrl:
      MAO_RETURN_IF_ERROR(ReadUrl(request.image_url(), generation.image));
      break;
    case v1::OcrRequest::SOURCE_NOT_SET:
      return InvalidArgumentError("image: the request has neither image nor image_url");
  }
  MAO_RETURN_IF_ERROR(ReadCommon(request, service, generation));
  MAO_ASSIGN_OR_RETURN(generation.prompt, PromptOf(request));
  generation.context.operation = "ocr";
  return generation;
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
    MAO_RETURN_IF_ERROR(ReadBytes(std::move(*request.mutable_images(0)), generation.image));
  }
  if (request.image_urls_size() > 0) {
    MAO_RETURN_IF_ERROR(ReadUrl(request.image_urls(0), generation.image));
  }
  MAO_RETURN_IF_ERROR(ReadCommon(request, service, generation));
  if (generation.image.empty()) {
    MAO_ASSIGN_OR_RETURN(OcrTask task, UserPrompt(request.prompt()));
    generation.prompt = std::move(task.prompt);
  } else {
    MAO_ASSIGN_OR_RETURN(generation.prompt, PromptAfterImage(request.prompt(), false));
  }
  generation.context.operation = "generate";
  return generation;
}

void FillResponse(const Generation& answer, const CallContext& context, v1::OcrResponse& response) {
  PageResult page;
  page.raw_text = answer.text;
  page.width = std::max(answer.image_width, 1);
  page.height = std::max(answer.image_height, 1);
  page.box_space = answer.boxes_in_padded_square ? BoxSpace::kPaddedSquare : BoxSpace::kOriginal;
  InterpretRawText({}, page);
  response.set_text(ValidUtf8(Stripped(page.markdown)));
  response.set_raw_text(ValidUtf8(answer.text));
  for (const PageBlock& block : page.blocks) AddBoxes(block, response);
  response.mutable_image_dims()->set_width(answer.image_width);
  response.mutable_image_dims()->set_height(answer.image_height);
  FillMetadata(answer, context, *response.mutable_metadata());
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
