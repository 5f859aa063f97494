// Spans to an OpenTelemetry collector: OTLP over HTTP, in batches, by a thread of its own.
#ifndef MAOOCR_SERVE_TRACE_OTLP_TRACER_H_
#define MAOOCR_SERVE_TRACE_OTLP_TRACER_H_

#include <chrono>
#include <memory>
#include <string>

#include "serve/trace/trace.h"

namespace mao {

// As OTEL_TRACES_SAMPLER names them. Parent-based ones do as the caller's trace does, if it has one.
struct TraceSampling {
  bool is_parent_based = true;
  double ratio = 1;  // of the traces that are sent, 0 to 1
};

struct OtlpTracerConfig {
  std::string url;  // of the collector's traces, complete
  std::string service_name = "maoocr";
  std::string service_version;
  TraceSampling sampling;
  std::chrono::milliseconds export_interval{5'000};  // of batches
  std::chrono::milliseconds export_timeout{3'000};   // of sending one
  std::chrono::milliseconds flush_timeout{2'000};    // for what is left at the end, in batches
  size_t max_queue_spans = 8192;                     // more are dropped
};

// What else the library reads from the environment holds too: OTEL_RESOURCE_ATTRIBUTES,
// OTEL_EXPORTER_OTLP_HEADERS, and the certificates of OTEL_EXPORTER_OTLP_*.
//
// Nothing here waits for the collector but the destructor, for flush_timeout and one export_timeout
// at most. Spans that outlive the tracer are dropped. A collector that does not answer is logged once a minute.
std::unique_ptr<Tracer> MakeOtlpTracer(const OtlpTracerConfig& config);

}  // namespace mao

#endif  // MAOOCR_SERVE_TRACE_OTLP_TRACER_H_
