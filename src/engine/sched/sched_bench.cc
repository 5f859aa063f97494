// What scheduling costs per step, on the engine's thread while the device waits.
#include <cstdlib>
#include <memory>
#include <utility>

#include <benchmark/benchmark.h>

#include "engine/sched/scheduler.h"

namespace mao {
namespace {

constexpr uint32_t kPromptTokens = 300;  // a page in a small mode
constexpr uint32_t kMaxTokens = 8192;

std::unique_ptr<Scheduler> MakeScheduler(uint32_t num_running, bool enable_prefix_caching) {
  return Scheduler::Create({.max_num_seqs = num_running,
                            .max_num_batched_tokens = 2048,
                            .max_model_len = kMaxTokens,
                            .block_size = 16,
                            .num_blocks = num_running * (kMaxTokens / 16),
                            .enable_prefix_caching = enable_prefix_caching})
      .value();
}

void AddRequest(uint64_t id, Scheduler* scheduler) {
  RequestSpec spec;
  spec.id = RequestId{id};
  spec.prompt_token_ids.assign(kPromptTokens, static_cast<TokenId>(id));
  spec.max_total_tokens = kMaxTokens;
  if (!scheduler->Add(std::move(spec)).ok()) std::abort();
}

void MakeOutcome(const StepPlan& plan, StepOutcome* outcome) {
  outcome->Clear();
  outcome->step = plan.step;
  for (const PlanRow& row : plan.rows) {
    outcome->rows.push_back({.id = row.id, .num_sampled_tokens = row.wants_logits ? 1u : 0u});
    if (row.wants_logits) outcome->sampled_token_ids.push_back(static_cast<TokenId>(plan.step));
  }
}

// Schedule and Update of steps in which every request decodes one token.
void BM_DecodeStep(benchmark::State& state) {
  const auto num_running = static_cast<uint32_t>(state.range(0));
  const bool enable_prefix_caching = state.range(1) != 0;
  StepPlan plan;
  StepOutcome outcome;
  std::unique_ptr<Scheduler> scheduler;
  uint32_t num_tokens = kMaxTokens;
  const auto step = [&] {
    scheduler->Schedule(TimePoint{}, &plan);
    MakeOutcome(plan, &outcome);
    if (!scheduler->Update(outcome).ok()) std::abort();
  };
  for (auto _ : state) {
    if (num_tokens + 10 > kMaxTokens) {  // about to end: begin again
      state.PauseTiming();
      scheduler = MakeScheduler(num_running, enable_prefix_caching);
      for (uint64_t id = 0; id < num_running; ++id) AddRequest(id, scheduler.get());
      do {
        step();
      } while (plan.NumTokens() != num_running || !scheduler->waiting().empty());
      num_tokens = scheduler->running()[0]->num_tokens();
      state.ResumeTiming();
    }
    step();
    ++num_tokens;
  }
  state.counters["time_per_row"] = benchmark::Counter(
      num_running, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_DecodeStep)
    ->ArgNames({"running", "prefix_caching"})
    ->Args({64, 0})
    ->Args({64, 1})
    ->Args({512, 0})
    ->Args({512, 1});

// The life of a request that yields one token: Add (which hashes the prompt), two steps, the
// report.
void BM_RequestLife(benchmark::State& state) {
  const auto scheduler = MakeScheduler(64, true);
  StepPlan plan;
  StepOutcome outcome;
  uint64_t id = 0;
  for (auto _ : state) {
    AddRequest(++id, scheduler.get());
    scheduler->Schedule(TimePoint{}, &plan);
    MakeOutcome(plan, &outcome);
    outcome.rows[0].finished = true;
    if (!scheduler->Update(outcome).ok()) std::abort();
    scheduler->Schedule(TimePoint{}, &plan);
  }
}
BENCHMARK(BM_RequestLife);

}  // namespace
}  // namespace mao
