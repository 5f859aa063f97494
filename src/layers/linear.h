// y = x W^T + b with packed weights: made at load, or used where a file has them.
#ifndef MAOOCR_LAYERS_LINEAR_H_
#define MAOOCR_LAYERS_LINEAR_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "kernels/dot/dot.h"
#include "layers/execution_context.h"
#include "tensor/buffer.h"
#include "tensor/tensor_view.h"

namespace mao {

// What a Linear is made of: weights [out_i, in] stacked along the outputs (q, k, v; gate, up), and
// as many biases [out_i], or none.
struct LinearBundle {
  std::vector<TensorView> weights;
  std::vector<TensorView> biases;
};

// Extents of stacked weights.
struct StackShape {
  int64_t n = 0;  // outputs
  int64_t k = 0;  // inputs
};

// Errors: Unimplemented if k is not a multiple of 32; InvalidArgument for shapes that do not stack.
Result<StackShape> ShapeOfStack(std::span<const TensorView> weights);

// Packs the stacked weights' outputs from first_output on (a multiple of 16) as all of `target`,
// whose memory must be zero before. The bytes of an output do not depend on what else a call packs.
void PackStack(std::span<const TensorView> weights, int64_t first_output,
               const PackedWeights& target, ThreadPool& pool);

class Linear {
 public:
  // Packs the bundle in `format`. Errors: those of ShapeOfStack; InvalidArgument for biases that do
  // not fit (callers verify shapes beforehand).
  static Result<Linear> Pack(const LinearBundle& bundle, WeightFormat format, ThreadPool& pool);

  // Weights that are packed already, used where they are: they must outlive the layer. Errors:
  // Unimplemented if k is not a multiple of 32; InvalidArgument for biases that do not fit.
  static Result<Linear> FromPacked(const PackedWeights& packed, std::span<const TensorView> biases);

  Linear() = default;

  int64_t in_features() const { return weights_.k; }
  int64_t out_features() const { return weights_.n; }
  size_t size_bytes() const {
    return PackedWeightsBytes(weights_.format, weights_.n, weights_.k) +
           bias_.size() * sizeof(float);
  }

  // fc2(act(fc1(x))), added to y: two layers without the way over float activations where their
  // formats allow it. hidden: DotScratchBytes(rows, fc1.out_features()), 64-byte aligned. ctx.scratch
  // as for the deeper of the two.
  static void ForwardBoth(ExecutionContext& ctx, const Linear& fc1, Activation act,
                          const Linear& fc2, const float* x, int64_t rows, float* y,
                          std::byte* hidden);

  // The product of `rows` rows x (stride x_stride) into y (stride y_stride), for Dot.
  DotProblem Problem(const float* x, int64_t x_stride, int64_t rows, float* y,
                     int64_t y_stride) const;

  // y = act(x W^T + b), added to y if accumulate. ctx.scratch must have
  // DotScratchBytes(rows rounded up to 16, in_features()) bytes.
  void Forward(ExecutionContext& ctx, const float* x, int64_t x_stride, int64_t rows, float* y,
               int64_t y_stride, Activation act = Activation::kNone, bool accumulate = false) const;

 private:
  Buffer memory_;  // of weights_, unless they lie elsewhere
  PackedWeights weights_;
  std::vector<float> bias_;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_LINEAR_H_
