#include "layers/linear.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr int64_t kOutputsPerItem = 64;  // of packing; a multiple of the panel width

Status CheckDepth(int64_t k) {
  if (k > 0 && k % kDotBlockDepth == 0) return OkStatus();
  return UnimplementedError(
      fmt::format("a linear layer with {} inputs; supported are multiples of 32", k));
}

Result<std::vector<float>> JoinBiases(std::span<const TensorView> biases, int64_t num_outputs) {
  std::vector<float> joined;
  for (const TensorView& bias : biases) {
    MAO_ASSIGN_OR_RETURN(const FloatMatrix values, ToFloatMatrix(bias));
    joined.insert(joined.end(), values.data(), values.data() + bias.num_elements());
  }
  if (!joined.empty() && joined.size() != static_cast<size_t>(num_outputs)) {
    return InvalidArgumentError(
        fmt::format("{} bias values for {} outputs", joined.size(), num_outputs));
  }
  return joined;
}

// Outputs [first, last) of the stack become outputs of the target from first_target on.
void PackRange(std::span<const TensorView> weights, int64_t first, int64_t last,
               const PackedWeights& target, int64_t first_target) {
  int64_t begin = 0;  // of this weight in the stack
  for (const TensorView& weight : weights) {
    const int64_t end = begin + weight.shape.dim(0);
    const int64_t from = std::max(begin, first);
    const int64_t to = std::min(end, last);
    if (from < to) {
      const size_t row_bytes = static_cast<size_t>(target.k) * SizeBytes(weight.dtype);
      PackWeightRows(weight.data + static_cast<size_t>(from - begin) * row_bytes, weight.dtype,
                     target.k, to - from, target, first_target + from - first);
    }
    begin = end;
  }
}

}  // namespace

Result<StackShape> ShapeOfStack(std::span<const TensorView> weights) {
  StackShape stack;
  stack.k = weights.empty() ? 0 : weights[0].shape.dim(1);
  for (const TensorView& weight : weights) {
    if (weight.shape.rank() != 2 || weight.shape.dim(1) != stack.k) {
      return InvalidArgumentError(fmt::format("weights of shape {} do not stack on depth {}",
                                              weight.shape.ToString(), stack.k));
    }
    stack.n += weight.shape.dim(0);
  }
  MAO_RETURN_IF_ERROR(CheckDepth(stack.k));
  return stack;
}

void PackStack(std::span<const TensorView> weights, int64_t first_output,
               const PackedWeights& target, ThreadPool& pool) {
  const auto num_items = static_cast<size_t>((target.n + kOutputsPerItem - 1) / kOutputsPerItem);
  pool.ParallelFor(num_items, [&](size_t item, size_t) {
    const int64_t first = static_cast<int64_t>(item) * kOutputsPerItem;
    const int64_t last = std::min(first + kOutputsPerItem, target.n);
    PackRange(weights, first_output + first, first_output + last, target, first);
  });
}

Result<Linear> Linear::Pack(const LinearBundle& bundle, WeightFormat format, ThreadPool& pool) {
  MAO_ASSIGN_OR_RETURN(const StackShape stack, ShapeOfStack(bundle.weights));
  Linear linear;
  MAO_ASSIGN_OR_RETURN(linear.bias_, JoinBiases(bundle.biases, stack.n));
  MAO_ASSIGN_OR_RETURN(linear.memory_,
                       Buffer::Allocate(PackedWeightsBytes(format, stack.n, stack.k)));
  linear.weights_ = {format, stack.n, stack.k, linear.memory_.data()};
  PackStack(bundle.weights, 0, linear.weights_, pool);
  return linear;
}

Result<Linear> Linear::FromPacked(const PackedWeights& packed, std::span<const TensorView> biases) {
  MAO_RETURN_IF_ERROR(CheckDepth(packed.k));
  Linear linear;
  MAO_ASSIGN_OR_RETURN(linear.bias_, JoinBiases(biases, packed.n));
  linear.weights_ = packed;
  return linear;
}

DotProblem Linear::Problem(const float* x, int64_t x_stride, int64_t rows, float* y,
                           int64_t y_stride) const {
  DotProblem problem;
  problem.a = x;
  problem.a_stride = x_stride;
  problem.m = rows;
  problem.w = weights_;
  problem.bias = bias_.empty() ? nullptr : bias_.data();
  problem.c = y;
  problem.c_stride = y_stride;
  return problem;
}

void Linear::Forward(ExecutionContext& ctx, const float* x, int64_t x_stride, int64_t rows,
                     float* y, int64_t y_stride, Activation act, bool accumulate) const {
  DotProblem problem = Problem(x, x_stride, rows, y, y_stride);
  problem.act = act;
  problem.accumulate = accumulate;
  Dot({&problem, 1}, ctx.compute, ctx.scratch.bytes(), ctx.pool);
}

void Linear::ForwardBoth(ExecutionContext& ctx, const Linear& fc1, Activation act,
                         const Linear& fc2, const float* x, int64_t rows, float* y,
                         std::byte* hidden) {
  const int64_t width = fc1.out_features();
  auto* floats = reinterpret_cast<float*>(hidden);
  DotProblem first = fc1.Problem(x, fc1.in_features(), rows, floats, width);
  DotProblem second = fc2.Problem(floats, width, rows, y, fc2.out_features());
  first.act = act;
  second.accumulate = true;
  if (first.w.format == second.w.format && !IsInteger(first.w.format)) {
    first.c_prepared = hidden;
    second.a_prepared = hidden;
  }
  Dot({&first, 1}, ctx.compute, ctx.scratch.bytes(), ctx.pool);
  Dot({&second, 1}, ctx.compute, ctx.scratch.bytes(), ctx.pool);
}

}  // namespace mao
