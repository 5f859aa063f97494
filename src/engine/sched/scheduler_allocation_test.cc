// Steps in steady state allocate no memory.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "engine/sched/scheduler.h"

namespace {

size_t num_allocations = 0;

}  // namespace

// Not inlined: GCC would take the two for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size) {
  ++num_allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace mao {
namespace {

// Fills in what a runner would that samples one token for each row.
void MakeOutcome(const StepPlan& plan, StepOutcome* outcome) {
  outcome->Clear();
  outcome->step = plan.step;
  for (const PlanRow& row : plan.rows) {
    outcome->rows.push_back({.id = row.id, .num_sampled_tokens = row.wants_logits ? 1u : 0u});
    if (row.wants_logits) outcome->sampled_token_ids.push_back(static_cast<TokenId>(plan.step));
  }
}

TEST(SchedulerAllocationTest, DecodingAllocatesNoMemory) {
  auto scheduler = Scheduler::Create({.max_num_seqs = 32,
                                      .max_num_batched_tokens = 512,
                                      .max_model_len = 4096,
                                      .block_size = 16,
                                      .num_blocks = 1024})
                       .value();
  for (uint64_t id = 0; id < 32; ++id) {
    RequestSpec spec;
    spec.id = RequestId{id};
    spec.prompt_token_ids.assign(40, static_cast<TokenId>(id));
    spec.max_total_tokens = 2000;
    ASSERT_TRUE(scheduler->Add(spec).ok());
  }
  StepPlan plan;
  StepOutcome outcome;
  const auto step = [&] {
    scheduler->Schedule(TimePoint{}, &plan);
    MakeOutcome(plan, &outcome);
    ASSERT_TRUE(scheduler->Update(outcome).ok());
  };
  for (int i = 0; i < 20; ++i) step();
  ASSERT_EQ(scheduler->running().size(), 32u);
  const size_t num_used_before = scheduler->kv_cache().pool().num_used_blocks();
  const size_t num_allocations_before = num_allocations;
  for (int i = 0; i < 200; ++i) step();
  EXPECT_EQ(num_allocations, num_allocations_before);
  EXPECT_GT(scheduler->kv_cache().pool().num_used_blocks(), num_used_before + 32 * 10)
      << "tables grew and blocks were published meanwhile";
}

}  // namespace
}  // namespace mao
