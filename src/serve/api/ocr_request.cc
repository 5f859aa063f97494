#include "serve/api/ocr_request.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "ocr/tasks.h"

namespace mao {
namespace {

constexpr std::string_view kGroundingToken = "<|grounding|>";
constexpr std::string_view kCaptionTask = "describe";
constexpr std::string_view kSearchTask = "markdown";

// What `mode` and `task` come to; a size mode among them goes to `sizes`.
Result<const OcrMode*> ChooseMode(const OcrRequest& request, std::vector<std::string>& sizes) {
  const OcrMode* chosen = nullptr;
  for (const std::string* name : {&request.task, &request.mode}) {
    if (name->empty()) continue;
    const bool may_be_size = name == &request.mode;
    const OcrMode* const mode = FindOcrMode(*name);
    if (mode == nullptr && may_be_size && IsSizeMode(*name)) {
      sizes.push_back(*name);
      continue;
    }
    if (mode == nullptr) {
      return InvalidArgumentError(fmt::format("{}: there is no '{}'; there is {}",
                                              may_be_size ? "mode" : "task", *name,
                                              OcrModeNames()));
    }
    if (chosen != nullptr && chosen != mode) {
      return InvalidArgumentError(fmt::format("task '{}' and mode '{}' ask for different things",
                                              request.task, request.mode));
    }
    chosen = mode;
  }
  if (chosen != nullptr) return chosen;
  return FindOcrMode(request.prompt.empty() ? "markdown" : kFreeformMode);
}

// Empty: nobody said anything.
Result<std::string> ChooseSize(const OcrRequest& request, std::vector<std::string> sizes) {
  MAO_ASSIGN_OR_RETURN(std::string legacy, SizeModeOf(request.legacy_size));
  if (!request.size.empty()) sizes.push_back(request.size);
  if (!legacy.empty()) sizes.push_back(std::move(legacy));
  for (const std::string& size : sizes) {
    if (size == sizes.front()) continue;
    return InvalidArgumentError(
        fmt::format("the sizes '{}' and '{}' contradict each other", sizes.front(), size));
  }
  return sizes.empty() ? std::string() : sizes.front();
}

bool AsksForBoxes(const OcrTask& task) {
  return std::any_of(task.prompt.begin(), task.prompt.end(), [](const PromptPiece& piece) {
    return piece.parse_special_tokens && piece.text.find(kGroundingToken) != std::string::npos;
  });
}

Result<OcrTask> ChooseTask(const OcrRequest& request, const OcrMode& mode, bool grounding) {
  if (mode.name == kFindMode) {
    if (request.find_term.empty()) {
      return InvalidArgumentError("find_term: mode find_ref needs the term to look for");
    }
    return ParseTask("locate:" + request.find_term);
  }
  if (mode.name == kFreeformMode) {
    if (request.prompt.empty()) return InvalidArgumentError("prompt: mode freeform needs one");
    MAO_ASSIGN_OR_RETURN(OcrTask task, UserImagePrompt(request.prompt));
    if (grounding && !AsksForBoxes(task)) {
      return UserImagePrompt(std::string(kGroundingToken) + request.prompt);
    }
    return task;
  }
  if (!grounding) return ParseTask(mode.text_task);
  if (!mode.grounded_task.empty()) return ParseTask(mode.grounded_task);
  const std::span<const TaskRow> rows = NamedTasks();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const TaskRow& r) { return r.name == mode.text_task; });
  return ParseTask(std::string(kGroundingToken) + std::string(row->prompt));
}

bool GroundingOf(const OcrRequest& request, const OcrMode& mode) {
  if (mode.name == kFreeformMode) return request.grounding.value_or(false);
  return mode.text_task.empty() || request.grounding.value_or(mode.grounding);
}

