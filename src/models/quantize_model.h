// Writes a packed checkpoint (models/stored_weights.h): what `maoocr quantize` does.
#ifndef MAOOCR_MODELS_QUANTIZE_MODEL_H_
#define MAOOCR_MODELS_QUANTIZE_MODEL_H_

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>

#include "base/status.h"
#include "base/thread_pool.h"
#include "models/quantization.h"
#include "weights/checkpoint.h"

namespace mao {

struct QuantizeOptions {
  Quantization quantization = Quantization::kNone;  // kNone: packed only
  // Of the arithmetic that the packed checkpoint is for; weights that are neither quantised nor
  // bfloat16 are packed in it. kBF16 or kF32.
  DType dtype = DType::kBF16;
  // A file more begins above this, and what a call had finished of one is done again by the next.
  size_t max_shard_bytes = size_t{1} << 30;
  std::function<void(size_t done_bytes, size_t total_bytes)> progress;  // may be empty
  std::stop_token stop;
};

struct QuantizeResult {
  bool was_complete = false;  // before the call
  size_t num_tensors = 0;
  size_t total_bytes = 0;  // of all tensors
};

// Reads a plain checkpoint piece by piece, never a whole layer's weights at once, into a packed one in
// `folder`, which is made. The configuration and tokenizer files are copied. A call that was cut off,
// however, is continued by the same call again and ends with the same bytes; a folder that is
// complete is left as it is.
//
// Errors: those of opening and verifying the model; InvalidArgument when the source is packed
// itself, or when `folder` holds anything else: files of another origin, or the output of another
// source or other options; Unavailable while another process writes there; ResourceExhausted (disk
// full, before the first byte where the file system can tell); Cancelled after a stop request.
Result<QuantizeResult> QuantizeModel(const Checkpoint& source, const std::string& folder,
                                     const QuantizeOptions& options, ThreadPool& pool);

}  // namespace mao

#endif  // MAOOCR_MODELS_QUANTIZE_MODEL_H_
