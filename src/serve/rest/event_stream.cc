#include "serve/rest/event_stream.h"

#include <chrono>
#include <string>

#include "serve/api/json.h"

namespace mao {
namespace {

constexpr std::chrono::seconds kKeepAliveInterval{10};

}  // namespace

void EventStream::Begin() {
  if (has_begun_) return;
  has_begun_ = true;
  const bool is_sse = kind_ == StreamKind::kServerSentEvents;
  if (is_sse) exchange_->SetKeepAlive(": keep-alive\n\n", kKeepAliveInterval);
  exchange_->Begin({200,
                    is_sse ? "text/event-stream; charset=utf-8" : "application/x-ndjson",
                    "",
                    {{"Cache-Control", "no-cache"}}});
}

void EventStream::Write(std::string_view name, const nlohmann::ordered_json& data) {
  Begin();
  if (kind_ == StreamKind::kServerSentEvents) {
    std::string event = name.empty() ? "" : "event: " + std::string(name) + "\n";
    exchange_->Write(event + "data: " + DumpJson(data) + "\n\n");
    return;
  }
  nlohmann::ordered_json line = nlohmann::ordered_json::object();
  if (!name.empty()) line["event"] = name;
  line.update(data);
  exchange_->Write(DumpJson(line) + "\n");
}

void EventStream::End() { exchange_->End(); }

}  // namespace mao