SamplingParams SamplingOf(const OcrRequest& request, const ModelInfo* info) {
  SamplingParams sampling = DefaultPageSampling(info);
  sampling.max_tokens = request.max_tokens.value_or(sampling.max_tokens);
  sampling.temperature = request.temperature.value_or(sampling.temperature);
  sampling.top_p = request.top_p.value_or(sampling.top_p);
  if (request.seed.has_value()) sampling.seed = request.seed;
  sampling.no_repeat_ngram_size = request.ngram_size.value_or(sampling.no_repeat_ngram_size);
  sampling.no_repeat_ngram_window = request.window_size.value_or(sampling.no_repeat_ngram_window);
  if (request.change_sampling) request.change_sampling(sampling);
  return sampling;
}

// The same page with one of the named tasks.
Result<GenerationRequest> WithTask(const GenerationRequest& request, std::string_view task_name) {
  MAO_ASSIGN_OR_RETURN(OcrTask task, ParseTask(task_name));
  GenerationRequest other = request;
  other.prompt = std::move(task.prompt);
  return other;
}

void NoteUnused(const OcrRequest& request, const OcrMode& mode, std::vector<std::string>& ignored) {
  if (!request.prompt.empty() && mode.name != kFreeformMode) ignored.emplace_back("prompt");
  if (!request.find_term.empty() && mode.name != kFindMode) ignored.emplace_back("find_term");
  if (!request.schema.is_null() && mode.output != OcrOutput::kKeyValues) {
    ignored.emplace_back("schema");
  }
}

}  // namespace

SamplingParams DefaultPageSampling(const ModelInfo* info) {
  return info == nullptr ? SamplingParams() : DefaultSampling(*info);
}

Result<OcrPlan> PlanOcr(OcrRequest request, const ModelInfo* info) {
  if (request.image.empty()) return InvalidArgumentError("image: there is none in the request");
  OcrPlan plan;
  std::vector<std::string> sizes;
  MAO_ASSIGN_OR_RETURN(plan.mode, ChooseMode(request, sizes));
  MAO_ASSIGN_OR_RETURN(const std::string size, ChooseSize(request, std::move(sizes)));
  plan.grounding = GroundingOf(request, *plan.mode);
  MAO_ASSIGN_OR_RETURN(OcrTask task, ChooseTask(request, *plan.mode, plan.grounding));
  plan.grounding = plan.grounding || AsksForBoxes(task);
  NoteUnused(request, *plan.mode, request.ignored);

  GenerationRequest& read = plan.read;
  read.sampling = SamplingOf(request, info);
  if (info != nullptr) {
    read.pdf_ngram = NgramRule{request.ngram_size.value_or(kPdfNgramSize),
                               request.window_size.value_or(kPdfNgramWindow)};
  }
  read.wants_page_picture = request.wants_page_pictures;
  read.is_continuation = request.is_continuation;
  read.model = std::move(request.model);
  read.engine = std::move(request.engine);
  read.image = std::move(request.image);
  read.prompt = std::move(task.prompt);
  if (!size.empty()) read.image_options.mode = size;
  read.image_options.max_tiles = request.max_tiles.value_or(read.image_options.max_tiles);
  read.priority = request.priority;
  read.timeout = request.timeout;
  read.use_result_cache = request.use_result_cache;
  read.context = std::move(request.context);
  if (read.context.operation.empty()) read.context.operation = "ocr";
  if (request.include_caption && plan.mode->text_task != kCaptionTask) {
    MAO_ASSIGN_OR_RETURN(plan.caption, WithTask(read, kCaptionTask));
    plan.caption->wants_page_picture = false;
  }
  if (plan.mode->output == OcrOutput::kPlaces) {
    MAO_ASSIGN_OR_RETURN(plan.search, WithTask(read, kSearchTask));
  }
  plan.find_term = std::move(request.find_term);
  plan.schema = std::move(request.schema);
  plan.markdown = request.markdown;
  plan.ignored = std::move(request.ignored);
  return plan;
}

}  // namespace mao
