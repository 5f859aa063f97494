// For tests: tensors of random values with their memory.
#ifndef MAOOCR_LAYERS_TEST_TENSOR_H_
#define MAOOCR_LAYERS_TEST_TENSOR_H_

#include <vector>

#include "kernels/arch/test_random.h"
#include "tensor/tensor_view.h"

namespace mao {

struct TestTensor {
  TestTensor(Shape tensor_shape, TestRandom& random, float scale = 1.0f)
      : shape(tensor_shape),
        values(random.Floats(static_cast<size_t>(tensor_shape.num_elements()), scale)) {}

  TensorView view() const {
    return {DType::kF32, shape, reinterpret_cast<const std::byte*>(values.data())};
  }
  float at(int64_t row, int64_t col) const {
    return values[static_cast<size_t>(row * shape.dim(shape.rank() - 1) + col)];
  }

  Shape shape;
  std::vector<float> values;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_TEST_TENSOR_H_
