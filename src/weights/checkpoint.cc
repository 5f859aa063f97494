#include "weights/checkpoint.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <set>
#include <system_error>

#include <fmt/core.h>

#include "weights/json_reader.h"
#include "weights/message.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";
constexpr std::string_view kShardExtension = ".safetensors";

bool HasUsualExtension(std::string_view file_name) {
  constexpr std::array<std::string_view, 6> kExtensions = {".json",  ".jinja",    ".txt",
                                                           ".model", ".tiktoken", kShardExtension};
  return std::any_of(kExtensions.begin(), kExtensions.end(),
                     [&](std::string_view extension) { return file_name.ends_with(extension); });
}

// An index must not lead outside its folder.
bool IsPlainShardName(std::string_view name) {
  return name.size() > kShardExtension.size() && name.ends_with(kShardExtension) &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

}  // namespace

Checkpoint::Checkpoint(std::string_view name) : state_(std::make_shared<State>()) {
  state_->name = name;
}

std::string Checkpoint::PathOf(std::string_view file_name) const {
  return fmt::format("{}/{}", name(), file_name);
}

Result<Checkpoint> Checkpoint::Open(const std::string& folder) {
  Checkpoint checkpoint(folder);
  MAO_RETURN_IF_ERROR(checkpoint.MapFolder());
  MAO_RETURN_IF_ERROR(checkpoint.Load());
  return checkpoint;
}

Result<Checkpoint> Checkpoint::FromMemory(std::string_view name, std::span<const NamedBytes> files,
                                          std::shared_ptr<const void> owner) {
  Checkpoint checkpoint(name);
  checkpoint.state_->owner = std::move(owner);
  for (const NamedBytes& file : files) {
    const auto [entry, inserted] = checkpoint.state_->files.try_emplace(std::string(file.name));
    if (!inserted) {
      return InvalidArgumentError(fmt::format("{}: two files called {}", name, Quoted(file.name)));
    }
    entry->second.bytes = file.bytes;
  }
  MAO_RETURN_IF_ERROR(checkpoint.Load());
  return checkpoint;
}

