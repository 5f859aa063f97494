// The spans of a call in the trace of its request. Without one they cost a comparison with null.
#ifndef MAOOCR_SERVE_API_CALL_TRACE_H_
#define MAOOCR_SERVE_API_CALL_TRACE_H_

#include <optional>
#include <string>
#include <string_view>

#include "serve/api/call.h"

namespace mao {

// Gives the request a span of its own below the one that it has: "chat page-reader", as
// OpenTelemetry's conventions for generative AI name it.
void BeginCallSpan(GenerationRequest& request, const std::string& model);
// From `begin` until now.
void AddStage(const GenerationRequest& request, std::string_view name, TraceTime begin);
// What was asked, and what came of it.
void DescribeCallSpan(const CallRecord& record);
void FailCallSpan(const GenerationRequest& request, const Status& status);

// The engine's part of a call. A request that ended before a stage was over ends it.
void AddEngineStages(const GenerationRequest& request, const RequestStats& stats);
// The same of a server somewhere else, as seen from here: until the first output, and from then on.
void AddRemoteStages(const GenerationRequest& request, TraceTime begin,
                     std::optional<TraceTime> first_output);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_CALL_TRACE_H_
