// The maoocr program on PDF files, run as a user runs it.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/e2e/program.h"
#include "tests/e2e/test_pages.h"
#include "vision/encode.h"
#include "vision/pdf/pdf_document.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kPageSplit = "\n\n<--- Page Split --->\n";

class PdfCliTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("maoocr_pdf_cli_" + std::string(test->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    file_ = PdfOfImages(std::vector<Image>{*LoadTestPage("tiny_free.png"),
                                           *LoadTestPage("base_free.png"),
                                           *LoadTestPage("small_free.png")});
    pdf_ = Write("doc.pdf", file_);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, std::string_view contents) const {
    std::ofstream(root_ / name, std::ios::binary) << contents;
    return (root_ / name).string();
  }
  std::string Contents(const std::string& name) const {
    const auto contents = ReadFile((root_ / name).string(), size_t{1} << 30);
    return contents.ok() ? *contents : contents.status().message();
  }

  static ProgramResult Read(std::vector<std::string> arguments,
                            const ProgramOptions& options = {}) {
    arguments.insert(arguments.begin(), {"ocr", "--task", "text", "--mode", "base"});
    return RunProgram(arguments, options);
  }
  // What is read on the picture that a page is rendered as, with the settings for PDF pages.
  std::string TextOfPicture(int page) const {
    const auto document = PdfDocument::Open(file_, "doc.pdf");
    const std::string png = EncodePng(*(*document)->Render(page)).value();
    std::string text = Read({Write("rendered.png", png), "--no-repeat-ngram-size", "20",
                             "--no-repeat-ngram-window", "50"})
                           .out;
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

  fs::path root_;
  std::string file_;
  std::string pdf_;
};

TEST_F(PdfCliTest, ThePagesAreReadAsTheirPicturesAre) {
  const ProgramResult result = Read({pdf_});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  std::string wanted;
  for (int page = 0; page < 3; ++page) wanted.append(TextOfPicture(page)).append(kPageSplit);
  EXPECT_EQ(result.out, wanted);
  EXPECT_THAT(result.out, HasSubstr(TestPageText("small_free.json").substr(0, 12)));
}

TEST_F(PdfCliTest, ChosenPages) {
  const ProgramResult all = Read({pdf_});
  const size_t second = all.out.find(kPageSplit) + kPageSplit.size();
  EXPECT_EQ(Read({pdf_, "--pages", "2-"}).out, all.out.substr(second));
  ProgramOptions options;
  options.input = file_;
  EXPECT_EQ(Read({"-", "--pages", "2,3"}, options).out, all.out.substr(second));
  const ProgramResult missing = Read({pdf_, "--pages", "4"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("doc.pdf: pages: there is no page 4; the document has 3"));
  const ProgramResult wrong = Read({pdf_, "--pages", "3-1"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--pages: pages: expected numbers from 1"));
  EXPECT_EQ(Read({pdf_, "--dpi", "10"}).exit_code, 2);
}

TEST_F(PdfCliTest, Json) {
  const Json one = Json::parse(Read({pdf_, "--pages", "1,3", "--format", "json"}).out);
  EXPECT_EQ(one["num_pages"], 3);
  ASSERT_EQ(one["pages"].size(), 2U);
  EXPECT_EQ(one["pages"][0]["page"], 0);
  EXPECT_EQ(one["pages"][1]["page"], 2);
  EXPECT_EQ(one["pages"][1]["height"], LoadTestPage("small_free.png")->height);
  // With other files, one object a line.
  const std::string lines =
      Read({pdf_, TestPagePath("tiny_free.png"), "--pages", "1", "--format", "json"}).out;
  const size_t newline = lines.find('\n');
  EXPECT_EQ(Json::parse(lines.substr(0, newline))["pages"].size(), 1U);
  EXPECT_EQ(Json::parse(lines.substr(newline))["page"], 0);
}

TEST_F(PdfCliTest, WritesAFolder) {
  const std::string out = (root_ / "out").string();
  const ProgramResult result =
      Read({pdf_, "--pages", "1,3", "--format", "md,json", "--output", out, "--overlay"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(out + "/doc")) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_THAT(
      names, ElementsAre("doc.json", "doc.md", "doc_page-1_overlay.png", "doc_page-3_overlay.png"));
  EXPECT_EQ(Contents("out/doc/doc.md"), Read({pdf_, "--pages", "1,3"}).out);
  EXPECT_EQ(Json::parse(Contents("out/doc/doc.json"))["pages"].size(), 2U);
}

TEST_F(PdfCliTest, FiguresAreNumberedByPage) {
  const Image page = *LoadTestPage("base_markdown.png");
  const std::string pdf = Write("fig.pdf", PdfOfImages(std::vector<Image>{page, page}));
  const Json json = Json::parse(RunProgram({"ocr", pdf, "--format", "json"}).out);
  for (size_t i = 0; i < 2; ++i) {
    for (const Json& figure : json["pages"][i]["figures"]) {
      EXPECT_THAT(figure["path"].get<std::string>(),
                  testing::StartsWith("images/" + std::to_string(i) + "_"));
    }
  }
}

TEST_F(PdfCliTest, APageThatCannotBeRenderedKeepsItsPlace) {
  const std::string pages[] = {"/MediaBox[0 0 200 200]", "/MediaBox[0 0 72000000 72000000]",
                               "/MediaBox[0 0 200 200]"};
  const ProgramResult result = Read({Write("big.pdf", PdfOfPages(pages)), "--max-tokens", "4"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("big.pdf: page 2: 1000000 x 1000000 pixels at 1 dpi"));
  size_t num_splits = 0;
  for (size_t at = 0; (at = result.out.find(kPageSplit, at)) != std::string::npos; ++at) {
    ++num_splits;
  }
  EXPECT_EQ(num_splits, 3U);
}

TEST_F(PdfCliTest, BrokenFilesAreNamedAndTheOthersAreRead) {
  const std::string fixtures = std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/pdf/";
  const ProgramResult result = Read({Write("broken.pdf", "%PDF-1.7 nothing"),
                                     fixtures + "needs_password.pdf", pdf_, "--pages", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("broken.pdf: the PDF is broken"));
  EXPECT_THAT(result.err, HasSubstr("needs_password.pdf: the PDF is encrypted"));
  EXPECT_EQ(result.out, Read({pdf_, "--pages", "1"}).out);
}

}  // namespace
}  // namespace mao
