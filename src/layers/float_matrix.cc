#include "layers/float_matrix.h"

#include <cassert>

namespace mao {

Status FloatMatrix::Reserve(int64_t rows, int64_t cols) {
  const size_t size_bytes = static_cast<size_t>(rows * cols) * sizeof(float);
  if (size_bytes > buffer_.size_bytes()) {
    buffer_ = Buffer();  // give the old memory back first
    MAO_ASSIGN_OR_RETURN(buffer_, Buffer::Allocate(size_bytes));
  }
  SetShape(rows, cols);
  return OkStatus();
}

void FloatMatrix::SetShape(int64_t rows, int64_t cols) {
  assert(static_cast<size_t>(rows * cols) * sizeof(float) <= buffer_.size_bytes());
  rows_ = rows;
  cols_ = cols;
}

Result<FloatMatrix> ToFloatMatrix(const TensorView& tensor) {
  FloatMatrix matrix;
  const size_t rank = tensor.shape.rank();
  const int64_t cols = rank == 0 ? 1 : tensor.shape.dim(rank - 1);
  const int64_t rows = cols == 0 ? 0 : tensor.shape.num_elements() / cols;
  MAO_RETURN_IF_ERROR(matrix.Reserve(rows, cols));
  float* out = matrix.data();
  for (size_t i = 0; i < tensor.num_elements(); ++i) {
    switch (tensor.dtype) {
      case DType::kF32:
        out[i] = tensor.Load<float>(i);
        break;
      case DType::kBF16:
        out[i] = ToFloat(tensor.Load<BFloat16>(i));
        break;
      case DType::kF16:
        out[i] = ToFloat(tensor.Load<Float16>(i));
        break;
      default:
        return InvalidArgumentError("tensor of type " + std::string(Name(tensor.dtype)) +
                                    " where a float type is needed");
    }
  }
  return matrix;
}

Status Scratch::Reserve(size_t size_bytes) {
  if (size_bytes <= buffer_.size_bytes()) return OkStatus();
  buffer_ = Buffer();
  MAO_ASSIGN_OR_RETURN(buffer_, Buffer::Allocate(size_bytes));
  return OkStatus();
}

}  // namespace mao