Status Checkpoint::MapFolder() {
  std::error_code error;
  size_t num_entries = 0;
  for (fs::directory_iterator entry(name(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (++num_entries > kMaxFolderEntries) {
      return OutOfRangeError(fmt::format("{}: more than the limit of {} files in a checkpoint",
                                         name(), kMaxFolderEntries));
    }
    const std::string file_name = entry->path().filename().string();
    if (!HasUsualExtension(file_name)) continue;
    Source& source = state_->files[file_name];
    auto mapped = MappedFile::Open(PathOf(file_name));
    source.status = mapped.status();
    if (!mapped.ok()) continue;
    source.mapped = std::move(mapped).value();
    source.bytes = source.mapped.bytes();
  }
  if (!error) return OkStatus();
  std::string message = fmt::format("{}: cannot list the folder: {}", name(), error.message());
  const bool absent = error == std::errc::no_such_file_or_directory;
  return absent ? NotFoundError(std::move(message)) : InvalidArgumentError(std::move(message));
}

Result<std::string_view> Checkpoint::File(std::string_view file_name) const {
  const auto file = state_->files.find(file_name);
  if (file == state_->files.end()) {
    return NotFoundError(fmt::format("{}: there is no file {}", name(), Quoted(file_name)));
  }
  const Source& source = file->second;
  if (!source.status.ok()) return source.status;
  if (source.bytes.size() > kMaxFileBytes) {
    return OutOfRangeError(fmt::format("{}: {} bytes, more than the limit of {} bytes",
                                       PathOf(file_name), source.bytes.size(), kMaxFileBytes));
  }
  return AsStringView(source.bytes);
}

Status Checkpoint::Load() {
  MAO_RETURN_IF_ERROR(File(kConfig).status());
  if (state_->files.contains(kSingleFile)) return LoadShards({std::string(kSingleFile)}, {});
  if (state_->files.contains(kIndexFile)) {
    MAO_ASSIGN_OR_RETURN(const WeightMap weight_map, ReadIndex());
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : weight_map) shards.insert(shard);
    return LoadShards({shards.begin(), shards.end()}, weight_map);
  }
  std::vector<std::string> shards;
  for (const auto& [file_name, source] : state_->files) {
    if (file_name.ends_with(kShardExtension)) shards.push_back(file_name);
  }
  if (shards.empty()) {
    return NotFoundError(fmt::format("{}: no tensors: there is neither {} nor {} nor any *{}",
                                     name(), kSingleFile, kIndexFile, kShardExtension));
  }
  return LoadShards(shards, {});
}

Result<Checkpoint::WeightMap> Checkpoint::ReadIndex() const {
  MAO_ASSIGN_OR_RETURN(const std::string_view text, File(kIndexFile));
  const std::string path = PathOf(kIndexFile);
  MAO_ASSIGN_OR_RETURN(JsonReader reader, JsonReader::Parse(text, path, kMaxFileBytes));
  WeightMap weight_map = reader.RequiredStringMap("weight_map");
  MAO_RETURN_IF_ERROR(reader.status());
  if (weight_map.empty()) return DataLossError(path + ": weight_map names no tensor");
  std::set<std::string> missing;
  for (const auto& [tensor, shard] : weight_map) {
    if (!IsPlainShardName(shard)) {
      return InvalidArgumentError(fmt::format(
          "{}: weight_map puts tensor {} in {}; allowed is a file name without folders that ends "
          "in {}",
          path, Quoted(tensor), Quoted(shard), kShardExtension));
    }
    if (!state_->files.contains(shard)) missing.insert(Quoted(shard));
  }
  if (missing.empty()) return weight_map;
  return NotFoundError(fmt::format("{}: {} shards are missing from the folder: {}", path,
                                   missing.size(),
                                   Listing(std::vector(missing.begin(), missing.end()))));
}

Status Checkpoint::LoadShards(const std::vector<std::string>& shards, const WeightMap& weight_map) {
  PlacedTensors placed;
  for (const std::string& shard : shards) {
    const Source& source = state_->files.find(shard)->second;
    MAO_RETURN_IF_ERROR(source.status);
    std::string path = PathOf(shard);
    MAO_ASSIGN_OR_RETURN(SafetensorsIndex index, ParseSafetensors(source.bytes, path));
    state_->shards.push_back({std::move(path), source.bytes, std::move(index.metadata)});
    for (NamedTensor& tensor : index.tensors) {
      const auto [entry, inserted] =
          placed.try_emplace(std::move(tensor.name), Placed{tensor.view, shard});
      if (!inserted) {
        return DataLossError(fmt::format("{}: tensor {} is in two files, {} and {}", name(),
                                         Quoted(entry->first), Quoted(entry->second.shard),
                                         Quoted(shard)));
      }
    }
  }
  MAO_RETURN_IF_ERROR(CheckWeightMap(weight_map, placed));
  state_->tensors.reserve(placed.size());
  for (const auto& [tensor, place] : placed) {
    state_->tensors.push_back({tensor, place.view});
    state_->total_bytes += place.view.size_bytes();
  }
  return OkStatus();
}

Status Checkpoint::CheckWeightMap(const WeightMap& weight_map, const PlacedTensors& placed) const {
  std::vector<std::string> absent;
  for (const auto& [tensor, shard] : weight_map) {
    const auto entry = placed.find(tensor);
    if (entry != placed.end() && entry->second.shard == shard) continue;
    absent.push_back(fmt::format("{} in {}", Quoted(tensor), Quoted(shard)));
  }
  if (absent.empty()) return OkStatus();
  return DataLossError(fmt::format("{}: {} tensors are not in the shard that weight_map names: {}",
                                   PathOf(kIndexFile), absent.size(), Listing(absent)));
}

const TensorView* Checkpoint::Find(std::string_view tensor) const {
  const auto found =
      std::lower_bound(state_->tensors.begin(), state_->tensors.end(), tensor,
                       [](const NamedTensor& a, std::string_view name) { return a.name < name; });
  return found != state_->tensors.end() && found->name == tensor ? &found->view : nullptr;
}

std::vector<std::string> Checkpoint::FileNames() const {
  std::vector<std::string> names;
  for (const auto& [name, source] : state_->files) {
    const bool is_of_tensors = name.ends_with(kShardExtension) || name == kIndexFile;
    if (source.status.ok() && !is_of_tensors) names.push_back(name);
  }
  return names;
}

const std::string& Checkpoint::FileOf(const TensorView& tensor) const {
  for (const Shard& shard : state_->shards) {
    if (tensor.data >= shard.bytes.data() &&
        tensor.data <= shard.bytes.data() + shard.bytes.size()) {
      return shard.path;
    }
  }
  return name();
}

void Checkpoint::Forget(const TensorView& tensor) const {
  const auto range = tensor.bytes();
  for (const auto& [file_name, source] : state_->files) {
    const auto file = source.mapped.bytes();
    if (range.data() >= file.data() && range.data() < file.data() + file.size()) {
      source.mapped.Forget(range);
      return;
    }
  }
}

}  // namespace mao
