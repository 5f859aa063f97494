#include "weights/safetensors_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "tensor/buffer.h"
#include "weights/message.h"

namespace mao {
namespace {

Status ErrnoStatus(const std::string& path, std::string_view what) {
  const int error = errno;
  std::string message = fmt::format("{}: {}: {}", path, what, std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return NotFoundError(std::move(message));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return ResourceExhaustedError(std::move(message));
  }
  return InvalidArgumentError(std::move(message));
}

// path + ".tmp" until Publish renames it; removed when that does not happen.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".tmp") {}
  ~TemporaryFile() {
    if (file_ != nullptr) std::fclose(file_);
    if (exists_) unlink(temporary_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Status Create(size_t size_bytes) {
    file_ = std::fopen(temporary_.c_str(), "wbe");
    if (file_ == nullptr) return ErrnoStatus(temporary_, "cannot create");
    exists_ = true;
    std::setvbuf(file_, nullptr, _IONBF, 0);  // the pieces are large already
    // Where the file system cannot reserve (another error), the writing itself will tell.
    if (size_bytes > 0 &&
        fallocate(fileno(file_), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size_bytes)) != 0 &&
        errno == ENOSPC) {
      return ErrnoStatus(temporary_, fmt::format("cannot reserve {} bytes", size_bytes));
    }
    return OkStatus();
  }

  Status Write(std::span<const std::byte> bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()) return OkStatus();
    return ErrnoStatus(temporary_, "cannot write");
  }

  Status Close() {
    if (std::fclose(std::exchange(file_, nullptr)) == 0) return OkStatus();
    return ErrnoStatus(temporary_, "cannot write");
  }

  Status Publish() {
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return ErrnoStatus(path_, "cannot rename to");
    }
    exists_ = false;
    return OkStatus();
  }

 private:
  std::string path_;
  std::string temporary_;
  std::FILE* file_ = nullptr;
  bool exists_ = false;
};

using TensorList = std::vector<const TensorToWrite*>;

size_t DataBytes(const TensorToWrite& tensor) {
  return static_cast<size_t>(tensor.shape.num_elements()) * SizeBytes(tensor.dtype);
}

size_t DataBytes(const TensorList& tensors) {
  size_t size_bytes = 0;
  for (const TensorToWrite* tensor : tensors) size_bytes += DataBytes(*tensor);
  return size_bytes;
}

Status Validate(const std::string& target, std::span<const TensorToWrite> tensors) {
  std::set<std::string_view> names;
  for (const TensorToWrite& tensor : tensors) {
    const std::string context = fmt::format("{}: tensor {}", target, Quoted(tensor.name));
    MAO_RETURN_IF_ERROR(Shape::Make(tensor.shape.dims()).status().WithContext(context));
    if (tensor.name == "__metadata__") return InvalidArgumentError(context + ": a reserved name");
    if (!names.insert(tensor.name).second) return InvalidArgumentError(context + ": comes twice");
  }
  return OkStatus();
}

// The header length and the header, padded with spaces so that the data begins at a multiple of 8.
std::string HeaderOf(const TensorList& tensors, const WriteOptions& options) {
  std::vector<std::string> fields;
  if (!options.metadata.empty()) {
    std::vector<std::string> entries;
    for (const auto& [key, value] : options.metadata) {
      entries.push_back(JsonQuote(key) + ":" + JsonQuote(value));
    }
    fields.push_back(fmt::format("\"__metadata__\":{{{}}}", fmt::join(entries, ",")));
  }
  size_t offset = 0;
  for (const TensorToWrite* tensor : tensors) {
    const size_t end = offset + DataBytes(*tensor);
    fields.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                                 JsonQuote(tensor->name), Name(tensor->dtype),
                                 fmt::join(tensor->shape.dims(), ","), offset, end));
    offset = end;
  }
  std::string text = fmt::format("{{{}}}", fmt::join(fields, ","));
  constexpr size_t kDataAlignment = 8;
  text.resize((text.size() + kDataAlignment - 1) / kDataAlignment * kDataAlignment, ' ');
  const auto length = static_cast<uint64_t>(text.size());
  std::string header(sizeof(length), '\0');
  std::memcpy(header.data(), &length, sizeof(length));
  return header + text;
}

// Writes the files of one checkpoint through one buffer, counting progress over all of them.
class Writer {
 public:
  Writer(const FillTensor& fill, const WriteOptions& options, size_t total_bytes)
      : fill_(fill), options_(options), total_bytes_(total_bytes) {}

  Status WriteFile(TensorList tensors, TemporaryFile* file) {
    std::stable_sort(tensors.begin(), tensors.end(),
                     [](const TensorToWrite* a, const TensorToWrite* b) {
                       return SizeBytes(a->dtype) > SizeBytes(b->dtype);
                     });
    const std::string header = HeaderOf(tensors, options_);
    MAO_RETURN_IF_ERROR(file->Create(header.size() + DataBytes(tensors)));
    MAO_RETURN_IF_ERROR(file->Write(AsBytes(header)));
    for (const TensorToWrite* tensor : tensors) MAO_RETURN_IF_ERROR(WriteTensor(*tensor, file));
    return file->Close();
  }

