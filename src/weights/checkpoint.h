// A Hugging Face checkpoint: config.json, tokenizer files and the tensors of its safetensors files.
#ifndef MAOOCR_WEIGHTS_CHECKPOINT_H_
#define MAOOCR_WEIGHTS_CHECKPOINT_H_

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "tensor/tensor_view.h"
#include "weights/safetensors.h"

namespace mao {

// Read-only; all const members may be called from several threads. Files are memory maps, so that
// opening costs only the headers; a file that is cut short while open takes the process down when
// its missing part is read, as with any map.
class Checkpoint {
 public:
  static constexpr size_t kMaxFileBytes = size_t{64} << 20;  // of File()
  static constexpr size_t kMaxFolderEntries = 4096;

  struct NamedBytes {
    std::string_view name;
    std::span<const std::byte> bytes;
  };

  // config.json is required, and model.safetensors, or else the shards which
  // model.safetensors.index.json names, or else every *.safetensors in the folder.
  // Errors, naming the file: those of ParseSafetensors; NotFound (folder, config.json, tensors, or
  // a shard of the index); DataLoss (a tensor in two shards, or not in the shard where the index
  // has it); InvalidArgument (a shard name that is not a plain file name); OutOfRange (a folder of
  // more than kMaxFolderEntries entries).
  static Result<Checkpoint> Open(const std::string& folder);

  // The same for files in memory, such as a model embedded in the program. The bytes must outlive
  // the checkpoint; the names need not. InvalidArgument when a name comes twice.
  static Result<Checkpoint> FromMemory(std::string_view name, std::span<const NamedBytes> files);

  // The folder, or the name given to FromMemory: for messages.
  const std::string& name() const { return name_; }

  // A whole file of the folder, such as config.json or tokenizer.json. Errors: NotFound (naming
  // folder and file), OutOfRange (above kMaxFileBytes), or why the file could not be opened. In a
  // folder, only files with one of the usual extensions are seen: .json, .jinja, .txt, .model,
  // .tiktoken, .safetensors.
  Result<std::string_view> File(std::string_view file_name) const;

  // Null if absent. The pointer lives as long as the checkpoint, moved or not.
  const TensorView* Find(std::string_view tensor) const;

  std::span<const NamedTensor> tensors() const { return tensors_; }  // by name
  size_t num_tensors() const { return tensors_.size(); }
  size_t total_bytes() const { return total_bytes_; }  // of all tensors, without headers

  // The pages of this tensor stop counting as resident; they are read again from the file if
  // needed. Nothing happens to tensors in memory.
  void Forget(const TensorView& tensor) const;

 private:
  struct Source {
    Status status;  // why there are no bytes
    MappedFile mapped;
    std::span<const std::byte> bytes;
  };
  struct Placed {
    TensorView view;
    std::string_view shard;
  };
  using PlacedTensors = std::map<std::string, Placed, std::less<>>;
  using WeightMap = std::vector<std::pair<std::string, std::string>>;  // tensor, its shard

  explicit Checkpoint(std::string_view name) : name_(name) {}

  Status MapFolder();
  Status Load();
  Status LoadShards(const std::vector<std::string>& shards, const WeightMap& weight_map);
  Result<WeightMap> ReadIndex() const;
  Status CheckWeightMap(const WeightMap& weight_map, const PlacedTensors& placed) const;
  std::string PathOf(std::string_view file_name) const;

  std::string name_;
  std::map<std::string, Source, std::less<>> files_;
  std::vector<NamedTensor> tensors_;
  size_t total_bytes_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_CHECKPOINT_H_
