// The engine of this process as a backend.
#ifndef MAOOCR_SERVE_BACKEND_DIRECT_BACKEND_H_
#define MAOOCR_SERVE_BACKEND_DIRECT_BACKEND_H_

#include <memory>

#include "serve/api/backend.h"

namespace mao {

class DirectBackend final : public Backend {
 public:
  explicit DirectBackend(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  std::string_view engine_name() const override { return "vllm_direct"; }
  // Twice what the engine computes at once: the others are decoded and prepared meanwhile.
  size_t max_concurrency() const override { return size_t{2} * engine_->config().max_num_seqs; }
  Status health() const override { return OkStatus(); }
  // By the engine's own account: a long page that is being encoded is progress step by step, though
  // nothing comes of it for a while.
  std::optional<std::chrono::milliseconds> stalled_for() const override;
  const Engine* engine() const override { return engine_.get(); }

  Result<Generation> Generate(const GenerationRequest& request, std::shared_ptr<const Image> image,
                              std::chrono::steady_clock::time_point deadline,
                              const OnGenerationOutput& on_output,
                              const std::stop_token& stop) override;

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_DIRECT_BACKEND_H_
