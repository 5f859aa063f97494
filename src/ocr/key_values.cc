#include "ocr/key_values.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

#include "ocr/html_table.h"
#include "ocr/text_match.h"

namespace mao {
namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";
constexpr std::string_view kWideColon = "：";
constexpr size_t kNone = std::string_view::npos;

std::string_view Strip(std::string_view text, std::string_view characters) {
  const size_t begin = text.find_first_not_of(characters);
  if (begin == kNone) return {};
  return text.substr(begin, text.find_last_not_of(characters) + 1 - begin);
}

// Without a bullet, the # of a heading, and the ** around bold text.
std::string WithoutMarks(std::string_view line) {
  constexpr std::string_view kBullets[] = {"- ", "* ", "+ ", "• "};
  line = Strip(line, kSpace);
  for (const std::string_view bullet : kBullets) {
    if (line.starts_with(bullet)) line.remove_prefix(bullet.size());
  }
  const size_t level = std::min(line.find_first_not_of('#'), line.size());
  if (level > 0 && level < line.size() && line[level] == ' ') line.remove_prefix(level);
  std::string text;
  while (!line.empty()) {
    const size_t bold = std::min(line.find("**"), line.size());
    text += line.substr(0, bold);
    line.remove_prefix(std::min(bold + 2, line.size()));
  }
  return std::string(Strip(text, kSpace));
}

bool HasLetter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalpha(byte) != 0;
  });
}

class Collector {
 public:
  void Add(std::string_view key, std::string_view value) {
    key = Strip(key, kSpace);
    value = Strip(value, kSpace);
    if (found_.size() == kMaxKeyValues) return;
    if (value.empty() || key.size() > kMaxKeyBytes || !HasLetter(key)) return;
    std::string folded = FoldKey(key);
    if (folded.empty() || !seen_.insert(std::move(folded)).second) return;
    found_.push_back({std::string(key), std::string(value)});
  }

  void AddLine(std::string_view line) {
    const std::string text = WithoutMarks(line.substr(0, line.find('\n')));
    const size_t narrow = text.find(':');
    const size_t wide = text.find(kWideColon);
    const size_t colon = std::min(narrow, wide);
    if (colon == kNone) return;
    const std::string_view rest =
        std::string_view(text).substr(colon + (colon == wide ? kWideColon.size() : 1));
    if (colon == narrow && rest.starts_with("//")) return;
    Add(std::string_view(text).substr(0, colon), rest);
  }

  void AddLines(std::string_view text) {
    while (!text.empty()) {
      AddLine(text);
      text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    }
  }

  void AddGrid(const TextGrid& grid) {
    for (const std::vector<std::string>& row : grid) {
      if (row.size() == 2) {
        std::string_view key = Strip(row[0], kSpace);
        if (key.ends_with(':')) key.remove_suffix(1);
        if (key.ends_with(kWideColon)) key.remove_suffix(kWideColon.size());
        Add(key, row[1]);
        continue;
      }
      for (const std::string& cell : row) AddLines(cell);
    }
  }

  std::vector<KeyValue> Take() { return std::move(found_); }

 private:
  std::set<std::string> seen_;
  std::vector<KeyValue> found_;
};

}  // namespace

std::vector<KeyValue> FindKeyValues(std::span<const PageBlock> blocks) {
  std::vector<std::vector<HtmlTable>> tables;  // of each block
  std::vector<HtmlTable> all_tables;
  for (const PageBlock& block : blocks) {
    tables.push_back(FindHtmlTables(block.text));
    all_tables.insert(all_tables.end(), tables.back().begin(), tables.back().end());
  }
  const std::vector<TextGrid> grids = ToGrids(all_tables, SpanFill::kBlank);
  Collector collector;
  size_t num_tables = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const std::string_view text = blocks[i].text;
    size_t at = 0;
    for (const HtmlTable& table : tables[i]) {
      collector.AddLines(text.substr(at, table.begin - at));
      collector.AddGrid(grids[num_tables++]);
      at = table.end;
    }
    collector.AddLines(text.substr(at));
  }
  return collector.Take();
}

}  // namespace mao
