#include "vision/pdf/pdf_document.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Left and right half of two colours.
Image TwoColors(int width, int height, uint8_t left, uint8_t right) {
  Image image = MakeImage(width, height, right);
  for (int y = 0; y < height; ++y) std::fill_n(image.row(y), image.row_bytes() / 2, left);
  return image;
}

// Poppler scales pictures a little, so that only what is away from an edge is the same.
bool AreAlike(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return false;
  for (const int x : {2, a.width / 4, a.width * 3 / 4, a.width - 3}) {
    for (const int y : {2, a.height / 2, a.height - 3}) {
      if (std::abs(a.row(y)[x * 3] - b.row(y)[x * 3]) > 1) return false;
    }
  }
  return true;
}

std::string Empty(const std::string& box, const std::string& more = "") {
  return "/MediaBox[" + box + "]" + more;
}

std::shared_ptr<const PdfDocument> Open(const std::string& bytes, const PdfLimits& limits = {}) {
  auto document = PdfDocument::Open(bytes, "a.pdf", limits);
  EXPECT_TRUE(document.ok()) << document.status().message();
  return document.ok() ? *document : nullptr;
}

Status OpenError(const std::string& bytes, const PdfLimits& limits = {}) {
  return PdfDocument::Open(bytes, "a.pdf", limits).status();
}

std::string Fixture(const std::string& name) {
  return ReadFile(std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/pdf/" + name, 1 << 20).value();
}

TEST(PdfDocumentTest, PagesAreWhatThePicturesWere) {
  const std::vector<Image> images = {TwoColors(300, 200, 10, 200), TwoColors(120, 240, 90, 30)};
  const auto document = Open(PdfOfImages(images));
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(document->num_pages(), 2);
  for (int page = 0; page < 2; ++page) {
    const auto image = document->Render(page);
    ASSERT_TRUE(image.ok()) << image.status().message();
    EXPECT_TRUE(AreAlike(*image, images[static_cast<size_t>(page)])) << "page " << page;
  }
}

TEST(PdfDocumentTest, Resolution) {
  const std::string pages[] = {Empty("0 0 595 842"), Empty("0 0 14400 7200"),
                               Empty("0 0 595 842", "/CropBox[0 0 144 72]/Rotate 90")};
  const auto document = Open(PdfOfPages(pages));
  ASSERT_NE(document, nullptr);
  const auto size = [&](int page, int dpi) {
    const auto image = document->Render(page, dpi);
    if (!image.ok()) return image.status().message();
    return std::to_string(image->width) + "x" + std::to_string(image->height);
  };
  EXPECT_EQ(size(0, 0), "1190x1684");
  EXPECT_EQ(size(0, 72), "595x842");
  EXPECT_EQ(*document->ChooseDpi(1), 20);
  EXPECT_EQ(size(1, 0), "4000x2000");
  EXPECT_EQ(size(2, 72), "72x144");  // as a viewer shows it
  EXPECT_THAT(size(1, 600), AllOf(HasSubstr("a.pdf: page 2: 120000 x 60000 pixels at 600 dpi"),
                                  HasSubstr("limits are 65535")));
  EXPECT_THAT(size(0, 20), HasSubstr("dpi: 20; the limits are 36 and 600"));
  EXPECT_THAT(size(3, 0), HasSubstr("a.pdf: there is no page 4; the document has 3"));
  EXPECT_THAT(size(-1, 0), HasSubstr("no page 0"));
}

TEST(PdfDocumentTest, ManyPagesAreNotAskedForAtOnce) {
  std::vector<std::string> pages(700, Empty("0 0 72 72"));
  pages[600] = Empty("0 0 36 72");
  const auto document = Open(PdfOfPages(pages));
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(document->num_pages(), 700);
  const auto image = document->Render(600, 72);
  ASSERT_TRUE(image.ok()) << image.status().message();
  EXPECT_EQ(image->width, 36);
}

TEST(PdfDocumentTest, SeveralThreads) {
  const std::vector<Image> images = {TwoColors(60, 40, 0, 9), TwoColors(60, 40, 9, 0),
                                     TwoColors(60, 40, 200, 100)};
  const auto document = Open(PdfOfImages(images));
  ASSERT_NE(document, nullptr);
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      const auto image = document->Render(static_cast<int>(i % 3));
      EXPECT_TRUE(image.ok() && AreAlike(*image, images[i % 3]));
    });
  }
}

