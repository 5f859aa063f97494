#include "layers/conv2d.h"

#include <algorithm>
#include <cstring>

namespace mao {
namespace {

constexpr int64_t kMaxBandRows = 1024;  // patches laid out at a time

}  // namespace

Result<Conv2d> Conv2d::Create(const TensorView& weight, int64_t stride, int64_t padding,
                              WeightFormat format, ThreadPool& pool) {
  Conv2d conv;
  conv.in_channels_ = weight.shape.dim(1);
  conv.kernel_ = weight.shape.dim(2);
  conv.stride_ = stride;
  conv.padding_ = padding;
  MAO_ASSIGN_OR_RETURN(const FloatMatrix source, ToFloatMatrix(weight));
  const int64_t out = weight.shape.dim(0);
  const int64_t area = conv.kernel_ * conv.kernel_;
  FloatMatrix permuted;
  MAO_RETURN_IF_ERROR(permuted.Reserve(out, area * conv.in_channels_));
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t c = 0; c < conv.in_channels_; ++c) {
      for (int64_t k = 0; k < area; ++k) {
        permuted.row(o)[k * conv.in_channels_ + c] =
            source.data()[(o * conv.in_channels_ + c) * area + k];
      }
    }
  }
  const TensorView rows = {DType::kF32, Shape({out, permuted.cols()}),
                           reinterpret_cast<const std::byte*>(permuted.data())};
  MAO_ASSIGN_OR_RETURN(conv.product_, Linear::Pack({{rows}, {}}, format, pool));
  return conv;
}

int64_t Conv2d::RowsPerBand(int64_t side) const {
  const int64_t out_side = OutputSide(side);
  return std::max<int64_t>(1, kMaxBandRows / out_side) * out_side;
}

Status Conv2d::ReserveColumns(int64_t side, FloatMatrix& columns) const {
  return columns.Reserve(RowsPerBand(side), depth());
}

void Conv2d::Forward(ExecutionContext& ctx, const float* x, int64_t side, float* y,
                     FloatMatrix& columns) const {
  const int64_t out_side = OutputSide(side);
  const int64_t band = RowsPerBand(side) / out_side;
  for (int64_t first = 0; first < out_side; first += band) {
    const int64_t band_rows = std::min(band, out_side - first);
    ctx.pool.ParallelFor(static_cast<size_t>(band_rows * out_side), [&](size_t item, size_t) {
      const auto index = static_cast<int64_t>(item);
      const int64_t top = (first + index / out_side) * stride_ - padding_;
      const int64_t left = index % out_side * stride_ - padding_;
      float* target = columns.data() + index * depth();
      for (int64_t ky = 0; ky < kernel_; ++ky) {
        for (int64_t kx = 0; kx < kernel_; ++kx, target += in_channels_) {
          const int64_t sy = top + ky;
          const int64_t sx = left + kx;
          const size_t bytes = static_cast<size_t>(in_channels_) * sizeof(float);
          if (sy < 0 || sy >= side || sx < 0 || sx >= side) {
            std::memset(target, 0, bytes);
          } else {
            std::memcpy(target, x + (sy * side + sx) * in_channels_, bytes);
          }
        }
      }
    });
    product_.Forward(ctx, columns.data(), depth(), band_rows * out_side,
                     y + first * out_side * out_channels(), out_channels());
  }
}

}  // namespace mao
