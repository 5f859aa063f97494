#include "serve/middleware/request_trace.h"

#include <algorithm>
#include <array>
#include <string>

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kClientClosedRequest = 499;
constexpr int kFirstServerError = 500;
constexpr int kFirstError = 400;

void Begin(Tracer& tracer, Tracer::Kind kind, std::string_view name, CallContext& context) {
  context.span = tracer.Start(name, kind, {context.traceparent, context.tracestate}, Clock::now());
  context.traceparent = context.span->headers().traceparent;
  context.tracestate = context.span->headers().tracestate;
  context.span->Set({{"maoocr.request_id", std::string_view(context.request_id)}});
}

void EndWithHttpStatus(TraceSpan& span, int status, int first_error) {
  span.Set({{"http.response.status_code", int64_t{status}}});
  if (status == kClientClosedRequest) {
    span.SetError("cancelled", "the client went away");
  } else if (status >= first_error) {
    span.SetError(std::to_string(status), StatusText(status));
  }
  span.End(Clock::now());
}

}  // namespace

void BeginHttpSpan(Tracer& tracer, HttpRequest& request, const Route& route) {
  if (!route.needs_key) return;
  Begin(tracer, Tracer::Kind::kServer, route.method + " " + route.pattern, request.context);
  request.context.span->Set({{"http.request.method", std::string_view(request.method)},
                             {"http.route", std::string_view(route.pattern)}});
}

void EndHttpSpan(const HttpExchangeRecord& record) {
  TraceSpan* const span = record.request.context.span.get();
  if (span != nullptr) EndWithHttpStatus(*span, record.status, kFirstServerError);
}

void BeginRpcSpan(Tracer& tracer, HttpRequest& request, const Route& route) {
  if (!route.needs_key) return;
  std::string_view method = request.path;
  method.remove_prefix(std::min<size_t>(method.size(), 1));
  Begin(tracer, Tracer::Kind::kServer, method, request.context);
  request.context.span->Set({{"rpc.system.name", "grpc"}, {"rpc.method", method}});
}

void EndRpcSpan(const CallContext& context, std::string_view status) {
  if (context.span == nullptr) return;
  // What the client is to blame for is no error of the server, as with HTTP's 4xx.
  constexpr std::array<std::string_view, 5> kNoErrors = {"OK", "INVALID_ARGUMENT", "NOT_FOUND",
                                                         "OUT_OF_RANGE", "RESOURCE_EXHAUSTED"};
  context.span->Set({{"rpc.response.status_code", status}});
  if (std::find(kNoErrors.begin(), kNoErrors.end(), status) == kNoErrors.end()) {
    context.span->SetError(status, "");
  }
  context.span->End(Clock::now());
}

std::shared_ptr<TraceSpan> BeginJobSpan(Tracer* tracer, HttpRequest& request) {
  if (tracer == nullptr) return nullptr;
  Begin(*tracer, Tracer::Kind::kConsumer, "job " + request.path, request.context);
  return request.context.span;
}

void EndJobSpan(TraceSpan* span, int http_status) {
  // A job that its request's mistake ends has failed all the same.
  if (span != nullptr) EndWithHttpStatus(*span, http_status, kFirstError);
}

std::string_view TraceIdOf(const CallContext& context) {
  constexpr size_t kTraceAt = 3;
  constexpr size_t kLength = 32;
  if (context.traceparent.empty()) return {};
  return std::string_view(context.traceparent).substr(kTraceAt, kLength);
}

}  // namespace mao
