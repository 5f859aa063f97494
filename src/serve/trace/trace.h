// Traces of requests, as the server sees them: spans that begin and end, whoever they are sent to.
#ifndef MAOOCR_SERVE_TRACE_TRACE_H_
#define MAOOCR_SERVE_TRACE_TRACE_H_

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace mao {

using TraceTime = std::chrono::steady_clock::time_point;

struct TraceAttribute {
  std::string_view name;
  std::variant<bool, int64_t, double, std::string_view> value;
  bool is_list = false;  // a text is sent as the only one of a list
};
using TraceAttributes = std::initializer_list<TraceAttribute>;

// The headers of W3C Trace Context; traceparent is empty or well-formed.
struct TraceHeaders {
  std::string traceparent;
  std::string tracestate;
};

// Part of a trace. Shared by all who work on what it stands for; it is sent when the last of them
// lets it go, and ends no earlier than what was begun below it. Thread-safe.
class TraceSpan {
 public:
  virtual ~TraceSpan() = default;

  // Name this span as the parent of what others do for it.
  virtual const TraceHeaders& headers() const = 0;
  virtual void Set(TraceAttributes attributes) = 0;
  // It failed: `type` is one of few words, `message` for people.
  virtual void SetError(std::string_view type, std::string_view message) = 0;
  // When it ended; otherwise it ends when the last one lets it go.
  virtual void End(TraceTime end) = 0;

  virtual std::shared_ptr<TraceSpan> StartChild(std::string_view name, TraceTime start) = 0;
  // A child that has ended already.
  virtual void AddStage(std::string_view name, TraceTime begin, TraceTime end,
                        TraceAttributes attributes = {}) = 0;
};

class Tracer {
 public:
  enum class Kind { kServer, kConsumer };  // someone waits for it; it was in a queue

  struct Stats {
    uint64_t num_exported = 0;      // spans that the collector has taken
    uint64_t num_not_exported = 0;  // spans that it could not be given
    uint64_t num_overflowed = 0;    // spans for which the queue had no room
  };

  virtual ~Tracer() = default;
  // The uppermost span of this process, below that of `parent` if it has one. Never null.
  virtual std::shared_ptr<TraceSpan> Start(std::string_view name, Kind kind,
                                           const TraceHeaders& parent, TraceTime start) = 0;
  virtual Stats stats() const = 0;
};

// Whether the text may be passed on as a tracestate header; what its members say is not looked at.
bool IsTracestate(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_SERVE_TRACE_TRACE_H_
