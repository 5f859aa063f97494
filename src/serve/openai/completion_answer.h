// Answers of OpenAI's completions: whole, or as server-sent events.
#ifndef MAOOCR_SERVE_OPENAI_COMPLETION_ANSWER_H_
#define MAOOCR_SERVE_OPENAI_COMPLETION_ANSWER_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "serve/api/service.h"
#include "serve/http/exchange.h"
#include "serve/openai/completion_request.h"

namespace mao {

// Collects the choices of one request and writes them to the exchange. Starts its calls by itself
// and cancels them when the client goes away.
class CompletionAnswer : public std::enable_shared_from_this<CompletionAnswer> {
 public:
  CompletionAnswer(std::shared_ptr<Exchange> exchange, CompletionRequest request,
                   std::shared_ptr<Backend> backend, std::string model);

  // Submits all choices; if one is refused, cancels the others and answers with the error.
  void Start(Service& service);

 private:
  class Observer;
  struct Choice {
    std::string text;
    nlohmann::ordered_json logprobs;
    nlohmann::ordered_json finish_reason;
    nlohmann::ordered_json stop_reason;
    bool has_begun = false;  // its first chunk was written
    int64_t num_tokens = 0;  // of completion_tokens_; some are known at the end only
  };

  void OnOutput(size_t index, const GenerationOutput& output);
  void OnDone(size_t index, const Result<Generation>& result);
  // The following under the lock.
  void Count(int64_t num_tokens, Choice& choice);
  void Fail(const Status& status);
  void BeginStream();
  void WriteChunk(size_t index, const GenerationOutput& output, bool is_last);
  void WriteEvent(const nlohmann::ordered_json& event);
  void Conclude();
  nlohmann::ordered_json Envelope(const char* object) const;
  nlohmann::ordered_json Usage() const;
  nlohmann::ordered_json Logprobs(const GenerationOutput& output) const;
  std::string TokenText(TokenId id) const;

  const std::shared_ptr<Exchange> exchange_;
  const CompletionRequest request_;
  const std::shared_ptr<Backend> backend_;
  const std::string model_;
  const std::string id_;
  const int64_t created_;

  std::mutex mutex_;
  std::vector<std::shared_ptr<Call>> calls_;
  std::vector<Choice> choices_;
  size_t num_done_ = 0;
  bool failed_ = false;
  bool streaming_ = false;
  int64_t prompt_tokens_ = 0;
  int64_t cached_tokens_ = 0;
  int64_t completion_tokens_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_OPENAI_COMPLETION_ANSWER_H_
