#include "engine/sched/scheduler.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/sched/admission.h"
#include "engine/sched/preemption_policy.h"

namespace mao {
namespace {

std::string NameOf(RequestId id) { return fmt::format("request {}", static_cast<uint64_t>(id)); }

}  // namespace

Result<std::unique_ptr<Scheduler>> Scheduler::Create(const SchedulerConfig& config) {
  MAO_RETURN_IF_ERROR(CheckConfig(config));
  MAO_ASSIGN_OR_RETURN(
      KvCacheManager kv_cache,
      KvCacheManager::Create({.block_size = config.block_size,
                              .num_blocks = config.num_blocks,
                              .enable_prefix_caching = config.enable_prefix_caching}));
  return std::unique_ptr<Scheduler>(new Scheduler(config, std::move(kv_cache)));
}

Scheduler::Scheduler(const SchedulerConfig& config, KvCacheManager kv_cache)
    : config_(config), kv_cache_(std::move(kv_cache)), encoder_cache_(config.encoder_cache_rows) {}

Status Scheduler::Add(RequestSpec spec) {
  if (requests_.contains(spec.id)) {
    return InvalidArgumentError(NameOf(spec.id) + ": the id is in use");
  }
  if (Status status = CheckRequest(config_, spec); !status.ok()) {
    return status.WithContext(NameOf(spec.id));
  }
  auto request = std::make_unique<RequestState>();
  request->id = spec.id;
  request->arrival = num_arrivals_++;
  request->priority = spec.priority;
  request->deadline = spec.deadline;
  request->num_prompt_tokens = static_cast<uint32_t>(spec.prompt_token_ids.size());
  request->max_total_tokens = spec.max_total_tokens;
  request->token_ids = std::move(spec.prompt_token_ids);
  request->token_ids.reserve(spec.max_total_tokens);
  request->image_spans = std::move(spec.image_spans);
  kv_cache_.Begin(spec.adapter_id, spec.cache_salt, request->content(), spec.max_total_tokens,
                  &request->blocks);
  next_deadline_ = std::min(next_deadline_, spec.deadline);
  is_idle_ = false;
  waiting_.Insert(request.get());
  requests_.emplace(spec.id, std::move(request));
  return OkStatus();
}

void Scheduler::Schedule(TimePoint now, StepPlan* plan) {
  plan->Clear();
  if (IsStepInFlight()) return;
  plan->step = ++num_steps_;
  StepBudgets budgets(config_, encode_cost_in_flight_);

  FailExpired(now);
  ScheduleRunning(&budgets, plan);
  // Whoever made others give way must not have the room taken by a newcomer.
  if (plan->preempted.empty()) AdmitWaiting(&budgets, plan);
  FailIfStuck(*plan);
  for (const EncodeJob& job : plan->images_to_encode) {
    encode_cost_in_flight_ += EncodeCost(job.image.num_rows, config_.encode_batch_rows);
  }

  std::swap(plan->finished, finished_);
  is_idle_ = plan->rows.empty() && plan->preempted.empty() && plan->finished.empty();
}

void Scheduler::FailExpired(TimePoint now) {
  if (now < next_deadline_) return;
  failing_.clear();
  next_deadline_ = kNoDeadline;
  for (const RequestQueue* queue : {&running_, &waiting_}) {
    for (size_t i = 0; i < queue->size(); ++i) {
      RequestState* request = (*queue)[i];
      if (request->deadline <= now) {
        failing_.push_back(request);
      } else {
        next_deadline_ = std::min(next_deadline_, request->deadline);
      }
    }
  }
  for (RequestState* request : failing_) {
    Finish(request, FinishReason::kFailed,
           DeadlineExceededError(fmt::format("{}: its deadline passed with {} of at most {} tokens",
                                             NameOf(request->id), request->num_tokens(),
                                             request->max_total_tokens)));
  }
}

void Scheduler::ScheduleRunning(StepBudgets* budgets, StepPlan* plan) {
  // A request that leaves is the last one (see ChooseVictim), so the others keep their places.
  for (size_t i = 0; i < running_.size() && !budgets->tokens.IsSpent();) {
    if (ScheduleNextChunk(running_[i], budgets, plan)) ++i;
  }
}

bool Scheduler::ScheduleNextChunk(RequestState* request, StepBudgets* budgets, StepPlan* plan) {
  const uint32_t begin = request->num_computed_tokens;
  const uint32_t num_left =
      request->num_tokens() + static_cast<uint32_t>(request->draft_token_ids.size()) - begin;
  ChunkReach reach =
      PlanImages(*request, begin, budgets->tokens.Clip(num_left), budgets->encodes, encoder_cache_);
  const size_t num_known_blocks =
      request->next_row == RowKind::kKnown ? request->blocks.table.size() : 0;
  if (!GrowTable(request, &reach.num_tokens, plan)) return false;
  CommitChunk(request, reach, static_cast<uint32_t>(num_known_blocks), budgets, plan);
  return true;
}

// Gets blocks for the next *num_new_tokens tokens: leaves the drafts out if that is enough, else
// preempts. False when the request itself had to go.
bool Scheduler::GrowTable(RequestState* request, uint32_t* num_new_tokens, StepPlan* plan) {
  const uint32_t begin = request->num_computed_tokens;
  while (!kv_cache_.Allocate(begin + *num_new_tokens, &request->blocks)) {
    if (begin + *num_new_tokens > request->num_tokens()) {
      *num_new_tokens = request->num_tokens() - begin;
      continue;
    }
    RequestState* victim = ChooseVictim(running_);
    Preempt(victim, plan);
    if (victim == request) return false;
  }
  return true;
}

void Scheduler::AdmitWaiting(StepBudgets* budgets, StepPlan* plan) {
  if (waiting_.empty()) return;
  uint64_t num_promised_blocks = 0;
  for (const RequestState* request : running_.View()) {
    num_promised_blocks += NumPromisedBlocks(kv_cache_, *request);
  }
  // Stops at the first that does not fit, so that small requests cannot starve a large one.
  while (!waiting_.empty() && running_.size() < config_.max_num_seqs &&
         !budgets->tokens.IsSpent()) {
    RequestState* request = waiting_.front();
    if (!Admit(request, num_promised_blocks, budgets, plan)) return;
    num_promised_blocks += NumPromisedBlocks(kv_cache_, *request);
  }
}

bool Scheduler::Admit(RequestState* request, uint64_t num_promised_blocks, StepBudgets* budgets,
                      StepPlan* plan) {
  const uint32_t num_tokens = request->num_tokens();
  kv_cache_.GetComputedBlocks(request->blocks, num_tokens, &prefix_);
  if (!MayAdmit(kv_cache_, *request, prefix_, num_promised_blocks)) return false;
  const auto begin = static_cast<uint32_t>(prefix_.size()) * config_.block_size;
  // No token may be left before an image that is not ready; the request runs nevertheless, since
  // only those who run may hold what they wait for.
  const ChunkReach reach = PlanImages(*request, begin, budgets->tokens.Clip(num_tokens - begin),
                                      budgets->encodes, encoder_cache_);
  if (!kv_cache_.AllocateFirst(prefix_, begin + reach.num_tokens, num_tokens, &request->blocks)) {
    return false;
  }
  request->num_computed_tokens = begin;
  request->num_verified_tokens = begin;
  request->num_passed_images = reach.first_image;
  request->phase = RequestPhase::kRunning;
  waiting_.Remove(request);
  running_.Insert(request);
  CommitChunk(request, reach, /*num_known_blocks=*/0, budgets, plan);
  return true;
}

void Scheduler::CommitChunk(RequestState* request, const ChunkReach& reach,
                            uint32_t num_known_blocks, StepBudgets* budgets, StepPlan* plan) {
  CommitImages(*request, reach, &budgets->encodes, &encoder_cache_, plan);
  request->num_reached_images = reach.end_image;
  if (reach.num_tokens == 0) return;  // waits for an image or for room for it, keeping its place
  AppendRow(*request, request->next_row, reach.num_tokens, num_known_blocks, plan);
  request->next_row = RowKind::kKnown;
  budgets->tokens.Spend(reach.num_tokens);
  request->num_computed_tokens += reach.num_tokens;
  ++request->num_steps_in_flight;
  const PlanRow& row = plan->rows.back();
  in_flight_.push_back({.request = request,
                        .wants_logits = row.wants_logits,
                        .end = request->num_computed_tokens,
                        .num_draft_tokens = row.num_draft_tokens});
}

void Scheduler::Preempt(RequestState* request, StepPlan* plan) {
  running_.Remove(request);
  ReturnResources(request);
  request->num_computed_tokens = 0;
  request->num_verified_tokens = 0;
  if (request->next_row == RowKind::kKnown) request->next_row = RowKind::kResumed;
  request->phase = RequestPhase::kWaiting;
  waiting_.Insert(request);
  plan->preempted.push_back(request->id);
  ++num_preemptions_;
}

void Scheduler::FailIfStuck(const StepPlan& plan) {
  const bool has_moved = !plan.rows.empty() || !plan.preempted.empty() || !finished_.empty();
  if (has_moved || encoder_cache_.num_encoding() > 0) return;
  if (requests_.size() > running_.size() + waiting_.size()) return;
  if (running_.empty() && waiting_.empty()) return;
  RequestState* request = running_.empty() ? waiting_.front() : running_.front();
  Finish(request, FinishReason::kFailed,
         ResourceExhaustedError(fmt::format(
             "{}: its {} tokens need more than the {} key/value blocks of {} tokens there are",
             NameOf(request->id), request->num_tokens(), config_.num_blocks, config_.block_size)));
}

Status Scheduler::Update(const StepOutcome& outcome) {
  MAO_RETURN_IF_ERROR(CheckOutcome(outcome));
  if (outcome.status.ok()) {
    std::span<const TokenId> sampled = outcome.sampled_token_ids;
    std::span<const TokenId> drafts = outcome.draft_token_ids;
    for (size_t i = 0; i < in_flight_.size(); ++i) {
      const RowOutcome& row = outcome.rows[i];
      Advance(in_flight_[i], sampled.first(row.num_sampled_tokens),
              drafts.first(row.num_draft_tokens), row.finished);
      sampled = sampled.subspan(row.num_sampled_tokens);
      drafts = drafts.subspan(row.num_draft_tokens);
    }
  } else {
    FailStep(outcome.status);
  }
  in_flight_.clear();
  return OkStatus();
}

Status Scheduler::CheckOutcome(const StepOutcome& outcome) const {
  if (!IsStepInFlight() || outcome.step != num_steps_) {
    return InternalError(
        fmt::format("outcome of step {}, in flight is {}", outcome.step,
                    IsStepInFlight() ? fmt::format("step {}", num_steps_) : std::string("none")));
  }
  if (!outcome.status.ok()) return OkStatus();
  if (outcome.rows.size() != in_flight_.size()) {
    return InternalError(fmt::format("outcome of step {} has {} rows, its plan {}", outcome.step,
                                     outcome.rows.size(), in_flight_.size()));
  }
  MAO_RETURN_IF_ERROR(CheckTokenCounts(outcome));
  std::span<const TokenId> sampled = outcome.sampled_token_ids;
  for (size_t i = 0; i < in_flight_.size(); ++i) {
    const InFlightRow& row = in_flight_[i];
    const ExpectedRow expected = {
        .id = row.request->id,
        .wants_logits = row.wants_logits,
        .draft_token_ids = std::span(row.request->draft_token_ids).first(row.num_draft_tokens)};
    const uint32_t num_sampled = outcome.rows[i].num_sampled_tokens;
    MAO_RETURN_IF_ERROR(CheckRowOutcome(expected, outcome.rows[i], sampled.first(num_sampled)));
    sampled = sampled.subspan(num_sampled);
  }
  return OkStatus();
}

void Scheduler::Advance(const InFlightRow& row, std::span<const TokenId> sampled,
                        std::span<const TokenId> drafts, bool finished) {
  RequestState* request = row.request;
  if (request->phase == RequestPhase::kRetiring) {
    EndFlight(row);
    return;
  }
  const auto num_sampled = static_cast<uint32_t>(sampled.size());
  const uint32_t num_accepted = num_sampled == 0 ? 0 : num_sampled - 1;
  const uint32_t num_rejected = row.num_draft_tokens - num_accepted;
  request->num_computed_tokens -= num_rejected;
  request->num_verified_tokens = row.end - num_rejected;
  request->token_ids.insert(request->token_ids.end(), sampled.begin(), sampled.end());
  // Drafts never reach max_total_tokens: a token follows them.
  const uint32_t num_to_come = request->max_total_tokens - request->num_tokens();
  const size_t num_drafts = std::min<size_t>(drafts.size(), std::max(num_to_come, 1u) - 1);
  request->draft_token_ids.assign(drafts.begin(), drafts.begin() + num_drafts);
  kv_cache_.Publish(request->content(), request->num_verified_tokens, &request->blocks);
  ReleasePassedImages(request);
  EndFlight(row);
  if (finished) {
    Finish(request, FinishReason::kStopped, OkStatus());
  } else if (num_to_come == 0) {
    Finish(request, FinishReason::kMaxTokens, OkStatus());
  }
}

void Scheduler::FailStep(const Status& status) {
  for (const InFlightRow& row : in_flight_) {
    if (row.request->phase != RequestPhase::kRetiring) {
      Finish(row.request, FinishReason::kFailed, status.WithContext(NameOf(row.request->id)));
    }
    EndFlight(row);
  }
}

void Scheduler::ReleasePassedImages(RequestState* request) {
  uint32_t& i = request->num_passed_images;
  for (; i < request->num_reached_images; ++i) {
    const ImageSpan& span = request->image_spans[i];
    if (span.end() > request->num_verified_tokens) return;
    encoder_cache_.Release(KeyOf(span));
  }
}

Status Scheduler::OnImageEncoded(const EncoderKey& image, const Status& status) {
  if (!encoder_cache_.IsEncoding(image)) {
    return InternalError(
        fmt::format("an image of {} rows has been encoded, but was not ordered", image.num_rows));
  }
  is_idle_ = false;
  encode_cost_in_flight_ -= EncodeCost(image.num_rows, config_.encode_batch_rows);
  if (status.ok()) {
    encoder_cache_.MarkReady(image);
    return OkStatus();
  }
  failing_.clear();
  for (size_t i = 0; i < running_.size(); ++i) {
    if (LetGoOfImage(running_[i], image)) failing_.push_back(running_[i]);
  }
  for (const InFlightRow& row : in_flight_) LetGoOfImage(row.request, image);  // retiring ones
  encoder_cache_.Discard(image);
  for (RequestState* request : failing_) {
    Finish(request, FinishReason::kFailed, status.WithContext(NameOf(request->id)));
  }
  return OkStatus();
}

// Only images that are not ready: no step in flight reads them, or those behind them.
bool Scheduler::LetGoOfImage(RequestState* request, const EncoderKey& image) {
  const uint32_t first = request->FindHeldImage(image);
  if (first == request->num_reached_images) return false;
  for (uint32_t i = first; i < request->num_reached_images; ++i) {
    encoder_cache_.Release(KeyOf(request->image_spans[i]));
  }
  request->num_reached_images = first;
  return true;
}

bool Scheduler::Abort(RequestId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end() || found->second->phase == RequestPhase::kRetiring) return false;
  is_idle_ = false;
  Finish(found->second.get(), FinishReason::kFailed, CancelledError(NameOf(id) + ": aborted"));
  return true;
}

