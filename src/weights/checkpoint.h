// A Hugging Face checkpoint: config.json, tokenizer files and the tensors of its safetensors files.
#ifndef MAOOCR_WEIGHTS_CHECKPOINT_H_
#define MAOOCR_WEIGHTS_CHECKPOINT_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
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

// Read-only; all const members may be called from several threads. A copy shares the files and
// tensors with the original, which live as long as the last copy. Files are memory maps, so that
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
  // the checkpoint and its copies, which keep `owner` alive; the names need not. InvalidArgument
  // when a name comes twice.
  static Result<Checkpoint> FromMemory(std::string_view name, std::span<const NamedBytes> files,
                                       std::shared_ptr<const void> owner = nullptr);

  // A safetensors file that tensors are from.
  struct Shard {
    std::string path;  // for messages
    std::span<const std::byte> bytes;
    std::vector<std::pair<std::string, std::string>> metadata;
  };

  // The folder, or the name given to FromMemory: for messages.
  const std::string& name() const { return state_->name; }

  // A whole file of the folder, such as config.json or tokenizer.json. Errors: NotFound (naming
  // folder and file), OutOfRange (above kMaxFileBytes), or why the file could not be opened. In a
  // folder, only files with one of the usual extensions are seen: .json, .jinja, .txt, .model,
  // .tiktoken, .safetensors.
  Result<std::string_view> File(std::string_view file_name) const;

  // The files that File can read, without safetensors files and their index.
  std::vector<std::string> FileNames() const;

  // Null if absent. The pointer lives as long as the checkpoint, moved or not.
  const TensorView* Find(std::string_view tensor) const;

  std::span<const NamedTensor> tensors() const { return state_->tensors; }  // by name
  size_t num_tensors() const { return state_->tensors.size(); }
  size_t total_bytes() const { return state_->total_bytes; }  // of all tensors, without headers
  std::span<const Shard> shards() const { return state_->shards; }

  // The path of the file that holds the tensor, for messages.
  const std::string& FileOf(const TensorView& tensor) const;

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

  struct State {
    std::string name;
    std::shared_ptr<const void> owner;  // of the bytes of files in memory
    std::map<std::string, Source, std::less<>> files;
    std::vector<Shard> shards;
    std::vector<NamedTensor> tensors;
    size_t total_bytes = 0;
  };

  explicit Checkpoint(std::string_view name);

  Status MapFolder();
  Status Load();
  Status LoadShards(const std::vector<std::string>& shards, const WeightMap& weight_map);
  Result<WeightMap> ReadIndex() const;
  Status CheckWeightMap(const WeightMap& weight_map, const PlacedTensors& placed) const;
  std::string PathOf(std::string_view file_name) const;

  std::shared_ptr<State> state_;  // not changed once the checkpoint is open
};

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_CHECKPOINT_H_
