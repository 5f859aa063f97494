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
#include <sys/statvfs.h>
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

  Status Sync() {
    if (fdatasync(fileno(file_)) == 0 || errno == EINVAL) return OkStatus();
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

// Those whose end is aligned come first, then wider types.
void SortForAlignment(TensorList& tensors) {
  const auto rank = [](const TensorToWrite* tensor) {
    return DataBytes(*tensor) % kTensorAlignment == 0 ? kTensorAlignment : SizeBytes(tensor->dtype);
  };
  std::stable_sort(
      tensors.begin(), tensors.end(),
      [&](const TensorToWrite* a, const TensorToWrite* b) { return rank(a) > rank(b); });
}

// The header length and the header, padded with spaces so that the data begins aligned.
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
  uint64_t length = 0;
  const size_t end = sizeof(length) + text.size();
  const size_t padding = (kTensorAlignment - end % kTensorAlignment) % kTensorAlignment;
  text.append(padding, ' ');
  length = text.size();
  std::string header(sizeof(length), '\0');
  std::memcpy(header.data(), &length, sizeof(length));
  return header + text;
}

// A file to be written: its tensors in the order of their bytes.
struct FileToWrite {
  FileToWrite(std::string file_path, TensorList list, const WriteOptions& options)
      : path(std::move(file_path)), tensors(std::move(list)) {
    SortForAlignment(tensors);
    header = HeaderOf(tensors, options);
    size_bytes = header.size() + DataBytes(tensors);
  }
  std::string path;
  TensorList tensors;
  std::string header;
  size_t size_bytes = 0;
  bool is_there = false;  // complete, from an earlier call
};

// Writes the files of one checkpoint through one buffer, counting progress over all of them.
class Writer {
 public:
  Writer(const FillTensor& fill, const WriteOptions& options, size_t total_bytes)
      : fill_(fill), options_(options), total_bytes_(total_bytes) {}

  Status WriteFile(const FileToWrite& target, TemporaryFile* file) {
    MAO_RETURN_IF_ERROR(file->Create(target.size_bytes));
    MAO_RETURN_IF_ERROR(file->Write(AsBytes(target.header)));
    for (const TensorToWrite* tensor : target.tensors) {
      MAO_RETURN_IF_ERROR(WriteTensor(*tensor, file));
    }
    if (options_.resume) MAO_RETURN_IF_ERROR(file->Sync());
    return file->Close();
  }

  void Skip(const FileToWrite& target) { CountDone(DataBytes(target.tensors)); }

 private:
  Status WriteTensor(const TensorToWrite& tensor, TemporaryFile* file) {
    const size_t element_bytes = SizeBytes(tensor.dtype);
    const size_t piece_bytes = element_bytes * tensor.piece_elements;
    const size_t chunk_bytes =
        std::max(options_.chunk_bytes / piece_bytes, size_t{1}) * piece_bytes;
    if (buffer_.size_bytes() < chunk_bytes) {
      MAO_ASSIGN_OR_RETURN(buffer_, Buffer::Allocate(chunk_bytes));
    }
    const size_t end = DataBytes(tensor);
    for (size_t begin = 0; begin < end; begin += chunk_bytes) {
      const std::span<std::byte> chunk(buffer_.data(), std::min(chunk_bytes, end - begin));
      MAO_RETURN_IF_ERROR(fill_(tensor, begin / element_bytes, chunk));
      MAO_RETURN_IF_ERROR(file->Write(chunk));
      CountDone(chunk.size());
    }
    return OkStatus();
  }

  void CountDone(size_t size_bytes) {
    done_bytes_ += size_bytes;
    if (options_.progress) options_.progress(done_bytes_, total_bytes_);
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

// Whether the file is in its place; an error for another one in that place.
Result<bool> IsComplete(const FileToWrite& target) {
  if (access(target.path.c_str(), F_OK) != 0) return false;
  MAO_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(target.path));
  if (file.bytes().size() == target.size_bytes &&
      AsStringView(file.bytes()).starts_with(target.header)) {
    return true;
  }
  return InvalidArgumentError(target.path + ": is there, but not as this call would write it");
}

Status WriteFiles(std::vector<FileToWrite> targets, const std::string& folder, size_t total_bytes,
                  const FillTensor& fill, const WriteOptions& options) {
  size_t missing_bytes = 0;
  for (FileToWrite& target : targets) {
    if (options.resume) {
      MAO_ASSIGN_OR_RETURN(target.is_there, IsComplete(target));
      unlink((target.path + ".tmp").c_str());  // half a file, which takes room
    }
    missing_bytes += target.is_there ? 0 : target.size_bytes;
  }
  MAO_RETURN_IF_ERROR(CheckFreeSpace(folder, missing_bytes));
  Writer writer(fill, options, total_bytes);
  std::vector<std::unique_ptr<TemporaryFile>> files;
  for (const FileToWrite& target : targets) {
    if (target.is_there) {
      writer.Skip(target);
      continue;
    }
    files.push_back(std::make_unique<TemporaryFile>(target.path));
    MAO_RETURN_IF_ERROR(writer.WriteFile(target, files.back().get()));
    if (options.resume) MAO_RETURN_IF_ERROR(files.back()->Publish());
  }
  if (options.resume) return OkStatus();
  for (const auto& file : files) MAO_RETURN_IF_ERROR(file->Publish());
  return OkStatus();
}

}  // namespace

Status CheckFreeSpace(const std::string& folder, size_t size_bytes) {
  struct statvfs info = {};
  if (statvfs(folder.c_str(), &info) != 0 || info.f_blocks == 0) return OkStatus();
  const uint64_t free_bytes = uint64_t{info.f_bavail} * info.f_frsize;
  if (size_bytes <= free_bytes) return OkStatus();
  return ResourceExhaustedError(
      fmt::format("{}: {} bytes are needed, the disk has {} left", folder, size_bytes, free_bytes));
}

Status WriteSafetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                        const FillTensor& fill, const WriteOptions& options) {
  MAO_RETURN_IF_ERROR(Validate(path, tensors));
  const TensorList list = Pointers(tensors);
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return WriteFiles({FileToWrite(path, list, options)}, folder, DataBytes(list), fill, options);
}

Status WriteCheckpointTensors(const std::string& folder, std::span<const TensorToWrite> tensors,
                              size_t max_shard_bytes, const FillTensor& fill,
                              const WriteOptions& options) {
  MAO_RETURN_IF_ERROR(Validate(folder, tensors));
  const TensorList list = Pointers(tensors);
  const std::vector<TensorList> shards = SplitIntoShards(list, max_shard_bytes);
  const std::string single_path = folder + "/model.safetensors";
  const size_t total_bytes = DataBytes(list);
  std::vector<FileToWrite> files;
  if (shards.size() == 1) {
    files.emplace_back(single_path, list, options);
    return WriteFiles(std::move(files), folder, total_bytes, fill, options);
  }
  if (access(single_path.c_str(), F_OK) == 0) {
    return InvalidArgumentError(single_path + ": is there and would hide the shards from readers");
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    files.emplace_back(folder + "/" + ShardName(i, shards.size()), shards[i], options);
  }
  MAO_RETURN_IF_ERROR(WriteFiles(std::move(files), folder, total_bytes, fill, options));
  return WriteFile(folder + "/model.safetensors.index.json", IndexOf(shards, total_bytes));
}

}  // namespace mao
