#include "apps/inputs.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/input_pages.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

class InputsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / "maoocr_inputs_test";
    fs::remove_all(root_);
    fs::create_directories(root_ / "scans" / "below.png");
    fs::create_directories(root_ / "empty");
    for (const char* name : {"scans/b.png", "scans/a.JPG", "scans/notes.txt", "scans/c.tiff"}) {
      std::ofstream(root_ / name) << "x";
    }
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Path(const std::string& name) const { return (root_ / name).string(); }

  fs::path root_;
};

std::vector<std::string> OutputNames(const std::vector<InputFile>& files) {
  std::vector<std::string> names;
  for (const InputFile& file : files) names.push_back(file.output_name);
  return names;
}

TEST_F(InputsTest, AFolderStandsForItsPictures) {
  const std::vector<InputFile> files = ExpandInputs({Path("scans")});
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].path, Path("scans/a.JPG"));
  EXPECT_EQ(files[1].path, Path("scans/b.png"));
  EXPECT_EQ(files[2].path, Path("scans/c.tiff"));
}

TEST_F(InputsTest, AFolderWithoutPicturesIsAnErrorInItsPlace) {
  const std::vector<InputFile> files = ExpandInputs({"x.png", Path("empty"), "y.png"});
  ASSERT_EQ(files.size(), 3u);
  EXPECT_TRUE(files[0].status.ok());
  EXPECT_EQ(files[1].path, Path("empty"));
  EXPECT_EQ(files[1].status.code(), StatusCode::kNotFound);
  EXPECT_FALSE(InputPages({files[1]}, {}, {}).Next().content.image.ok());
}

TEST_F(InputsTest, OutputNamesAreDistinct) {
  EXPECT_THAT(OutputNames(ExpandInputs({"a.png", "b/a.png", "a-2.jpg", "a.tar.png", "-", "..png"})),
              testing::ElementsAre("a", "a-2", "a-2-2", "a.tar", "stdin", "page"));
}

TEST_F(InputsTest, ErrorsNameTheFile) {
  for (const char* name : {"scans/b.png", "scans/none.png"}) {
    const DocumentPage page = InputPages({{Path(name), "page", OkStatus()}}, {}, {}).Next().content;
    ASSERT_FALSE(page.image.ok());
    EXPECT_THAT(page.image.status().message(), testing::HasSubstr(Path(name)));
  }
}

}  // namespace
}  // namespace mao
