// Two-dimensional convolution on channels-last maps, as a matrix product.
#ifndef MAOOCR_LAYERS_CONV2D_H_
#define MAOOCR_LAYERS_CONV2D_H_

#include "layers/linear.h"

namespace mao {

class Conv2d {
 public:
  // weight: [out, in, kernel, kernel] (PyTorch), no bias. in * kernel^2 must be a multiple of 32.
  static Result<Conv2d> Create(const TensorView& weight, int64_t stride, int64_t padding,
                               WeightFormat format, ThreadPool& pool);

  Conv2d() = default;

  int64_t OutputSide(int64_t side) const { return (side + 2 * padding_ - kernel_) / stride_ + 1; }
  int64_t out_channels() const { return product_.out_features(); }
  size_t size_bytes() const { return product_.size_bytes(); }

  // x: [side, side, in], y: [OutputSide, OutputSide, out]. columns is scratch for patches.
  void Forward(ExecutionContext& ctx, const float* x, int64_t side, float* y,
               FloatMatrix& columns) const;

  // Room that Forward needs in `columns` for any side: patches are laid out band by band.
  Status ReserveColumns(int64_t side, FloatMatrix& columns) const;

  // Depth of the matrix product, for the scratch of ctx.
  int64_t depth() const { return product_.in_features(); }
  // Most rows of one product for this side.
  int64_t RowsPerBand(int64_t side) const;

 private:
  Linear product_;  // rows of weights ordered [kernel y][kernel x][in]
  int64_t in_channels_ = 0;
  int64_t kernel_ = 1;
  int64_t stride_ = 1;
  int64_t padding_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_CONV2D_H_