const RequestState* Scheduler::Find(RequestId id) const {
  const auto found = requests_.find(id);
  return found == requests_.end() ? nullptr : found->second.get();
}

void Scheduler::Finish(RequestState* request, FinishReason reason, Status status) {
  (request->phase == RequestPhase::kRunning ? running_ : waiting_).Remove(request);
  request->phase = RequestPhase::kRetiring;
  request->finish_reason = reason;
  request->finish_status = std::move(status);
  if (request->num_steps_in_flight == 0) Retire(request);
}

// The row's step is over for its request; the last thing done with a row that may retire it.
void Scheduler::EndFlight(const InFlightRow& row) {
  --row.request->num_steps_in_flight;
  if (row.request->phase == RequestPhase::kRetiring && row.request->num_steps_in_flight == 0) {
    Retire(row.request);
  }
}

void Scheduler::ReturnResources(RequestState* request) {
  kv_cache_.Free(&request->blocks);
  for (uint32_t i = request->num_passed_images; i < request->num_reached_images; ++i) {
    encoder_cache_.Release(KeyOf(request->image_spans[i]));
  }
  request->num_passed_images = 0;
  request->num_reached_images = 0;
}

void Scheduler::Retire(RequestState* request) {
  ReturnResources(request);
  finished_.push_back({.id = request->id,
                       .reason = request->finish_reason,
                       .status = std::move(request->finish_status)});
  requests_.erase(request->id);
}

}  // namespace mao