TEST(PdfDocumentTest, TellsPdfByItsBytes) {
  EXPECT_TRUE(IsPdf("%PDF-1.7\n"));
  EXPECT_TRUE(IsPdf("\xEF\xBB\xBF\n%PDF-1.7\n"));
  EXPECT_FALSE(IsPdf(""));
  EXPECT_FALSE(IsPdf("\xFF\xD8\xFF %PDF-1.7\n"));  // a JPEG that has one in a comment
  EXPECT_FALSE(IsPdf(std::string(2000, ' ') + "%PDF-1.7\n"));
  EXPECT_EQ(OpenError("nothing").message(), "a.pdf: not a PDF file");
}

TEST(PdfDocumentTest, BrokenFiles) {
  const Status garbage = OpenError("%PDF-1.4\ngarbage");
  EXPECT_EQ(garbage.code(), StatusCode::kDataLoss);
  EXPECT_THAT(garbage.message(), HasSubstr("a.pdf: the PDF is broken: Syntax Error"));
  const Status no_page = OpenError(PdfOfPages({}));
  EXPECT_EQ(no_page.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(no_page.message(), "a.pdf: the PDF has no page");
  // Cut short: poppler finds the objects that are left.
  const std::string whole = PdfOfImages(std::vector<Image>{TwoColors(60, 40, 0, 9)});
  for (const size_t size : {whole.size() / 3, whole.size() - 30}) {
    const auto document = PdfDocument::Open(whole.substr(0, size), "a.pdf");
    EXPECT_TRUE(!document.ok() || (*document)->num_pages() <= 1);
  }
}

TEST(PdfDocumentTest, AuthorsCannotLieAboutThePages) {
  PdfWriter writer;
  writer.AddObject("<</Type/Catalog/Pages 2 0 R>>");
  writer.AddObject("<</Type/Pages/Count 1/Kids[3 0 R]>>");
  writer.AddObject("<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>");
  writer.AddObject("<</Title(x\\nPages: 9\\nPage 1 size: 9 x 9 pts)>>");
  const auto document = Open(writer.Finish("/Info 4 0 R"));
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(document->num_pages(), 1);
  EXPECT_EQ(document->Render(0, 72)->width, 72);
}

// Printed by a browser, with an embedded subset of a Chinese font.
TEST(PdfDocumentTest, ChineseText) {
  const auto document = Open(Fixture("chinese.pdf"));
  ASSERT_NE(document, nullptr);
  EXPECT_EQ(document->num_pages(), 2);
  for (int page = 0; page < 2; ++page) {
    const auto image = document->Render(page);
    ASSERT_TRUE(image.ok()) << image.status().message();
    EXPECT_EQ(image->width, 840);
    EXPECT_EQ(image->height, 1190);
    // Characters have more ink than the empty boxes of missing ones.
    const auto num_dark =
        std::count_if(image->rgb.begin(), image->rgb.end(), [](uint8_t c) { return c < 128; });
    EXPECT_GT(num_dark, 8000) << page;
  }
}

TEST(PdfDocumentTest, Encrypted) {
  const Status locked = OpenError(Fixture("needs_password.pdf"));
  EXPECT_EQ(locked.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(locked.message(), "a.pdf: the PDF is encrypted and needs a password");
  // Only its rights are restricted: everyone may look at it.
  const auto document = Open(Fixture("no_printing.pdf"));
  ASSERT_NE(document, nullptr);
  EXPECT_TRUE(document->Render(0).ok());
}

// A stream of a few kilobytes that unpacks to two gigabytes of drawing.
TEST(PdfDocumentTest, BombsEndAtTheLimits) {
  PdfLimits limits;
  limits.max_page_time = std::chrono::milliseconds(1500);
  const auto slow = Open(Fixture("bomb.pdf"), limits);
  ASSERT_NE(slow, nullptr);
  const Status status = slow->Render(0).status();
  EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded) << status.message();
  EXPECT_THAT(status.message(),
              HasSubstr("page 1: pdftoppm: took longer than the limit of 1500 ms"));
}

TEST(PdfDocumentTest, LimitsAreNamed) {
  const std::string pages[] = {Empty("0 0 7200 7200")};
  const std::string file = PdfOfPages(pages);
  PdfLimits limits;
  limits.max_file_bytes = 100;
  EXPECT_THAT(OpenError(file, limits).message(), HasSubstr("more than the limit of 100 bytes"));
  limits = {};
  limits.max_pixels = 1000;
  EXPECT_THAT(Open(file, limits)->Render(0).status().message(), HasSubstr("1000 pixels"));
  limits = {};
  limits.max_memory_bytes = size_t{100} << 20;
  const Status status = Open(file, limits)->Render(0, 100).status();
  EXPECT_EQ(status.code(), StatusCode::kOutOfRange) << status.message();
  EXPECT_THAT(status.message(), HasSubstr("limit of 104857600 bytes"));
}

TEST(PdfDocumentTest, Cancel) {
  const auto document = Open(Fixture("bomb.pdf"));
  ASSERT_NE(document, nullptr);
  std::stop_source stop;
  const std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  EXPECT_EQ(document->Render(0, 0, stop.get_token()).status().code(), StatusCode::kCancelled);
}

// Programs are looked for here alone while it lives.
class PathGuard {
 public:
  explicit PathGuard(const std::string& path) { setenv("PATH", path.c_str(), 1); }
  ~PathGuard() { setenv("PATH", before_.c_str(), 1); }
  PathGuard(const PathGuard&) = delete;
  PathGuard& operator=(const PathGuard&) = delete;

 private:
  const std::string before_ = std::getenv("PATH");
};

TEST(PdfDocumentTest, AChildThatDiesInTheMiddle) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "maoocr_pdf_document_test";
  fs::create_directories(folder);
  const std::string pages[] = {Empty("0 0 72 72")};
  const auto document = Open(PdfOfPages(pages));
  ASSERT_NE(document, nullptr);
  const auto render_with = [&](const std::string& script) {
    const fs::path program = folder / "pdftoppm";
    std::ofstream(program) << "#!/bin/sh\n" << script;
    fs::permissions(program, fs::perms::owner_all);
    const PathGuard guard(folder.string());
    return document->Render(0).status();
  };
  const Status killed = render_with("printf 'P6\\n144 144\\n255\\nabc'; kill -9 $$");
  EXPECT_EQ(killed.code(), StatusCode::kDataLoss);
  EXPECT_EQ(killed.message(), "a.pdf: page 1: pdftoppm ended with 137");
  EXPECT_EQ(render_with("echo 'no such thing' >&2; exit 1").message(),
            "a.pdf: page 1: no such thing");
  EXPECT_EQ(render_with("printf 'P6\\n9 9\\n255\\n'; head -c 243 /dev/zero").code(),
            StatusCode::kDataLoss);  // not the sides that were asked for
  EXPECT_EQ(render_with("head -c 1000000 /dev/zero").code(), StatusCode::kOutOfRange);
  fs::remove_all(folder);
}

TEST(PdfDocumentTest, SaysWhenPopplerIsMissing) {
  const PathGuard guard("/nowhere");
  const std::string pages[] = {Empty("0 0 72 72")};
  const Status status = OpenError(PdfOfPages(pages));
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(),
            "a.pdf: pdfinfo: not installed; PDF files need the package poppler-utils");
}

}  // namespace
}  // namespace mao
