// Writes safetensors files piece by piece, so that a checkpoint larger than memory can be made.
#ifndef MAOOCR_WEIGHTS_SAFETENSORS_WRITER_H_
#define MAOOCR_WEIGHTS_SAFETENSORS_WRITER_H_

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "base/dtype.h"
#include "base/status.h"
#include "tensor/shape.h"

namespace mao {

struct TensorToWrite {
  std::string name;  // UTF-8
  DType dtype = DType::kF32;
  Shape shape;
  size_t piece_elements = 1;  // pieces for FillTensor are multiples of it
};

// Fills `out` with the elements of `tensor` from first_element on. Called with consecutive pieces,
// tensor after tensor; an error ends the writing.
using FillTensor = std::function<Status(const TensorToWrite& tensor, size_t first_element,
                                        std::span<std::byte> out)>;

struct WriteOptions {
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  size_t chunk_bytes = size_t{8} << 20;  // the most that one call of FillTensor fills, if it can
  std::function<void(size_t done_bytes, size_t total_bytes)> progress;  // may be empty
  bool resume = false;                                                  // of WriteCheckpointTensors
};

// The data of a tensor whose size is a multiple of this begins at such a multiple in the file, so
// that it can be used where it is mapped. In front of the others, then: wider types first, like in
// the reference implementation, so that every tensor is aligned to its element size.
inline constexpr size_t kTensorAlignment = 64;

// One file. Everything is written beside the target (".tmp") and renamed at the end; after an error
// no new file is left.
// Errors: InvalidArgument (a name that comes twice or is "__metadata__", a bad shape), those of
// fill, NotFound (no such folder), ResourceExhausted (disk full, found out before the first byte
// where the file system can tell).
Status WriteSafetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                        const FillTensor& fill, const WriteOptions& options = {});

// The tensors of a checkpoint folder: model.safetensors when they fit into max_shard_bytes, or else
// model-00001-of-0000N.safetensors and so on, each of at most max_shard_bytes unless one tensor
// alone is larger, and model.safetensors.index.json. Shards are filled in the order of `tensors`,
// and renamed when all are complete. Other files of the folder are left alone;
// InvalidArgument when shards would stand beside a model.safetensors, which readers prefer.
//
// With options.resume a shard is renamed as soon as it is complete and on the disk, and one that is
// there already, with the same header and size, is not written again: the same call continues what
// was cut off, and ends with the same files. InvalidArgument for any other file in the place of a
// shard. The index comes last.
Status WriteCheckpointTensors(const std::string& folder, std::span<const TensorToWrite> tensors,
                              size_t max_shard_bytes, const FillTensor& fill,
                              const WriteOptions& options = {});

// ResourceExhausted when the file system of `folder` has not that much room, as far as it can tell.
Status CheckFreeSpace(const std::string& folder, size_t size_bytes);

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_SAFETENSORS_WRITER_H_
