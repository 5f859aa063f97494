// The spans of requests as a whole: what comes by HTTP or gRPC, and jobs.
#ifndef MAOOCR_SERVE_MIDDLEWARE_REQUEST_TRACE_H_
#define MAOOCR_SERVE_MIDDLEWARE_REQUEST_TRACE_H_

#include <memory>
#include <string_view>

#include "serve/http/server.h"

namespace mao {

// "POST /v1/ocr", in the trace of the client if it sent one; the request's context then carries the
// span. Routes that need no key (probes, metrics, the page) are not traced.
void BeginHttpSpan(Tracer& tracer, HttpRequest& request, const Route& route);
// Cancelled by the client or failed by the server is an error, refused is none.
void EndHttpSpan(const HttpExchangeRecord& record);

// "maoocr.v1.OcrService/Ocr"; the request's path is "/maoocr.v1.OcrService/Ocr".
void BeginRpcSpan(Tracer& tracer, HttpRequest& request, const Route& route);
// `status` is a name of gRPC's: "OK", "NOT_FOUND", ...
void EndRpcSpan(const CallContext& context, std::string_view status);

// "job /v1/ocr", in the trace that the request's context names. Null without a tracer.
std::shared_ptr<TraceSpan> BeginJobSpan(Tracer* tracer, HttpRequest& request);
void EndJobSpan(TraceSpan* span, int http_status);

// The 32 digits that name the trace; empty without one.
std::string_view TraceIdOf(const CallContext& context);

}  // namespace mao

#endif  // MAOOCR_SERVE_MIDDLEWARE_REQUEST_TRACE_H_
