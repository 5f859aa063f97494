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