 private:
  Status WriteTensor(const TensorToWrite& tensor, TemporaryFile* file) {
    const size_t element_bytes = SizeBytes(tensor.dtype);
    const size_t chunk_bytes =
        std::max(options_.chunk_bytes / element_bytes, size_t{1}) * element_bytes;
    if (buffer_.size_bytes() < chunk_bytes) {
      MAO_ASSIGN_OR_RETURN(buffer_, Buffer::Allocate(chunk_bytes));
    }
    const size_t end = DataBytes(tensor);
    for (size_t begin = 0; begin < end; begin += chunk_bytes) {
      const std::span<std::byte> chunk(buffer_.data(), std::min(chunk_bytes, end - begin));
      MAO_RETURN_IF_ERROR(fill_(tensor, begin / element_bytes, chunk));
      MAO_RETURN_IF_ERROR(file->Write(chunk));
      done_bytes_ += chunk.size();
      if (options_.progress) options_.progress(done_bytes_, total_bytes_);
    }
    return OkStatus();
  }

  const FillTensor& fill_;
  const WriteOptions& options_;
  size_t total_bytes_;
  size_t done_bytes_ = 0;
  Buffer buffer_;
};

std::vector<TensorList> SplitIntoShards(const TensorList& tensors, size_t max_shard_bytes) {
  std::vector<TensorList> shards(1);
  size_t shard_bytes = 0;
  for (const TensorToWrite* tensor : tensors) {
    const size_t size_bytes = DataBytes(*tensor);
    if (!shards.back().empty() && shard_bytes + size_bytes > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shards.back().push_back(tensor);
    shard_bytes += size_bytes;
  }
  return shards;
}

std::string ShardName(size_t index, size_t num_shards) {
  return fmt::format("model-{:05}-of-{:05}.safetensors", index + 1, num_shards);
}

std::string IndexOf(const std::vector<TensorList>& shards, size_t total_bytes) {
  std::vector<std::string> entries;
  for (size_t i = 0; i < shards.size(); ++i) {
    for (const TensorToWrite* tensor : shards[i]) {
      entries.push_back(
          fmt::format("    {}: \"{}\"", JsonQuote(tensor->name), ShardName(i, shards.size())));
    }
  }
  return fmt::format(
      "{{\n  \"metadata\": {{\"total_size\": {}}},\n  \"weight_map\": {{\n{}\n  }}\n}}\n",
      total_bytes, fmt::join(entries, ",\n"));
}

TensorList Pointers(std::span<const TensorToWrite> tensors) {
  TensorList pointers;
  for (const TensorToWrite& tensor : tensors) pointers.push_back(&tensor);
  return pointers;
}

Status WriteFiles(const std::vector<std::string>& paths, const std::vector<TensorList>& shards,
                  size_t total_bytes, const FillTensor& fill, const WriteOptions& options) {
  Writer writer(fill, options, total_bytes);
  std::vector<std::unique_ptr<TemporaryFile>> files;
  for (size_t i = 0; i < shards.size(); ++i) {
    files.push_back(std::make_unique<TemporaryFile>(paths[i]));
    MAO_RETURN_IF_ERROR(writer.WriteFile(shards[i], files.back().get()));
  }
  for (const auto& file : files) MAO_RETURN_IF_ERROR(file->Publish());
  return OkStatus();
}

}  // namespace

Status WriteSafetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                        const FillTensor& fill, const WriteOptions& options) {
  MAO_RETURN_IF_ERROR(Validate(path, tensors));
  const TensorList list = Pointers(tensors);
  return WriteFiles({path}, {list}, DataBytes(list), fill, options);
}

Status WriteCheckpointTensors(const std::string& folder, std::span<const TensorToWrite> tensors,
                              size_t max_shard_bytes, const FillTensor& fill,
                              const WriteOptions& options) {
  MAO_RETURN_IF_ERROR(Validate(folder, tensors));
  const TensorList list = Pointers(tensors);
  const std::vector<TensorList> shards = SplitIntoShards(list, max_shard_bytes);
  const std::string single_path = folder + "/model.safetensors";
  const size_t total_bytes = DataBytes(list);
  if (shards.size() == 1) return WriteFiles({single_path}, shards, total_bytes, fill, options);
  if (access(single_path.c_str(), F_OK) == 0) {
    return InvalidArgumentError(single_path + ": is there and would hide the shards from readers");
  }
  std::vector<std::string> paths;
  for (size_t i = 0; i < shards.size(); ++i) {
    paths.push_back(folder + "/" + ShardName(i, shards.size()));
  }
  MAO_RETURN_IF_ERROR(WriteFiles(paths, shards, total_bytes, fill, options));
  return WriteFile(folder + "/model.safetensors.index.json", IndexOf(shards, total_bytes));
}

}  // namespace mao
