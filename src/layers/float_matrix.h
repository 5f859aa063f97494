// Activations: matrices of floats that keep their memory between steps.
#ifndef MAOOCR_LAYERS_FLOAT_MATRIX_H_
#define MAOOCR_LAYERS_FLOAT_MATRIX_H_

#include <cstdint>
#include <span>

#include "base/status.h"
#include "tensor/buffer.h"
#include "tensor/tensor_view.h"

namespace mao {

// A row-major matrix whose capacity only grows, so that after the largest shape no step allocates.
class FloatMatrix {
 public:
  // Makes room for rows x cols floats; contents are lost when it grows. ResourceExhausted when the
  // system refuses.
  Status Reserve(int64_t rows, int64_t cols);

  // Gives the matrix a shape within its capacity (checked in debug builds).
  void SetShape(int64_t rows, int64_t cols);

  float* data() { return buffer_.As<float>(); }
  const float* data() const { return buffer_.As<float>(); }
  float* row(int64_t i) { return data() + i * cols_; }
  const float* row(int64_t i) const { return data() + i * cols_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }

 private:
  Buffer buffer_;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
};

// All elements of a float tensor (F32, F16, BF16; any alignment) as float.
Result<FloatMatrix> ToFloatMatrix(const TensorView& tensor);

// Scratch memory for kernels that grows like FloatMatrix.
class Scratch {
 public:
  Status Reserve(size_t size_bytes);
  std::span<std::byte> bytes() { return {buffer_.data(), buffer_.size_bytes()}; }

 private:
  Buffer buffer_;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_FLOAT_MATRIX_H_
