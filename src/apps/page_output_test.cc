#include "apps/page_output.h"

#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "vision/decode.h"

// fontconfig keeps its fonts for the whole life of the process.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is LeakSanitizer's
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }

namespace mao {
namespace {

namespace fs = std::filesystem;

PageResult MakePage() {
  PageResult page;
  page.width = 100;
  page.height = 50;
  page.raw_text =
      "<|ref|>title<|/ref|><|det|>[[0, 0, 500, 100]]<|/det|>\n# Report\n\n"
      "<|ref|>image<|/ref|><|det|>[[100, 200, 600, 800]]<|/det|>\n\n"
      "<|ref|>table<|/ref|><|det|>[[0, 800, 999, 999]]<|/det|>\n"
      "<table><tr><td>1</td><td>2</td></tr></table>";
  MarkdownOptions options;
  options.collapse_blank_lines = true;
  InterpretRawText(options, page);
  return page;
}

TEST(ParseFormatsTest, TakesListsOfNames) {
  EXPECT_THAT(*ParseFormats("md"), testing::ElementsAre(OutputFormat::kMarkdown));
  EXPECT_THAT(*ParseFormats("json,text,raw"),
              testing::ElementsAre(OutputFormat::kJson, OutputFormat::kText, OutputFormat::kRaw));
  for (const char* wrong : {"", "pdf", "md,", ",md", "md json"}) {
    EXPECT_FALSE(ParseFormats(wrong).ok()) << wrong;
  }
}

TEST(RenderPageTest, EveryFormat) {
  const PageResult page = MakePage();
  EXPECT_EQ(RenderPage(page, OutputFormat::kMarkdown, "p.png", true),
            "# Report\n\n![](images/0.jpg)\n\n"
            "<table><tr><td>1</td><td>2</td></tr></table>");
  EXPECT_EQ(RenderPage(page, OutputFormat::kText, "p.png", true), "Report\n\n1\t2");
  EXPECT_EQ(RenderPage(page, OutputFormat::kRaw, "p.png", true), page.raw_text);
  const std::string line = RenderPage(page, OutputFormat::kJson, "p\xFF.png", false);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("file"), "p\uFFFD.png");
  EXPECT_EQ(json.at("blocks").size(), 3u);
  EXPECT_EQ(json.at("width"), 100);
}

class PageFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "maoocr_page_files_test" / "scan";
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_.parent_path()); }

  Image Decode(const std::string& name) const {
    const auto bytes = ReadFile((folder_ / name).string(), 1 << 20);
    if (!bytes.ok()) return {};
    auto image = DecodeImage(AsBytes(*bytes), name);
    return image.ok() ? std::move(image).value() : Image();
  }

  fs::path folder_;
};

TEST_F(PageFilesTest, WritesTextsFiguresAndOverlay) {
  const PageResult page = MakePage();
  const Image image = MakeImage(100, 50, 255);
  const auto formats = ParseFormats("md,text,json,raw");
  ASSERT_TRUE(
      WritePageFiles({folder_.string(), "scan", *formats, true}, "scan.png", image, page).ok());
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    if (entry.is_regular_file()) names.insert(fs::relative(entry.path(), folder_).string());
  }
  EXPECT_THAT(names, testing::ElementsAre("images/0.jpg", "scan.json", "scan.md", "scan.raw.txt",
                                          "scan.txt", "scan_overlay.png"));
  EXPECT_EQ(*ReadFile((folder_ / "scan.txt").string(), 1000), "Report\n\n1\t2\n");
  const Image figure = Decode("images/0.jpg");
  EXPECT_EQ(figure.width, 50);
  EXPECT_EQ(figure.height, 30);
  const Image overlay = Decode("scan_overlay.png");
  EXPECT_EQ(overlay.width, 100);
  EXPECT_EQ(overlay.height, 50);
  EXPECT_NE(overlay.rgb, image.rgb);
}

TEST_F(PageFilesTest, AFolderThatCannotBeMadeIsAnError) {
  fs::create_directories(folder_.parent_path());
  ASSERT_TRUE(WriteFile(folder_.string(), "a file").ok());
  const Status status = WritePageFiles({folder_.string(), "scan", {OutputFormat::kText}, false},
                                       "scan.png", MakeImage(100, 50), MakePage());
  EXPECT_THAT(status.message(), testing::HasSubstr(folder_.string()));
}

}  // namespace
}  // namespace mao
