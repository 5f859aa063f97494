#include "apps/document_output.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

PageResult MakePage(int number, const std::string& text) {
  PageResult page;
  page.page = number;
  page.width = page.height = 10;
  page.raw_text = text;
  InterpretRawText({}, page);
  return page;
}

TEST(DocumentOutputTest, PagesInTheirOrderAndErrorsInTheirPlace) {
  DocumentOutput document("a.pdf", 5, {OutputFormat::kMarkdown, OutputFormat::kJson});
  document.Add(MakePage(0, "first \xFF"));
  document.AddError(2, DataLossError("torn"));
  document.Add(MakePage(4, "last"));
  EXPECT_EQ(document.Render(OutputFormat::kMarkdown, false),
            "first \xFF\n\n<--- Page Split --->\n\n\n<--- Page Split --->\n"
            "last\n\n<--- Page Split --->\n");
  const std::string text = document.Render(OutputFormat::kJson, false);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["file"], "a.pdf");
  EXPECT_EQ(json["num_pages"], 5);
  ASSERT_EQ(json["pages"].size(), 3U);
  EXPECT_EQ(json["pages"][0]["markdown"], "first \uFFFD");
  EXPECT_EQ(json["pages"][1].dump(), R"({"error":"torn","page":2})");
  EXPECT_EQ(json["pages"][2]["page"], 4);
}

TEST(DocumentOutputTest, NothingRead) {
  const DocumentOutput document("a.pdf", 1, {OutputFormat::kJson, OutputFormat::kText});
  EXPECT_EQ(document.Render(OutputFormat::kJson, false),
            R"({"file":"a.pdf","num_pages":1,"pages":[]})");
  EXPECT_EQ(document.Render(OutputFormat::kText, false), "");
}

TEST(DocumentOutputTest, Files) {
  const fs::path folder = fs::path(testing::TempDir()) / "document_output_test";
  fs::remove_all(folder);
  DocumentOutput document("a.pdf", 1, {OutputFormat::kMarkdown, OutputFormat::kRaw});
  document.Add(MakePage(0, "x"));
  ASSERT_TRUE(document.WriteTexts({folder.string(), "a", {}, false}).ok());
  EXPECT_EQ(*ReadFile((folder / "a.md").string(), 100), "x\n\n<--- Page Split --->\n");
  EXPECT_EQ(*ReadFile((folder / "a.raw.txt").string(), 100), "x\n\n<--- Page Split --->\n");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace mao
