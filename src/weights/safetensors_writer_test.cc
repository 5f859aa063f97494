#include "weights/safetensors_writer.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "weights/checkpoint.h"
#include "weights/test_files.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> FilesIn(const TempFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Byte k of the tensor is its first letter plus k.
std::byte ByteOf(std::string_view name, size_t k) {
  return static_cast<std::byte>(static_cast<size_t>(name[0]) + k);
}

Status FillByName(const TensorToWrite& tensor, size_t first_element, std::span<std::byte> out) {
  const size_t first = first_element * SizeBytes(tensor.dtype);
  for (size_t i = 0; i < out.size(); ++i) out[i] = ByteOf(tensor.name, first + i);
  return OkStatus();
}

const std::vector<TensorToWrite>& Tensors() {
  static const std::vector<TensorToWrite> tensors = {
      {"flags", DType::kBool, {3}},  {"a \"quoted\" é\n", DType::kF32, {2, 3}},
      {"big", DType::kBF16, {7, 9}}, {"nothing", DType::kF16, {0, 4}},
      {"scalar", DType::kI64, {}},   {"zero point", DType::kU8, {5}},
  };
  return tensors;
}

void ExpectHolds(const Checkpoint& checkpoint, const std::vector<TensorToWrite>& tensors) {
  EXPECT_EQ(checkpoint.num_tensors(), tensors.size());
  for (const TensorToWrite& tensor : tensors) {
    const TensorView* view = checkpoint.Find(tensor.name);
    ASSERT_NE(view, nullptr) << tensor.name;
    EXPECT_EQ(view->dtype, tensor.dtype);
    EXPECT_EQ(view->shape, tensor.shape);
    EXPECT_TRUE(view->is_aligned()) << tensor.name;
    for (size_t k = 0; k < view->size_bytes(); ++k) {
      ASSERT_EQ(view->data[k], ByteOf(tensor.name, k)) << tensor.name << " " << k;
    }
  }
}

TEST(SafetensorsWriterTest, OneFileReadsBack) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  for (const size_t chunk_bytes : {size_t{1}, size_t{10}, size_t{1} << 20}) {
    WriteOptions options;
    options.chunk_bytes = chunk_bytes;
    std::vector<size_t> done;
    options.progress = [&](size_t done_bytes, size_t total_bytes) {
      done.push_back(done_bytes);
      EXPECT_EQ(total_bytes, 3u + 24 + 126 + 0 + 8 + 5);
    };
    ASSERT_TRUE(WriteCheckpointTensors(folder.path(), Tensors(), 1000, FillByName, options).ok());
    EXPECT_THAT(FilesIn(folder), ElementsAre("config.json", "model.safetensors"));
    const auto checkpoint = Checkpoint::Open(folder.path());
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
    ExpectHolds(*checkpoint, Tensors());
    EXPECT_EQ(checkpoint->total_bytes(), 166u);
    EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
    EXPECT_EQ(done.back(), 166u);
  }
}

TEST(SafetensorsWriterTest, ShardsReadBack) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  ASSERT_TRUE(WriteCheckpointTensors(folder.path(), Tensors(), 30, FillByName).ok());
  EXPECT_THAT(FilesIn(folder),
              ElementsAre("config.json", "model-00001-of-00003.safetensors",
                          "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors",
                          "model.safetensors.index.json"));
  const auto checkpoint = Checkpoint::Open(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  ExpectHolds(*checkpoint, Tensors());
  const auto second = MappedFile::Open(folder.PathOf("model-00002-of-00003.safetensors"));
  ASSERT_TRUE(second.ok());
  const auto index = ParseSafetensors(second->bytes(), "second");
  ASSERT_TRUE(index.ok());
  ASSERT_EQ(index->tensors.size(), 1u);  // alone above the limit
  EXPECT_EQ(index->tensors[0].name, "big");
}

TEST(SafetensorsWriterTest, RefusesShardsThatNobodyWouldRead) {
  TempFolder folder;
  folder.Write("model.safetensors", "old");
  const Status status = WriteCheckpointTensors(folder.path(), Tensors(), 30, FillByName);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(FilesIn(folder), ElementsAre("model.safetensors"));
}

