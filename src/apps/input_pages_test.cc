#include "apps/input_pages.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vision/encode.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class InputPagesTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_);
    const std::vector<Image> images = {MakeImage(40, 20), MakeImage(60, 20), MakeImage(80, 20)};
    pdf_ = Write("three.PDF", PdfOfImages(images));
    png_ = Write("one.png", EncodePng(MakeImage(30, 30)).value());
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& contents) const {
    std::ofstream(root_ / name, std::ios::binary) << contents;
    return (root_ / name).string();
  }
  // "file/page/width" of every page, or the beginning of its error.
  static std::string Read(InputPages pages) {
    std::string text;
    while (!pages.done()) {
      const InputPage page = pages.Next();
      const auto& image = page.content.image;
      text += std::to_string(page.file) + "/" + std::to_string(page.page) + "/" +
              (image.ok() ? std::to_string((*image)->width) : "error") +
              (page.ends_file ? ". " : " ");
    }
    return text;
  }

  const fs::path root_ = fs::path(testing::TempDir()) / "maoocr_input_pages_test";
  std::string pdf_;
  std::string png_;
};

TEST_F(InputPagesTest, EveryPageOfEveryFile) {
  EXPECT_EQ(Read({ExpandInputs({pdf_, png_, "none.png", pdf_}), {}, {}}),
            "0/0/40 0/1/60 0/2/80. 1/0/30. 2/0/error. 3/0/40 3/1/60 3/2/80. ");
  EXPECT_EQ(Read({ExpandInputs({root_.string()}), {}, {}}), "0/0/30. 1/0/40 1/1/60 1/2/80. ");
}

TEST_F(InputPagesTest, ChosenPagesAndResolution) {
  EXPECT_EQ(Read({ExpandInputs({pdf_, png_}), {{{2, 2}, {0, 0}}, 72}, {}}),
            "0/0/20 0/2/40. 1/0/error. ");
  InputPages pages(ExpandInputs({pdf_}), {{{3, 3}}, 0}, {});
  EXPECT_EQ(pages.Next().content.image.status().message(),
            pdf_ + ": pages: there is no page 4; the document has 3");
}

TEST_F(InputPagesTest, CountsWhatItKnows) {
  InputPages pages(ExpandInputs({png_, pdf_}), {}, {});
  EXPECT_EQ(pages.num_known(), 2U);
  EXPECT_FALSE(pages.Next().is_document);
  EXPECT_EQ(pages.num_known(), 2U);
  const InputPage page = pages.Next();
  EXPECT_TRUE(page.is_document);
  EXPECT_EQ(page.num_pages, 3);
  EXPECT_EQ(pages.num_known(), 4U);
}

TEST_F(InputPagesTest, TellsPdfByItsBytes) {
  EXPECT_TRUE(MayBePdf({pdf_, "", OkStatus()}));
  EXPECT_TRUE(MayBePdf({std::string(kStandardInput), "", OkStatus()}));
  EXPECT_FALSE(MayBePdf({png_, "", OkStatus()}));
  EXPECT_FALSE(MayBePdf({root_.string(), "", OkStatus()}));
  const std::string broken = Write("broken.jpg", "%PDF-1.7 nothing");
  InputPages pages(ExpandInputs({broken}), {}, {});
  EXPECT_THAT(pages.Next().content.image.status().message(),
              HasSubstr("broken.jpg: the PDF is broken"));
}

}  // namespace
}  // namespace mao
