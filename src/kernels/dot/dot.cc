#include "kernels/dot/dot.h"

#include <algorithm>
#include <cstring>

#include "kernels/arch/isa_table.h"
#include "kernels/dot/dot_kernels.h"

namespace mao {
namespace {

// From this many rows on, tiles beat the vector kernel (see docs/kernels.md).
constexpr int64_t kMinAmxRows = 5;
// Rows of one work item: at K = 1280 its prepared A (640 KiB) stays in the L2 cache while the
// item's panels stream by.
constexpr int64_t kRowsPerItem = 256;
// Panels of one work item when there are many rows, or few (weights then stream from memory).
constexpr int64_t kPanelsPerItem = 8;
constexpr int64_t kPrepareRowsPerItem = 32;

int64_t RoundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }
int64_t CeilDiv(int64_t value, int64_t unit) { return (value + unit - 1) / unit; }

template <typename Source>
float LoadFloat(const std::byte* row, int64_t index) {
  Source value;
  std::memcpy(&value, row + static_cast<size_t>(index) * sizeof(Source), sizeof(Source));
  return ToFloat(value);
}

// Offset of element (output, k) within packed weights.
int64_t PackedOffset(const PackedWeights& packed, int64_t output, int64_t k) {
  const int64_t tile =
      (output / kDotPanelColumns) * (packed.k / kDotBlockDepth) + k / kDotBlockDepth;
  const int64_t column = output % kDotPanelColumns;
  const int64_t pair = k % kDotBlockDepth / 2;
  const int64_t in_row =
      packed.dtype == DType::kBF16 ? 2 * column + k % 2 : (k % 2) * kDotPanelColumns + column;
  return tile * kDotTileElements + pair * 2 * kDotPanelColumns + in_row;
}

template <typename Source>
void PackRow(const std::byte* row, const PackedWeights& packed, int64_t output) {
  auto* base = const_cast<std::byte*>(packed.data);
  for (int64_t block = 0; block < packed.k; block += kDotBlockDepth) {
    const int64_t even = PackedOffset(packed, output, block);
    const int64_t odd = PackedOffset(packed, output, block + 1);
    for (int64_t j = 0; j < kDotBlockDepth / 2; ++j) {
      const float first = LoadFloat<Source>(row, block + 2 * j);
      const float second = LoadFloat<Source>(row, block + 2 * j + 1);
      const int64_t step = j * 2 * kDotPanelColumns;
      if (packed.dtype == DType::kBF16) {
        auto* target = reinterpret_cast<BFloat16*>(base);
        target[even + step] = ToBFloat16(first);
        target[odd + step] = ToBFloat16(second);
      } else {
        auto* target = reinterpret_cast<float*>(base);
        target[even + step] = first;
        target[odd + step] = second;
      }
    }
  }
}

// The kernels and the work split of one problem.
struct ProblemPlan {
  const DotKernels* kernels;
  std::byte* prepared;
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

const DotKernels& DotKernelsFor([[maybe_unused]] DType compute, [[maybe_unused]] DType weights,
                                [[maybe_unused]] int64_t rows) {
#if defined(__x86_64__)
  if (CurrentCpuIsa() >= CpuIsa::kAmx && compute == DType::kBF16 && weights == DType::kBF16 &&
      rows >= kMinAmxRows) {
    return kDotAmx;
  }
  return SelectByIsa(kDotAvx512, kDotAvx2, kDotGeneric);
#else
  return SelectByIsa(kDotGeneric, kDotGeneric, kDotGeneric);
#endif
}

size_t PackedWeightsBytes(DType dtype, int64_t n, int64_t k) {
  return static_cast<size_t>(RoundUp(n, kDotPanelColumns) * k) * SizeBytes(dtype);
}

void PackWeightRows(const void* source, DType source_dtype, int64_t source_stride, int64_t num_rows,
                    const PackedWeights& packed, int64_t first_output) {
  const auto* rows = static_cast<const std::byte*>(source);
  const int64_t stride_bytes = source_stride * static_cast<int64_t>(SizeBytes(source_dtype));
  int64_t row = 0;
  if (source_dtype == DType::kBF16 && packed.dtype == DType::kBF16 &&
      first_output % kDotPanelColumns == 0) {
    // Sixteen rows to one panel without leaving integers: the case of every released checkpoint,
    // and what load time consists of.
    const DotKernels& kernels = DotKernelsFor(DType::kF32, DType::kBF16, 1);
    auto* panels = const_cast<std::byte*>(packed.data);
    for (; row + kDotPanelColumns <= num_rows; row += kDotPanelColumns) {
      kernels.pack_panel(rows + row * stride_bytes, stride_bytes, packed.k,
                         panels + (first_output + row) * packed.k * SizeBytes(DType::kBF16));
    }
  }
  for (; row < num_rows; ++row) {
    const std::byte* data = rows + row * stride_bytes;
    if (source_dtype == DType::kBF16) {
      PackRow<BFloat16>(data, packed, first_output + row);
    } else if (source_dtype == DType::kF16) {
      PackRow<Float16>(data, packed, first_output + row);
    } else {
      PackRow<float>(data, packed, first_output + row);
    }
  }
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
    total_panel_rows += problem.w.num_panels() * CeilDiv(problem.m, kRowsPerItem);
  }
  int64_t num_prepare_items = 0;
  int64_t num_run_items = 0;
  std::byte* next_prepared = scratch.data();
  for (size_t i = 0; i < problems.size(); ++i) {
    const DotProblem& problem = problems[i];
    ProblemPlan& plan = plans[i];
    plan.kernels = &DotKernelsFor(compute, problem.w.dtype, problem.m);
    plan.prepared = next_prepared;
    next_prepared += PreparedBytes(problem.m, problem.w.k);
    plan.first_prepare_item = num_prepare_items;
    plan.first_run_item = num_run_items;
    plan.rows_per_item = kRowsPerItem;
    // Small products are cut finer, so that every thread has some items to balance with.
    plan.panels_per_item =
        std::clamp<int64_t>(total_panel_rows / (num_threads * 4) / 2 * 2, 2, kPanelsPerItem);
    num_prepare_items += CeilDiv(problem.m, kPrepareRowsPerItem);
    num_run_items += CeilDiv(problem.m, plan.rows_per_item) *
                     CeilDiv(problem.w.num_panels(), plan.panels_per_item);
  }
  pool.ParallelFor(static_cast<size_t>(num_prepare_items), [&](size_t item, size_t) {
    const size_t i = PlanOf<&ProblemPlan::first_prepare_item>(plans, problems.size(),
                                                              static_cast<int64_t>(item));
    const int64_t first =
        (static_cast<int64_t>(item) - plans[i].first_prepare_item) * kPrepareRowsPerItem;
    const int64_t last = std::min(first + kPrepareRowsPerItem, problems[i].m);
    plans[i].kernels->prepare(problems[i], first, last, compute == DType::kBF16, plans[i].prepared);
  });
  pool.ParallelFor(static_cast<size_t>(num_run_items), [&](size_t item, size_t) {
    const size_t i =
        PlanOf<&ProblemPlan::first_run_item>(plans, problems.size(), static_cast<int64_t>(item));
    const ProblemPlan& plan = plans[i];
    const int64_t local = static_cast<int64_t>(item) - plan.first_run_item;
    const int64_t row_items = CeilDiv(problems[i].m, plan.rows_per_item);
    // Row items are innermost: neighbours share the weights of their panels.
    const int64_t first_row = local % row_items * plan.rows_per_item;
    const int64_t first_panel = local / row_items * plan.panels_per_item;
    const DotBlock block = {
        &problems[i], plan.prepared,
        first_row,    std::min(first_row + plan.rows_per_item, problems[i].m),
        first_panel,  std::min(first_panel + plan.panels_per_item, problems[i].w.num_panels())};
    plan.kernels->run(block);
  });
}

}  // namespace mao
