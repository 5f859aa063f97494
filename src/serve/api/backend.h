// Whoever computes answers: the engine of this process, or a server somewhere else.
#ifndef MAOOCR_SERVE_API_BACKEND_H_
#define MAOOCR_SERVE_API_BACKEND_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/status.h"
#include "serve/api/generation.h"
#include "vision/image.h"

namespace mao {

class Backend {
 public:
  virtual ~Backend() = default;

  // "vllm_direct" or "vllm_openai".
  virtual std::string_view engine_name() const = 0;
  // How many calls of Generate keep it busy.
  virtual size_t max_concurrency() const = 0;
  // Ok, or why it cannot answer now. Never asks the model.
  virtual Status health() const = 0;
  // How long nothing has moved though it has work; nullopt: it has none, or does not know.
  virtual std::optional<std::chrono::milliseconds> stalled_for() const { return std::nullopt; }
  // Null when the model is elsewhere.
  virtual const Engine* engine() const = 0;

  // Answers request, blocking; from any thread. `image` is the decoded request.image, null without
  // one. Fills what it knows of the Generation: all but model, engine, timings and the image's
  // size. Errors: Cancelled after a stop request, DeadlineExceeded, those of Engine::Submit.
  virtual Result<Generation> Generate(const GenerationRequest& request,
                                      std::shared_ptr<const Image> image,
                                      std::chrono::steady_clock::time_point deadline,
                                      const OnGenerationOutput& on_output,
                                      const std::stop_token& stop) = 0;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_API_BACKEND_H_
