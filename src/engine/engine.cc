#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/constraint/constraint_compiler.h"
#include "engine/core/engine_core.h"
#include "engine/core/image_fingerprint.h"

namespace mao {

RequestStream::RequestStream(std::shared_ptr<EngineCore> core,
                             std::shared_ptr<OutputChannel> channel, uint64_t id,
                             std::string image_mode, bool boxes_in_padded_square)
    : core_(std::move(core)),
      channel_(std::move(channel)),
      id_(id),
      image_mode_(std::move(image_mode)),
      boxes_in_padded_square_(boxes_in_padded_square) {}

RequestStream::~RequestStream() {
  if (!finished_) Cancel();
}

std::optional<EngineOutput> RequestStream::Next() {
  if (finished_) return std::nullopt;
  EngineOutput output = channel_->Take();
  finished_ = output.finished;
  return output;
}

void RequestStream::Cancel() { core_->Cancel(RequestId{id_}); }

RequestStats RequestStream::stats() const { return channel_->stats(); }

Engine::Engine(std::shared_ptr<EngineCore> core)
    : core_(std::move(core)),
      constraints_(std::make_unique<ConstraintCompiler>(core_->model().tokenizer())) {}

Engine::~Engine() { core_->Stop(); }

Result<std::unique_ptr<Engine>> Engine::Create(std::unique_ptr<Model> model,
                                               const EngineConfig& config) {
  MAO_ASSIGN_OR_RETURN(std::shared_ptr<EngineCore> core,
                       EngineCore::Create(std::move(model), config));
  return std::unique_ptr<Engine>(new Engine(std::move(core)));
}

Result<std::unique_ptr<RequestStream>> Engine::Submit(EngineRequest request) {
  const Clock::time_point start = Clock::now();
  const ModelInfo& info = model_info();
  std::shared_ptr<const Constraint> constraint;
  if (request.sampling.constraint.has_value()) {
    MAO_ASSIGN_OR_RETURN(constraint, constraints_->Compile(*request.sampling.constraint));
  }
  PreparedPrompt prompt;
  {
    EngineCore::PrepareLock lock(*core_);
    MAO_ASSIGN_OR_RETURN(prompt, core_->model().Prepare(request.prompt, lock.pool()));
  }
  const auto num_prompt_tokens = static_cast<uint32_t>(prompt.token_ids.size());
  const uint32_t max_model_len = config().max_model_len;
  if (num_prompt_tokens >= max_model_len) {
    return OutOfRangeError(fmt::format("the prompt has {} tokens; max_model_len is {}",
                                       num_prompt_tokens, max_model_len));
  }
  request.sampling.max_tokens =
      std::min(request.sampling.max_tokens, static_cast<int>(max_model_len - num_prompt_tokens));
  request.sampling.min_tokens = std::min(request.sampling.min_tokens, request.sampling.max_tokens);
  EngineCore::Submission submission;
  RequestSpec& spec = submission.spec;
  spec.id = core_->NextId();
  spec.priority = request.priority;
  spec.deadline = request.deadline;
  spec.cache_salt = request.cache_salt;
  spec.max_total_tokens = num_prompt_tokens + static_cast<uint32_t>(request.sampling.max_tokens);
  RequestStats stats;
  std::string mode;
  bool boxes_in_padded_square = false;
  if (prompt.image != nullptr) {
    MAO_ASSIGN_OR_RETURN(const ImageFingerprint fingerprint,
                         FingerprintOf(*prompt.image, request.cache_salt));
    spec.image_spans = {{static_cast<uint32_t>(prompt.image_offset),
                         static_cast<uint32_t>(prompt.image->num_rows), fingerprint}};
    stats.num_image_tokens = prompt.image->num_rows;
    mode = prompt.image->mode;
    boxes_in_padded_square = prompt.image->boxes_in_padded_square;
  }
  MAO_ASSIGN_OR_RETURN(SamplingState sampling,
                       SamplingState::Create(std::move(request.sampling), prompt.token_ids,
                                             static_cast<int>(info.vocab_size), info.eos_token_ids,
                                             std::move(constraint)));
  stats.num_prompt_tokens = num_prompt_tokens;
  spec.prompt_token_ids = std::move(prompt.token_ids);
  auto channel = std::make_shared<OutputChannel>();
  stats.times.prepare_begin = start;
  stats.prepare_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  submission.request =
      std::make_unique<ActiveRequest>(std::move(sampling), info.eos_token_ids, tokenizer(),
                                      std::move(prompt.image), channel, stats);
  const auto id = static_cast<uint64_t>(spec.id);
  MAO_RETURN_IF_ERROR(core_->Submit(std::move(submission)));
  return std::make_unique<RequestStream>(core_, std::move(channel), id, std::move(mode),
                                         boxes_in_padded_square);
}

const ModelInfo& Engine::model_info() const { return core_->model().info(); }
const Tokenizer& Engine::tokenizer() const { return core_->model().tokenizer(); }
const EngineConfig& Engine::config() const { return core_->config(); }
size_t Engine::kv_cache_bytes() const { return core_->kv_cache_bytes(); }
EngineStats Engine::stats() const { return core_->stats(); }

}  // namespace mao
