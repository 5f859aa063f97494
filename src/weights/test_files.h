// Crafted files for the tests of this folder.
#ifndef MAOOCR_WEIGHTS_TEST_FILES_H_
#define MAOOCR_WEIGHTS_TEST_FILES_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace mao {

// A safetensors file with this header, right or wrong, and this data.
inline std::string RawSafetensors(std::string_view header, std::string_view data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(uint64_t{header.size()} >> (8 * i) & 0xFF);
  return file.append(header).append(data);
}

// A file of one tensor of four bytes, U8.
inline std::string OneTensor(std::string_view name) {
  return RawSafetensors(
      "{\"" + std::string(name) + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "abcd");
}

// An empty folder that goes away with the object; its own in each process, as checkouts may be tested
// at the same time.
class TempFolder {
 public:
  TempFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = (std::filesystem::path(testing::TempDir()) /
             (std::string("maoocr_") + test->test_suite_name() + "_" + test->name() + "_" +
              std::to_string(getpid())))
                .string();
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string PathOf(const std::string& file_name) const { return path_ + "/" + file_name; }
  void Write(const std::string& file_name, std::string_view contents) const {
    ASSERT_TRUE(WriteFile(PathOf(file_name), contents).ok());
  }

 private:
  std::string path_;
};

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_TEST_FILES_H_
