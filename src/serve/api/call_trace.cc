#include "serve/api/call_trace.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

// The words of gen_ai.operation.name.
std::string_view OperationName(std::string_view operation) {
  if (operation == "chat") return "chat";
  if (operation == "completion" || operation == "generate") return "text_completion";
  return "generate_content";  // of an image and a task
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

void DescribeAnswer(const Generation& answer, TraceSpan& span) {
  const RequestStats& stats = answer.stats;
  span.Set({{"gen_ai.response.finish_reasons", FinishReason(answer.stop_reason), true},
            {"maoocr.result_cache.hit", answer.from_result_cache}});
  if (!answer.from_result_cache) {
    span.Set({{"gen_ai.usage.input_tokens", stats.num_prompt_tokens},
              {"gen_ai.usage.output_tokens", stats.num_output_tokens},
              {"gen_ai.usage.cache_read.input_tokens", stats.num_cached_tokens}});
  }
  if (answer.image_width == 0) return;
  span.Set({{"maoocr.page.width", int64_t{answer.image_width}},
            {"maoocr.page.height", int64_t{answer.image_height}},
            {"maoocr.page.mode", std::string_view(answer.image_mode)},
            {"maoocr.page.tokens", stats.num_image_tokens}});
}

}  // namespace

void BeginCallSpan(GenerationRequest& request, const std::string& model) {
  CallContext& context = request.context;
  if (context.span == nullptr) return;
  const std::string_view operation = OperationName(context.operation);
  context.span = context.span->StartChild(fmt::format("{} {}", operation, model),
                                          std::chrono::steady_clock::now());
  context.traceparent = context.span->headers().traceparent;
  context.tracestate = context.span->headers().tracestate;
  context.span->Set({{"gen_ai.operation.name", operation},
                     {"gen_ai.provider.name", "maoocr"},
                     {"gen_ai.request.model", std::string_view(model)},
                     {"gen_ai.request.max_tokens", int64_t{request.sampling.max_tokens}},
                     {"gen_ai.request.temperature", double{request.sampling.temperature}},
                     {"maoocr.operation", std::string_view(context.operation)},
                     {"maoocr.request_id", std::string_view(context.request_id)}});
}

void AddStage(const GenerationRequest& request, std::string_view name, TraceTime begin) {
  if (request.context.span == nullptr) return;
  request.context.span->AddStage(name, begin, std::chrono::steady_clock::now());
}

void DescribeCallSpan(const CallRecord& record) {
  TraceSpan* const span = record.request.context.span.get();
  if (span == nullptr) return;
  span->Set({{"gen_ai.response.model", std::string_view(record.model)},
             {"maoocr.engine", std::string_view(record.engine)}});
  if (record.request.image.page.has_value()) {
    span->Set({{"maoocr.page.number", int64_t{*record.request.image.page} + 1}});
  }
  if (record.result.ok()) {
    DescribeAnswer(*record.result, *span);
  } else {
    FailCallSpan(record.request, record.result.status());
  }
}

void FailCallSpan(const GenerationRequest& request, const Status& status) {
  if (request.context.span == nullptr) return;
  request.context.span->SetError(StatusCodeName(status.code()), status.message());
}

void AddEngineStages(const GenerationRequest& request, const RequestStats& stats) {
  TraceSpan* const span = request.context.span.get();
  if (span == nullptr) return;
  const RequestTimes& times = stats.times;
  constexpr TraceTime kNever{};
  const auto or_end = [&](TraceTime time) { return time == kNever ? times.finished : time; };
  const bool is_encoded = times.encode_end != kNever;
  span->AddStage("preprocess", times.prepare_begin, times.submitted);
  // As in RequestStats::queue_ms, waiting for the encoder is part of it.
  const TraceTime begun = is_encoded ? times.encode_begin : or_end(times.scheduled);
  span->AddStage("queue", times.submitted, begun);
  if (is_encoded) {
    span->AddStage("vision_encode", times.encode_begin, times.encode_end,
                   {{"maoocr.page.tokens", stats.num_image_tokens}});
  }
  if (times.scheduled == kNever) return;
  const TraceTime prefill = std::max(times.scheduled, times.encode_end);
  span->AddStage("prefill", prefill, or_end(times.first_token),
                 {{"gen_ai.usage.input_tokens", stats.num_prompt_tokens},
                  {"gen_ai.usage.cache_read.input_tokens", stats.num_cached_tokens}});
  if (times.first_token == kNever) return;
  span->AddStage("decode", times.first_token, times.finished,
                 {{"gen_ai.usage.output_tokens", stats.num_output_tokens}});
}

void AddRemoteStages(const GenerationRequest& request, TraceTime begin,
                     std::optional<TraceTime> first_output) {
  TraceSpan* const span = request.context.span.get();
  if (span == nullptr) return;
  const TraceTime end = std::chrono::steady_clock::now();
  span->AddStage("prefill", begin, first_output.value_or(end), {{"maoocr.remote", true}});
  if (!first_output.has_value()) return;
  span->AddStage("decode", *first_output, end, {{"maoocr.remote", true}});
}

}  // namespace mao
