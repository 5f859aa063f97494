// Rules that hold for every file: long ones say why, and the product's sources know nothing of the
// machine they were written on.
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLines = 600;
constexpr size_t kLinesOfReason = 20;
// What a longer file says within its first lines: "// Long because …".
constexpr const char* kReason = "// Long because ";

using Lines = std::vector<std::string>;

Lines ReadLines(const fs::path& file) {
  Lines lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<fs::path> FilesBelow(const char* folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(MAOOCR_SOURCE_DIR) / folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

bool IsCode(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".cc" || extension == ".h" || extension == ".cu";
}

bool IsShortOrExplained(const Lines& lines) {
  if (lines.size() <= kMaxLines) return true;
  for (size_t i = 0; i < kLinesOfReason; ++i) {
    if (lines[i].starts_with(kReason) && lines[i].size() > std::string(kReason).size()) return true;
  }
  return false;
}

// A path or host that belongs to somebody's machine or to a place that packages come from.
bool NamesAMachine(const std::string& line) {
  static const std::regex pattern(
      R"((^|[^\w./*])/(work|tmp|home|root|Users|mnt|opt)/)"
      R"(|npmjs|pypi|pythonhosted|crates\.io|proxy\.golang|rubygems|deb\.debian|ghcr\.io|quay\.io)"
      R"(|docker\.io|artifactory|localhost\.localdomain|\.(internal|corp|lan)([:/]|\b))");
  return std::regex_search(line, pattern);
}

TEST(FileRulesTest, LongFilesStateAReason) {
  int num_files = 0;
  for (const char* folder : {"src", "tests", "tools"}) {
    for (const fs::path& file : FilesBelow(folder)) {
      if (!IsCode(file)) continue;
      ++num_files;
      EXPECT_TRUE(IsShortOrExplained(ReadLines(file)))
          << file << ": above " << kMaxLines << " lines; split it, or say \"" << kReason
          << "…\" within its first " << kLinesOfReason << " lines";
    }
  }
  EXPECT_GT(num_files, 100);
}

TEST(FileRulesTest, SourcesNameNoMachine) {
  for (const fs::path& file : FilesBelow("src")) {
    const Lines lines = ReadLines(file);
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_FALSE(NamesAMachine(lines[i])) << file << ":" << i + 1 << ": " << lines[i];
    }
  }
}

TEST(FileRulesTest, TheRulesThemselvesCatchWhatTheyShould) {
  Lines lines(kMaxLines, "x");
  EXPECT_TRUE(IsShortOrExplained(lines));
  lines.emplace_back("x");
  EXPECT_FALSE(IsShortOrExplained(lines));
  lines[1] = "// Long because it is one table.";
  EXPECT_TRUE(IsShortOrExplained(lines));
  EXPECT_TRUE(NamesAMachine("open(\"/home/someone/model\")"));
  EXPECT_TRUE(NamesAMachine("// see /tmp/notes"));
  EXPECT_TRUE(NamesAMachine(std::string("https://registry.np") + "mjs.org/x"));
  EXPECT_TRUE(NamesAMachine("http://mirror.internal/x"));
  EXPECT_FALSE(NamesAMachine("#include \"models/registry.h\""));
  EXPECT_FALSE(NamesAMachine("static_cast<int>(lines * framework / work)"));
}

}  // namespace
