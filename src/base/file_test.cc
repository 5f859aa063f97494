#include "base/file.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace mao {
namespace {

std::string TempPath(const std::string& name) {
  const auto dir = std::filesystem::path(testing::TempDir()) / "maoocr_file_test";
  std::filesystem::create_directories(dir);
  return (dir / name).string();
}

TEST(FileTest, WritesReadsAndMaps) {
  const std::string path = TempPath("a.bin");
  ASSERT_TRUE(WriteFile(path, "hello").ok());
  auto text = ReadFile(path, 100);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, "hello");
  auto mapped = MappedFile::Open(path);
  ASSERT_TRUE(mapped.ok());
  MappedFile moved = std::move(mapped).value();
  EXPECT_EQ(AsStringView(moved.bytes()), "hello");
  moved.Forget(moved.bytes());
  EXPECT_EQ(AsStringView(moved.bytes()), "hello");
}

TEST(FileTest, ReadsFilesWhoseSizeIsSaidToBeZero) {
  const Result<std::string> status = ReadFile("/proc/self/status", 64 * 1024);
  ASSERT_TRUE(status.ok());
  EXPECT_NE(status.value().find("VmRSS"), std::string::npos);
  EXPECT_EQ(ReadFile("/proc/self/status", 10).status().code(), StatusCode::kOutOfRange);
}

TEST(FileTest, EmptyFileMapsToNoBytes) {
  const std::string path = TempPath("empty.bin");
  ASSERT_TRUE(WriteFile(path, "").ok());
  auto mapped = MappedFile::Open(path);
  ASSERT_TRUE(mapped.ok());
  EXPECT_TRUE(mapped->bytes().empty());
}

TEST(FileTest, ErrorsNameThePathAndTheLimit) {
  const std::string path = TempPath("b.bin");
  ASSERT_TRUE(WriteFile(path, "hello").ok());
  const auto big = ReadFile(path, 4);
  EXPECT_EQ(big.status().code(), StatusCode::kOutOfRange);
  EXPECT_NE(big.status().message().find("limit of 4 bytes"), std::string::npos);
  EXPECT_NE(big.status().message().find(path), std::string::npos);
  EXPECT_EQ(ReadFile(TempPath("none"), 4).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(MappedFile::Open(testing::TempDir()).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mao
