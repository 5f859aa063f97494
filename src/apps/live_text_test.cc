#include "apps/live_text.h"

#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao {
namespace {

constexpr OutputFormat kFormats[] = {OutputFormat::kMarkdown, OutputFormat::kText,
                                     OutputFormat::kRaw, OutputFormat::kJson};

MarkdownOptions Options() {
  MarkdownOptions options;
  options.collapse_blank_lines = true;
  return options;
}

std::string Rendered(const std::string& raw_text, OutputFormat format) {
  PageResult page;
  page.width = page.height = 1000;
  page.raw_text = raw_text;
  InterpretRawText(Options(), page);
  return RenderPage(page, format, "page.png", false);
}

// What is shown before the end, and all that is shown, when the text comes in pieces.
std::pair<std::string, std::string> Shown(const std::string& raw_text, OutputFormat format,
                                          size_t piece_size) {
  LiveText live(format, Options());
  std::string shown;
  for (size_t at = 0; at < raw_text.size(); at += piece_size) {
    shown += live.Feed(std::string_view(raw_text).substr(at, piece_size));
  }
  return {shown, shown + live.Finish(Rendered(raw_text, format))};
}

void ExpectTheSame(const std::string& raw_text) {
  for (const OutputFormat format : kFormats) {
    const std::string rendered = Rendered(raw_text, format);
    for (const size_t piece_size : {1, 2, 5, 17}) {
      EXPECT_EQ(Shown(raw_text, format, piece_size).second, rendered)
          << "format " << static_cast<int>(format) << ", pieces of " << piece_size << " of\n"
          << raw_text;
    }
  }
}

TEST(LiveTextTest, WholeWordsComeAsSoonAsTheyAreSettled) {
  LiveText live(OutputFormat::kMarkdown, Options());
  EXPECT_EQ(live.Feed("<|ref|>title<|/ref|><|det|>[[1, 2,"), "");
  EXPECT_EQ(live.Feed(" 3, 4]]<|/det|>\n# Annual re"), "# Annual");
  EXPECT_EQ(live.Feed("port\n\n<|ref|>te"), " report");
  EXPECT_EQ(live.Feed("xt<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n"), "");
  EXPECT_EQ(live.Feed("a < b \\colon"), "\n\na < b");
  EXPECT_EQ(live.Feed("eqq c "), " := c");
  EXPECT_EQ(live.Finish("# Annual report\n\na < b := c d"), " d");
}

TEST(LiveTextTest, FixturePagesShowTheSameHoweverTheyAreCut) {
  const std::string folder = std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/";
  for (const char* name : {"maoocr-tiny/base_markdown.json", "maoocr-tiny/base_free.json"}) {
    std::ifstream in(folder + name);
    const std::string raw_text = nlohmann::json::parse(in).at("output");
    ExpectTheSame(raw_text);
    const std::string shown = Shown(raw_text, OutputFormat::kMarkdown, 1).first;
    EXPECT_GT(shown.size() + 100, Rendered(raw_text, OutputFormat::kMarkdown).size());
  }
}

TEST(LiveTextTest, AnyTextShowsTheSameHoweverItIsCut) {
  const std::vector<std::string> parts = {"<|ref|>",
                                          "<|/ref|>",
                                          "<|det|>",
                                          "<|/det|>",
                                          "[[1, 2, 3, 4]]",
                                          "title",
                                          "image",
                                          "text",
                                          " ",
                                          "\n",
                                          "\n\n\n",
                                          "word",
                                          "# ",
                                          "<",
                                          "<|",
                                          "<td>",
                                          "<td colspan=\"2\">",
                                          "</td>",
                                          "<tr>",
                                          "</tr>",
                                          "<table>",
                                          "</table>",
                                          "<br>",
                                          "&amp;",
                                          "&",
                                          "\\coloneqq",
                                          "<｜end▁of▁sentence｜>",
                                          "<|ref|>image<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>",
                                          "<|ref|>title<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n# ",
                                          "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]",
                                          "\t",
                                          "  ",
                                          "ä",
                                          "< b"};
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string raw_text;
    const size_t num_parts = random() % 14;
    for (size_t i = 0; i < num_parts; ++i) raw_text += parts[random() % parts.size()];
    ExpectTheSame(raw_text);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace mao
