// Answers in the shape of Ollama's API.
#ifndef MAOOCR_SERVE_REST_OLLAMA_ANSWER_H_
#define MAOOCR_SERVE_REST_OLLAMA_ANSWER_H_

#include <chrono>
#include <memory>
#include <string>

#include "serve/api/call.h"
#include "serve/http/exchange.h"
#include "serve/rest/event_stream.h"

namespace mao {

// {"error": "message"}
HttpResponse OllamaError(const Status& status);

// "2026-03-01T10:20:30.123456Z"
std::string Rfc3339(std::chrono::system_clock::time_point time);

// Writes one answer: a JSON line for every piece of text and a last one with the figures, or all in
// one object. /api/generate's last object also has `text` (when it is the only one) and `usage`.
class OllamaAnswer final : public CallObserver {
 public:
  OllamaAnswer(std::shared_ptr<Exchange> exchange, std::string model, bool is_chat, bool stream);

  void OnOutput(const GenerationOutput& output) override;
  void OnDone(const Result<Generation>& result) override;
  // For requests without a prompt.
  void SendLoaded();

 private:
  nlohmann::ordered_json Message(const std::string& text, bool done) const;

  const std::shared_ptr<Exchange> exchange_;
  const std::string model_;
  const bool is_chat_;
  const bool is_streaming_;
  EventStream stream_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_OLLAMA_ANSWER_H_
