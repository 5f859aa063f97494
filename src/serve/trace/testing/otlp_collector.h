// A collector for tests: takes OTLP over HTTP (protobuf) and keeps the spans.
#ifndef MAOOCR_SERVE_TRACE_TESTING_OTLP_COLLECTOR_H_
#define MAOOCR_SERVE_TRACE_TESTING_OTLP_COLLECTOR_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "serve/fetch/testing/scripted_server.h"

namespace mao {

// Ids are hexadecimal; values of attributes are texts: "true", "12", "0.5", "[stop]".
struct CollectedSpan {
  std::string trace_id;
  std::string span_id;
  std::string parent_id;  // empty: the root of its trace
  std::string tracestate;
  std::string name;
  int kind = 0;  // opentelemetry.proto.trace.v1.Span.SpanKind
  uint64_t start_unix_ns = 0;
  uint64_t end_unix_ns = 0;
  std::map<std::string, std::string> attributes;
  int status_code = 0;  // 2: an error
  std::string status_message;
  std::map<std::string, std::string> resource;

  // Empty if it is not there.
  std::string Attribute(const std::string& key) const;
};
// For messages of tests.
void PrintTo(const CollectedSpan& span, std::ostream* out);

class OtlpCollector {
 public:
  // Answers every batch with `http_status`; one that is not 200 is not kept.
  explicit OtlpCollector(int http_status = 200);

  // Of its traces.
  std::string url() const { return server_.url() + "/v1/traces"; }
  std::vector<CollectedSpan> spans() const;
  size_t num_requests() const { return server_.requests().size(); }
  // Waits until the spans are as wanted, for a minute at most.
  std::vector<CollectedSpan> WaitFor(
      const std::function<bool(const std::vector<CollectedSpan>&)>& is_enough);
  std::vector<CollectedSpan> WaitForSpans(size_t num_spans);
  // Until one of this name is there, which comes last if it is the root of a trace.
  std::vector<CollectedSpan> WaitForSpan(const std::string& name);

 private:
  void Take(std::string_view body);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CollectedSpan> spans_;
  ScriptedServer server_;  // last: calls Take
};

}  // namespace mao

#endif  // MAOOCR_SERVE_TRACE_TESTING_OTLP_COLLECTOR_H_