TEST(SafetensorsWriterTest, FailureLeavesNoFile) {
  TempFolder folder;
  const FillTensor fill = [](const TensorToWrite& tensor, size_t, std::span<std::byte>) {
    return tensor.name == "zero point" ? CancelledError("stopped") : OkStatus();
  };
  EXPECT_EQ(WriteCheckpointTensors(folder.path(), Tensors(), 30, fill).code(),
            StatusCode::kCancelled);
  EXPECT_EQ(WriteSafetensors(folder.PathOf("x.safetensors"), Tensors(), fill).code(),
            StatusCode::kCancelled);
  EXPECT_THAT(FilesIn(folder), IsEmpty());
}

TEST(SafetensorsWriterTest, FailureKeepsTheOldFile) {
  TempFolder folder;
  folder.Write("x.safetensors", "old");
  const FillTensor fill = [](const TensorToWrite&, size_t, std::span<std::byte>) {
    return CancelledError("stopped");
  };
  EXPECT_FALSE(WriteSafetensors(folder.PathOf("x.safetensors"), Tensors(), fill).ok());
  EXPECT_EQ(ReadFile(folder.PathOf("x.safetensors"), 10).value(), "old");
}

TEST(SafetensorsWriterTest, WholeLinesOfTensorsLieWhereTheyCanBeUsed) {
  TempFolder folder;
  const std::vector<TensorToWrite> tensors = {{"odd", DType::kU8, {3}},
                                              {"bytes", DType::kU8, {5, 64}},
                                              {"wide", DType::kF32, {3}},
                                              {"halves", DType::kBF16, {2, 32}},
                                              {"nothing", DType::kU8, {0}}};
  const std::string path = folder.PathOf("x.safetensors");
  for (size_t length = 1; length < 70; length += 7) {  // headers of any length
    WriteOptions options;
    options.metadata = {{"key", std::string(length, 'x')}};
    ASSERT_TRUE(WriteSafetensors(path, tensors, FillByName, options).ok());
    const auto file = MappedFile::Open(path);
    ASSERT_TRUE(file.ok());
    const auto index = ParseSafetensors(file->bytes(), path);
    ASSERT_TRUE(index.ok()) << index.status().ToString();
    EXPECT_EQ(index->metadata.front().second, std::string(length, 'x'));
    for (const NamedTensor& tensor : index->tensors) {
      EXPECT_TRUE(tensor.view.is_aligned()) << tensor.name;
      if (tensor.view.size_bytes() % kTensorAlignment != 0) continue;
      EXPECT_EQ((tensor.view.data - file->bytes().data()) % 64, 0) << tensor.name;
    }
  }
}

TEST(SafetensorsWriterTest, PiecesAreWholeMultiples) {
  TempFolder folder;
  const std::vector<TensorToWrite> tensors = {{"a", DType::kU8, {7, 10}, 10}};
  for (const auto& [chunk_bytes, expected] :
       {std::pair{size_t{25}, size_t{20}}, {size_t{3}, size_t{10}}, {size_t{100}, size_t{70}}}) {
    WriteOptions options;
    options.chunk_bytes = chunk_bytes;
    size_t largest = 0;
    const FillTensor fill = [&](const TensorToWrite& tensor, size_t first,
                                std::span<std::byte> out) {
      EXPECT_EQ(first % 10, 0u);
      EXPECT_EQ(out.size() % 10, 0u);
      largest = std::max(largest, out.size());
      return FillByName(tensor, first, out);
    };
    ASSERT_TRUE(WriteSafetensors(folder.PathOf("x.safetensors"), tensors, fill, options).ok());
    EXPECT_EQ(largest, expected);
  }
}

