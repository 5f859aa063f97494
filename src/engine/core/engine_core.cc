#include "engine/core/engine_core.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/cpu_topology.h"
#include "base/log.h"
#include "base/memory.h"

namespace mao {
namespace {

uint32_t NumBlocks(const EngineConfig& config, size_t block_bytes) {
  const uint64_t blocks_per_request =
      (config.max_model_len + config.block_size - 1) / config.block_size;
  const uint64_t wanted = blocks_per_request * config.max_num_seqs;
  const uint64_t budget =
      config.kv_cache_bytes > 0 ? config.kv_cache_bytes : AvailableMemoryBytes() / 2;
  // An explicit budget is taken as it is; free memory is only used as far as it can be of use.
  const uint64_t fitting = budget / block_bytes;
  return static_cast<uint32_t>(std::min<uint64_t>(
      config.kv_cache_bytes > 0 ? fitting : std::min(fitting, wanted), 1u << 30));
}

}  // namespace

EngineCore::EngineCore(std::unique_ptr<Model> model, const EngineConfig& config)
    : model_(std::move(model)),
      config_(config),
      prepare_pool_(config.num_threads),
      sampler_(static_cast<int>(model_->info().vocab_size)) {}

Result<std::shared_ptr<EngineCore>> EngineCore::Create(std::unique_ptr<Model> model,
                                                       const EngineConfig& config) {
  std::shared_ptr<EngineCore> core(new EngineCore(std::move(model), config));
  MAO_RETURN_IF_ERROR(core->Init());
  return core;
}

Status EngineCore::Init() {
  const ModelInfo& info = model_->info();
  if (config_.num_threads == 0) config_.num_threads = NumUsableCores();
  if (config_.max_model_len == 0) config_.max_model_len = static_cast<uint32_t>(info.max_model_len);
  if (config_.max_model_len > info.max_model_len) {
    return InvalidArgumentError(fmt::format("max_model_len is {}; the model allows {}",
                                            config_.max_model_len, info.max_model_len));
  }
  if (config_.block_size == 0 || config_.block_size % kKeysPerTile != 0) {
    return InvalidArgumentError(fmt::format("block_size is {}; it must be a multiple of {}",
                                            config_.block_size, kKeysPerTile));
  }
  const KvLayout layout = {config_.dtype, config_.block_size, info.num_kv_heads, info.head_dim};
  const size_t block_bytes = KvCache::BytesPerBlock(info.num_layers, layout);
  const uint32_t num_blocks = NumBlocks(config_, block_bytes);
  if (num_blocks == 0) {
    return ResourceExhaustedError(
        fmt::format("the key/value cache has no room for one block of {} tokens ({} bytes)",
                    config_.block_size, block_bytes));
  }
  kv_cache_bytes_ = num_blocks * block_bytes;
  SchedulerConfig scheduling;
  scheduling.max_num_seqs = config_.max_num_seqs;
  scheduling.max_num_batched_tokens = config_.max_num_batched_tokens;
  scheduling.max_model_len = config_.max_model_len;
  scheduling.block_size = config_.block_size;
  scheduling.num_blocks = num_blocks;
  scheduling.enable_prefix_caching = config_.enable_prefix_caching;
  scheduling.encoder_cache_rows = config_.encoder_cache_rows;
  MAO_ASSIGN_OR_RETURN(scheduler_, Scheduler::Create(scheduling));
  ModelRunnerConfig running;
  running.num_threads = config_.num_threads;
  running.dtype = config_.dtype;
  running.max_num_seqs = config_.max_num_seqs;
  running.max_num_batched_tokens = config_.max_num_batched_tokens;
  running.max_model_len = config_.max_model_len;
  running.block_size = config_.block_size;
  running.num_blocks = num_blocks;
  running.encode_batch_rows = scheduling.encode_batch_rows;
  const auto on_encoded = [this](std::vector<EncodedImage> images) {
    {
      const std::lock_guard lock(inbox_mutex_);
      for (EncodedImage& image : images) encoded_.push_back(std::move(image));
    }
    inbox_changed_.notify_one();
  };
  MAO_ASSIGN_OR_RETURN(runner_, ModelRunner::Create(model_.get(), running, on_encoded));
  LogInfo(fmt::format("engine: {} threads, {} blocks of {} tokens ({:.1f} MiB of keys and values)",
                      config_.num_threads, num_blocks, config_.block_size,
                      static_cast<double>(kv_cache_bytes_) / (1 << 20)));
  PublishStats();
  thread_ = std::thread([this] { Loop(); });
  return OkStatus();
}

EngineCore::~EngineCore() { Stop(); }

void EngineCore::Stop() {
  {
    const std::lock_guard lock(inbox_mutex_);
    stopping_ = true;
  }
  inbox_changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

RequestId EngineCore::NextId() {
  const std::lock_guard lock(inbox_mutex_);
  return RequestId{++num_ids_};
}

Status EngineCore::Submit(Submission submission) {
  {
    const std::lock_guard lock(inbox_mutex_);
    if (stopping_) return UnavailableError("the engine is stopping");
    if (submissions_.empty()) first_submitted_ = Clock::now();
    submissions_.push_back(std::move(submission));
  }
  inbox_changed_.notify_one();
  return OkStatus();
}

void EngineCore::Cancel(RequestId id) {
  {
    const std::lock_guard lock(inbox_mutex_);
    cancellations_.push_back(id);
  }
  inbox_changed_.notify_one();
}

bool EngineCore::TakeInbox() {
  {
    std::unique_lock lock(inbox_mutex_);
    if (scheduler_->IsIdle()) {
      const auto is_called = [&] {
        return stopping_ || !submissions_.empty() || !cancellations_.empty() || !encoded_.empty();
      };
      if (const TimePoint deadline = scheduler_->next_deadline(); deadline != kNoDeadline) {
        inbox_changed_.wait_until(lock, deadline, is_called);
      } else {
        inbox_changed_.wait(lock, is_called);
      }
    }
    if (stopping_) {
      for (Submission& submission : submissions_) {
        submission.request->Fail(CancelledError("the engine is stopping"));
      }
      submissions_.clear();
      return false;
    }
    stats_ = StatsWithInbox();
    taken_submissions_.swap(submissions_);
    taken_cancellations_.swap(cancellations_);
    taken_encoded_.swap(encoded_);
  }
  for (Submission& submission : taken_submissions_) {
    const RequestId id = submission.spec.id;
    if (Status status = scheduler_->Add(std::move(submission.spec)); !status.ok()) {
      submission.request->Fail(std::move(status));
    } else {
      requests_.emplace(id, std::move(submission.request));
    }
  }
  taken_submissions_.clear();
  for (const RequestId id : taken_cancellations_) scheduler_->Abort(id);
  taken_cancellations_.clear();
  for (EncodedImage& image : taken_encoded_) TakeEncoded(std::move(image));
  taken_encoded_.clear();
  return true;
}

void EngineCore::TakeEncoded(EncodedImage image) {
  has_progressed_ = true;
  for (const RequestState* request : scheduler_->running()) {
    if (!request->HoldsImage(image.image)) continue;
    requests_.at(request->id)->AddEncode(image.ordered, image.begun, image.ended);
  }
  if (Status told = scheduler_->OnImageEncoded(image.image, image.status); !told.ok()) {
    LogError(told.ToString());
    return;
  }
  if (image.status.ok()) runner_->AddImage(std::move(image));
}

void EngineCore::Loop() {
  while (TakeInbox()) {
    Step();
    PublishStats();
  }
  for (auto& [id, request] : requests_) request->Fail(CancelledError("the engine is stopping"));
  requests_.clear();
  runner_.reset();  // after the readers know: it waits for the encoding in progress
}

void EngineCore::Step() {
  const Clock::time_point start = Clock::now();
  scheduler_->Schedule(start, &plan_);
  ReportFinished();
  for (const PlanRow& row : plan_.rows) {
    requests_.at(row.id)->BeginStep(start, row.num_computed_tokens);
    const uint32_t first = std::min(row.num_computed_tokens, row.num_prompt_tokens);
    num_prompt_tokens_ +=
        std::min(row.num_computed_tokens + row.num_new_tokens, row.num_prompt_tokens) - first;
  }
  outcome_.Clear();
  outcome_.step = plan_.step;
  runner_->Execute(plan_, [this](RequestId id) { return requests_.at(id)->image(); });
  if (plan_.rows.empty()) return;
  for (size_t i = 0; i < plan_.rows.size(); ++i) SampleRow(i);
  if (const Status status = scheduler_->Update(outcome_); !status.ok()) LogError(status.ToString());
  ++num_steps_;
  num_generation_tokens_ += outcome_.sampled_token_ids.size();
  has_progressed_ = true;
}

void EngineCore::SampleRow(size_t index) {
  const PlanRow& row = plan_.rows[index];
  RowOutcome& result = outcome_.rows.emplace_back();
  result.id = row.id;
  if (!row.wants_logits) return;
  ActiveRequest& request = *requests_.at(row.id);
  auto token = sampler_.Sample(request.sampling(), runner_->Logits(index));
  if (!token.ok()) {
    request.Fail(token.status());
    result.finished = true;
    return;
  }
  result.num_sampled_tokens = 1;
  outcome_.sampled_token_ids.push_back(token->id);
  result.finished = request.Accept(*token);
}

void EngineCore::ReportFinished() {
  if (!plan_.finished.empty()) has_progressed_ = true;
  for (FinishedRequest& finished : plan_.finished) {
    const auto it = requests_.find(finished.id);
    if (it == requests_.end()) continue;
    // Requests that ended by themselves have told their reader; the others learn it here.
    it->second->Fail(finished.status.ok() ? InternalError("the request ended without a reason")
                                          : std::move(finished.status));
    requests_.erase(it);
  }
}

EngineStats EngineCore::stats() const {
  const std::lock_guard lock(inbox_mutex_);
  return StatsWithInbox();
}

EngineStats EngineCore::StatsWithInbox() const {
  EngineStats stats = stats_;
  stats.num_waiting += submissions_.size();
  if (!submissions_.empty() && !stats.has_work) {
    stats.has_work = true;
    stats.last_progress = first_submitted_;
  }
  return stats;
}

void EngineCore::PublishStats() {
  const KvCacheStats kv = scheduler_->kv_cache().Stats();
  const EncoderCacheStats encoder = scheduler_->encoder_cache().Stats();
  EngineStats stats = {.num_running = scheduler_->running().size(),
                       .num_waiting = scheduler_->waiting().size(),
                       .num_images_encoding = scheduler_->encoder_cache().num_encoding(),
                       .num_kv_blocks_used = kv.num_used_blocks,
                       .num_kv_blocks = kv.num_blocks,
                       .num_steps = num_steps_,
                       .num_prompt_tokens = num_prompt_tokens_,
                       .num_generation_tokens = num_generation_tokens_,
                       .num_preemptions = scheduler_->num_preemptions(),
                       .prefix_cache_queries = kv.num_queried_tokens,
                       .prefix_cache_hits = kv.num_hit_tokens,
                       .encoder_cache_queries = encoder.num_hits + encoder.num_misses,
                       .encoder_cache_hits = encoder.num_hits,
                       .has_work = scheduler_->HasWork(),
                       .last_progress = Clock::now()};
  const std::lock_guard lock(inbox_mutex_);
  if (!has_progressed_) stats.last_progress = stats_.last_progress;
  stats_ = stats;
  has_progressed_ = false;
}

}  // namespace mao
