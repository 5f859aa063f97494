// A response that grows: server-sent events, or one JSON object a line.
#ifndef MAOOCR_SERVE_REST_EVENT_STREAM_H_
#define MAOOCR_SERVE_REST_EVENT_STREAM_H_

#include <memory>
#include <string_view>

#include <nlohmann/json.hpp>

#include "serve/http/exchange.h"

namespace mao {

enum class StreamKind { kServerSentEvents, kJsonLines };

// One thread at a time. The response begins with the first event, so that what fails before it is
// still answered with an HTTP status.
class EventStream {
 public:
  EventStream(std::shared_ptr<Exchange> exchange, StreamKind kind)
      : exchange_(std::move(exchange)), kind_(kind) {}

  bool has_begun() const { return has_begun_; }
  // "event: NAME, data: {...}", or the line {"event": NAME, ...}; without a name, the object alone.
  void Write(std::string_view name, const nlohmann::ordered_json& data);
  void End();

 private:
  void Begin();

  const std::shared_ptr<Exchange> exchange_;
  const StreamKind kind_;
  bool has_begun_ = false;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_EVENT_STREAM_H_