TEST(SafetensorsWriterTest, ResumingKeepsWhatIsCompleteAndWritesTheRest) {
  TempFolder folder;
  WriteOptions options;
  options.resume = true;
  std::vector<std::string> filled;
  bool is_stopped = true;
  const FillTensor fill = [&](const TensorToWrite& tensor, size_t first, std::span<std::byte> out) {
    filled.push_back(tensor.name);
    if (is_stopped && tensor.name == "big") return CancelledError("stopped");
    return FillByName(tensor, first, out);
  };
  const auto write = [&] {
    return WriteCheckpointTensors(folder.path(), Tensors(), 30, fill, options);
  };
  EXPECT_EQ(write().code(), StatusCode::kCancelled);
  EXPECT_THAT(FilesIn(folder), ElementsAre("model-00001-of-00003.safetensors"));
  folder.Write("model-00002-of-00003.safetensors.tmp", "half a file of a call that was killed");
  is_stopped = false;
  filled.clear();
  size_t first_done = 0;
  options.progress = [&](size_t done, size_t) {
    if (first_done == 0) first_done = done;
  };
  ASSERT_TRUE(write().ok());
  EXPECT_THAT(filled, ElementsAre("big", "scalar", "zero point"));
  EXPECT_EQ(first_done, 3u + 24) << "what is there counts as done";
  EXPECT_EQ(FilesIn(folder).size(), 4u);
  folder.Write("config.json", "{}");
  const auto checkpoint = Checkpoint::Open(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  ExpectHolds(*checkpoint, Tensors());
}

TEST(SafetensorsWriterTest, ResumingRefusesFilesThatItDidNotWrite) {
  TempFolder folder;
  WriteOptions options;
  options.resume = true;
  ASSERT_TRUE(WriteCheckpointTensors(folder.path(), Tensors(), 30, FillByName, options).ok());
  const std::string name = "model-00003-of-00003.safetensors";
  const std::string whole = ReadFile(folder.PathOf(name), 10'000).value();
  std::string other_header = whole;
  other_header[whole.find("zero")] = 'Z';
  for (const std::string& wrong : {std::string("mine"), whole + "x", other_header}) {
    folder.Write(name, wrong);
    const Status status = WriteCheckpointTensors(folder.path(), Tensors(), 30, FillByName, options);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr(folder.PathOf(name)));
    EXPECT_EQ(ReadFile(folder.PathOf(name), 10'000).value(), wrong);
  }
}

TEST(SafetensorsWriterTest, AFullDiskIsFoundOutBeforehand) {
  TempFolder folder;
  EXPECT_TRUE(CheckFreeSpace(folder.path(), 1).ok());
  const Status status = CheckFreeSpace(folder.path(), size_t{1} << 62);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr(folder.path()));
  // More than any disk has, and nothing of it is written.
  const std::vector<TensorToWrite> tensors = {{"a", DType::kU8, {int64_t{1} << 59}}};
  const FillTensor fill = [](const TensorToWrite&, size_t, std::span<std::byte>) {
    ADD_FAILURE() << "has begun";
    return CancelledError("");
  };
  EXPECT_EQ(WriteSafetensors(folder.PathOf("x.safetensors"), tensors, fill).code(),
            StatusCode::kResourceExhausted);
  EXPECT_THAT(FilesIn(folder), IsEmpty());
}

TEST(SafetensorsWriterTest, RefusesBadTensors) {
  TempFolder folder;
  const std::string path = folder.PathOf("x.safetensors");
  const auto write = [&](std::vector<TensorToWrite> tensors) {
    const Status status = WriteSafetensors(path, tensors, FillByName);
    EXPECT_THAT(status.message(), HasSubstr(path));
    return status.code();
  };
  EXPECT_EQ(write({{"a", DType::kU8, {1}}, {"a", DType::kU8, {1}}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(write({{"__metadata__", DType::kU8, {1}}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(write({{"a", DType::kU8, {-1}}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(write({{"a", DType::kU8, {int64_t{1} << 62, 4}}}), StatusCode::kOutOfRange);
  EXPECT_THAT(FilesIn(folder), IsEmpty());
}

TEST(SafetensorsWriterTest, TellsThatTheFolderIsMissing) {
  TempFolder folder;
  const std::string path = folder.PathOf("none/x.safetensors");
  const Status status = WriteSafetensors(path, Tensors(), FillByName);
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr(path));
}

}  // namespace
}  // namespace mao
