#include "layers/linear.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr int64_t kRowsPerItem = 64;  // of packing; a multiple of the panel width

}  // namespace

Result<Linear> Linear::Pack(const LinearBundle& bundle, WeightFormat format, ThreadPool& pool) {
  const int64_t in = bundle.weights.empty() ? 0 : bundle.weights[0].shape.dim(1);
  int64_t out = 0;
  for (const TensorView& weight : bundle.weights) {
    if (weight.shape.rank() != 2 || weight.shape.dim(1) != in) {
      return InvalidArgumentError(
          fmt::format("weights of shape {} do not stack on depth {}", weight.shape.ToString(), in));
    }
    out += weight.shape.dim(0);
  }
  if (in == 0 || in % kDotBlockDepth != 0) {
    return UnimplementedError(
        fmt::format("a linear layer with {} inputs; supported are multiples of 32", in));
  }
  Linear linear;
  MAO_ASSIGN_OR_RETURN(linear.memory_, Buffer::Allocate(PackedWeightsBytes(format, out, in)));
  linear.weights_ = {format, out, in, linear.memory_.data()};
  int64_t first_output = 0;
  for (const TensorView& weight : bundle.weights) {
    const int64_t rows = weight.shape.dim(0);
    const size_t row_bytes = static_cast<size_t>(in) * SizeBytes(weight.dtype);
    pool.ParallelFor(static_cast<size_t>((rows + kRowsPerItem - 1) / kRowsPerItem), [&](size_t item,
                                                                                        size_t) {
      const int64_t first = static_cast<int64_t>(item) * kRowsPerItem;
      PackWeightRows(weight.data + static_cast<size_t>(first) * row_bytes, weight.dtype, in,
                     std::min(kRowsPerItem, rows - first), linear.weights_, first_output + first);
    });
    first_output += rows;
  }
  for (const TensorView& bias : bundle.biases) {
    MAO_ASSIGN_OR_RETURN(const FloatMatrix values, ToFloatMatrix(bias));
    linear.bias_.insert(linear.bias_.end(), values.data(), values.data() + bias.num_elements());
  }
  if (!linear.bias_.empty() && linear.bias_.size() != static_cast<size_t>(out)) {
    return InvalidArgumentError(
        fmt::format("{} bias values for {} outputs", linear.bias_.size(), out));
  }
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
