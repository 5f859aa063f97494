#include "kernels/dot/dot.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/arch/isa_table.h"
#include "kernels/dot/dot_kernels.h"

namespace mao {
namespace {

// From this many rows on, tiles beat the vector kernel (see docs/kernels.md).
constexpr int64_t kMinAmxRows = 2;
// Prepared A of one work item, in elements: it stays in the L2 cache (1 MiB of bfloat16) while the
// weights stream by, once for every such block of rows.
constexpr int64_t kElementsPerItem = 512 * 1024;
// Panels of one work item when there are many rows, or few (weights then stream from memory).
constexpr int64_t kPanelsPerItem = 8;
constexpr int64_t kPrepareRowsPerItem = 32;
// An output this large (8 MiB) is not in the cache any more when the next layer reads it.
constexpr int64_t kStreamedElements = 2 * 1024 * 1024;

// A multiple of 32, so that tiles come in pairs.
int64_t RowsPerItem(int64_t k) {
  return std::clamp<int64_t>(kElementsPerItem / k / 32 * 32, 32, kMaxRowsPerBlock);
}

int64_t CeilDiv(int64_t value, int64_t unit) { return (value + unit - 1) / unit; }

// Whether C is larger than the caches and made of whole lines.
bool StreamsC(const DotProblem& problem) {
  constexpr int64_t kLineFloats = 16;
  if (problem.c_prepared != nullptr) return problem.m * problem.w.n >= kStreamedElements;
  return !problem.accumulate && problem.m * problem.c_stride >= kStreamedElements &&
         problem.c_stride % kLineFloats == 0 && reinterpret_cast<uintptr_t>(problem.c) % 64 == 0;
}

// The kernels and the work split of one problem.
struct ProblemPlan {
  const DotKernels* kernels;
  const std::byte* prepared;
  int64_t first_prepare_item;
  int64_t first_run_item;
  int64_t rows_per_item;
  int64_t panels_per_item;
};

// The last plan whose first item is not above `item`.
template <int64_t ProblemPlan::*kFirst>
size_t PlanOf(const ProblemPlan* plans, size_t count, int64_t item) {
  const auto* end = plans + count;
  const auto* it = std::upper_bound(plans, end, item, [](int64_t value, const ProblemPlan& plan) {
    return value < plan.*kFirst;
  });
  return static_cast<size_t>(it - plans) - 1;
}

}  // namespace

const DotKernels& DotKernelsFor([[maybe_unused]] DType compute, WeightFormat weights,
                                [[maybe_unused]] int64_t rows) {
#if defined(__x86_64__)
  const bool has_tiles = CurrentCpuIsa() >= CpuIsa::kAmx;
  if (IsInteger(weights)) {
    if (has_tiles && rows >= kMinAmxRows) return kDotIntAmx;
    return SelectByIsa(kDotIntAvx512, kDotIntAvx2, kDotIntGeneric);
  }
  if (has_tiles && compute == DType::kBF16 && weights == WeightFormat::kBF16 &&
      rows >= kMinAmxRows) {
    return kDotAmx;
  }
  return SelectByIsa(kDotAvx512, kDotAvx2, kDotGeneric);
#else
  return IsInteger(weights) ? kDotIntGeneric : kDotGeneric;
#endif
}

size_t DotScratchBytes(int64_t total_rows, int64_t max_k) {
  return static_cast<size_t>(PreparedBytes(total_rows, max_k));
}

void Dot(std::span<const DotProblem> problems, DType compute, std::span<std::byte> scratch,
         ThreadPool& pool) {
  ProblemPlan plans[kMaxDotProblems];
  const auto num_threads = static_cast<int64_t>(pool.num_threads());
  int64_t total_panel_rows = 0;
  for (const DotProblem& problem : problems) {
    total_panel_rows += problem.w.num_panels() * CeilDiv(problem.m, RowsPerItem(problem.w.k));
  }
  int64_t num_prepare_items = 0;
  int64_t num_run_items = 0;
  std::byte* next_prepared = scratch.data();
  for (size_t i = 0; i < problems.size(); ++i) {
    const DotProblem& problem = problems[i];
    ProblemPlan& plan = plans[i];
    plan.kernels = &DotKernelsFor(compute, problem.w.format, problem.m);
    plan.first_prepare_item = num_prepare_items;
    if (problem.a_prepared != nullptr) {
      plan.prepared = problem.a_prepared;
    } else {
      plan.prepared = next_prepared;
      next_prepared += PreparedBytes(problem.m, problem.w.k);
      num_prepare_items += CeilDiv(problem.m, kPrepareRowsPerItem);
    }
    plan.first_run_item = num_run_items;
    plan.rows_per_item = RowsPerItem(problem.w.k);
    // Small products are cut finer, so that every thread has some items to balance with.
    plan.panels_per_item =
        std::clamp<int64_t>(total_panel_rows / (num_threads * 4) / 2 * 2, 2, kPanelsPerItem);
    num_run_items += CeilDiv(problem.m, plan.rows_per_item) *
                     CeilDiv(problem.w.num_panels(), plan.panels_per_item);
  }
  pool.ParallelFor(static_cast<size_t>(num_prepare_items), [&](size_t item, size_t) {
    const size_t i = PlanOf<&ProblemPlan::first_prepare_item>(plans, problems.size(),
                                                              static_cast<int64_t>(item));
    const int64_t first =
        (static_cast<int64_t>(item) - plans[i].first_prepare_item) * kPrepareRowsPerItem;
    const int64_t last = std::min(first + kPrepareRowsPerItem, problems[i].m);
    plans[i].kernels->prepare(problems[i], first, last, compute == DType::kBF16,
                              const_cast<std::byte*>(plans[i].prepared));
  });
  const auto block_of = [&](int64_t item) {
    const size_t i = PlanOf<&ProblemPlan::first_run_item>(plans, problems.size(), item);
    const ProblemPlan& plan = plans[i];
    const int64_t local = item - plan.first_run_item;
    const int64_t panel_items = CeilDiv(problems[i].w.num_panels(), plan.panels_per_item);
    // Panels are innermost: neighbours share the rows of A.
    const int64_t first_row = local / panel_items * plan.rows_per_item;
    const int64_t first_panel = local % panel_items * plan.panels_per_item;
    return std::pair(
        plan.kernels,
        DotBlock{&problems[i], plan.prepared, first_row,
                 std::min(first_row + plan.rows_per_item, problems[i].m), first_panel,
                 std::min(first_panel + plan.panels_per_item, problems[i].w.num_panels()),
                 StreamsC(problems[i]), compute == DType::kBF16});
  };
  pool.ParallelFor(static_cast<size_t>(num_run_items), [&](size_t item, size_t) {
    auto [kernels, block] = block_of(static_cast<int64_t>(item));
    if (static_cast<int64_t>(item) + 1 < num_run_items) {
      const DotBlock next = block_of(static_cast<int64_t>(item) + 1).second;
      block.next_panel_bytes = PanelBytes(next.problem->w.format, next.problem->w.k);
      block.next_panels = next.problem->w.data + next.first_panel * block.next_panel_bytes;
    }
    kernels->run(block);
  });
}

}  // namespace mao
