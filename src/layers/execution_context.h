// What every layer needs to run: threads, number format, scratch memory, and an optional observer.
#ifndef MAOOCR_LAYERS_EXECUTION_CONTEXT_H_
#define MAOOCR_LAYERS_EXECUTION_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/dtype.h"
#include "base/thread_pool.h"
#include "layers/float_matrix.h"

namespace mao {

// Sees intermediate results by name (for tests and debugging). rows x cols floats, row-major.
using StageObserver =
    std::function<void(std::string_view stage, const float* data, int64_t rows, int64_t cols)>;

struct ExecutionContext {
  ThreadPool& pool;
  DType compute = DType::kBF16;  // kF32 or kBF16: rounding of activations in matrix products
  Scratch scratch;               // of the kernel that is running
  StageObserver observer;        // usually empty

  void Observe(std::string_view stage, const float* data, int64_t rows, int64_t cols) const {
    if (observer) observer(stage, data, rows, cols);
  }
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_EXECUTION_CONTEXT_H_
