#include "ocr/html_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ocr/html_tag.h"

namespace mao {
namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";
constexpr int kMaxRowSpan = 65534;  // HTML's own limit
constexpr size_t kMaxRepeatedBytes = 1 << 20;

constexpr std::string_view kDressTags[] = {"b",    "i",   "u",     "em",    "strong", "sup",
                                           "sub",  "p",   "div",   "span",  "center", "font",
                                           "code", "col", "tbody", "thead", "tfoot",  "colgroup"};

bool IsDress(const HtmlTag& tag) {
  return std::any_of(std::begin(kDressTags), std::end(kDressTags),
                     [&](std::string_view name) { return tag.Is(name); });
}

// Joins characters into the text of a cell as HTML does with white space.
class CellText {
 public:
  void AddSpace() { pending_space_ = !text_.empty() && text_.back() != '\n'; }
  void AddNewline() {
    pending_space_ = false;
    if (!text_.empty()) text_ += '\n';
  }
  std::string& Open() {
    if (pending_space_) text_ += ' ';
    pending_space_ = false;
    return text_;
  }
  std::string Take() {
    while (text_.ends_with('\n')) text_.pop_back();
    pending_space_ = false;
    return std::exchange(text_, {});
  }

 private:
  std::string text_;
  bool pending_space_ = false;
};

class TableReader {
 public:
  explicit TableReader(std::string_view text) : text_(text) {}

  std::vector<HtmlTable> Read() {
    while (at_ < text_.size() && (depth_ > 0 || tables_.size() < kMaxHtmlTables)) {
      if (depth_ == 0) {
        at_ = std::min(text_.find('<', at_), text_.size());
        if (at_ == text_.size()) break;
      }
      at_ += Step(text_.substr(at_));
    }
    if (depth_ > 0) EndTable(text_.size());
    return std::move(tables_);
  }

 private:
  // Returns how many bytes it took, at least 1.
  size_t Step(std::string_view rest) {
    if (const std::optional<HtmlTag> tag = ReadHtmlTag(rest); tag.has_value()) {
      if (tag->Is("table")) {
        TableTag(*tag);
        return tag->size_bytes;
      }
      if (depth_ > 0 && InsideTag(*tag)) return tag->size_bytes;
    }
    if (depth_ == 0 || !cell_open_) return 1;
    if (kSpace.find(rest.front()) != std::string_view::npos) {
      cell_text_.AddSpace();
      return 1;
    }
    if (rest.front() == '&') {
      std::string character;
      if (const size_t size = AppendHtmlEntity(rest, character); size > 0) {
        cell_text_.Open() += character;
        return size;
      }
    }
    cell_text_.Open() += rest.front();
    return 1;
  }

  void TableTag(const HtmlTag& tag) {
    if (!tag.is_closing) {
      if (depth_++ == 0) {
        tables_.push_back({{}, at_, at_});
      } else if (cell_open_) {
        cell_text_.AddSpace();
      }
    } else if (depth_ == 1) {
      EndTable(at_ + tag.size_bytes);
    } else if (depth_ > 1) {
      --depth_;
      cell_text_.AddSpace();
    }
  }

  // False: the tag is text.
  bool InsideTag(const HtmlTag& tag) {
    const bool is_cell = tag.Is("td") || tag.Is("th");
    if (depth_ > 1 && (is_cell || tag.Is("tr"))) {
      cell_text_.AddSpace();
    } else if (is_cell) {
      EndCell();
      if (!tag.is_closing) BeginCell(tag);
    } else if (tag.Is("tr")) {
      EndRow();
    } else if (tag.Is("br")) {
      cell_text_.AddNewline();
    } else {
      return IsDress(tag);
    }
    return true;
  }

  void BeginCell(const HtmlTag& tag) {
    cell_open_ = true;
    cell_ = {"", HtmlSpan(tag.attributes, "colspan", static_cast<int>(kMaxTableColumns)),
             HtmlSpan(tag.attributes, "rowspan", kMaxRowSpan)};
  }

  void EndCell() {
    std::string text = cell_text_.Take();
    if (!std::exchange(cell_open_, false) || num_cells_ == kMaxTableCells) return;
    ++num_cells_;
    cell_.text = std::move(text);
    row_.push_back(std::move(cell_));
  }

  void EndRow() {
    EndCell();
    if (!row_.empty()) tables_.back().rows.push_back(std::exchange(row_, {}));
  }

  void EndTable(size_t end) {
    EndRow();
    depth_ = 0;
    tables_.back().end = end;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;  // of tables; everything below the first is text
  bool cell_open_ = false;
  size_t num_cells_ = 0;
  HtmlCell cell_;
  CellText cell_text_;
  std::vector<HtmlCell> row_;
  std::vector<HtmlTable> tables_;
};

// What is left of the limits, over several tables.
struct GridBudget {
  size_t num_places = kMaxTableCells;
  size_t repeated_bytes = kMaxRepeatedBytes;
};

// Lays the cells of one table out row by row.
class GridLayout {
 public:
  GridLayout(size_t num_rows, SpanFill fill, GridBudget& budget)
      : grid_(num_rows), taken_(num_rows), fill_(fill), budget_(budget) {}

  void Place(size_t row, const std::vector<HtmlCell>& cells) {
    size_t column = 0;
    for (const HtmlCell& cell : cells) {
      while (column < taken_[row].size() && taken_[row][column]) ++column;
      const size_t end = std::min(column + static_cast<size_t>(cell.column_span), kMaxTableColumns);
      const size_t last_row = std::min(row + static_cast<size_t>(cell.row_span), grid_.size());
      for (size_t r = row; r < last_row; ++r) {
        for (size_t c = column; c < end; ++c) {
          if (!Put(r, c, cell.text, r == row && c == column)) return;
        }
      }
      column = end;
    }
  }

  TextGrid Take() {
    size_t num_columns = 0;
    for (const auto& row : grid_) num_columns = std::max(num_columns, row.size());
    for (auto& row : grid_) {
      if (!Spend(num_columns - row.size())) break;
      row.resize(num_columns);
    }
    return std::move(grid_);
  }

 private:
  bool Spend(size_t num_places) {
    if (num_places > budget_.num_places) return false;
    budget_.num_places -= num_places;
    return true;
  }

  // False: the limit is reached. Where spans overlap, the earlier cell stays, which costs as well.
  bool Put(size_t row, size_t column, const std::string& text, bool is_first) {
    const size_t size = grid_[row].size();
    if (!Spend(column < size ? 1 : column + 1 - size)) return false;
    if (column >= size) {
      grid_[row].resize(column + 1);
      taken_[row].resize(column + 1);
    }
    if (taken_[row][column]) return true;
    taken_[row][column] = true;
    if (!is_first) {
      if (fill_ == SpanFill::kBlank || text.size() > budget_.repeated_bytes) return true;
      budget_.repeated_bytes -= text.size();
    }
    grid_[row][column] = text;
    return true;
  }

  TextGrid grid_;
  std::vector<std::vector<bool>> taken_;
  SpanFill fill_;
  GridBudget& budget_;
};

std::string CsvField(const std::string& text, bool is_alone) {
  // A lone --- would look like the line between two tables, a lone nothing like no row.
  const bool quote = text.find_first_of("\",\r\n") != std::string::npos || text.starts_with(' ') ||
                     text.ends_with(' ') || (is_alone && (text.empty() || text == "---"));
  if (!quote) return text;
  std::string field = "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

std::string MarkdownCell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') {
      cell += "\\|";
    } else if (c == '\n') {
      cell += "<br>";
    } else {
      cell += c;
    }
  }
  return cell;
}

std::string MarkdownRow(const std::vector<std::string>& row) {
  std::string line = "|";
  for (const std::string& cell : row) line += " " + MarkdownCell(cell) + " |";
  return line + "\n";
}

}  // namespace

std::vector<HtmlTable> FindHtmlTables(std::string_view text) { return TableReader(text).Read(); }

std::vector<TextGrid> ToGrids(std::span<const HtmlTable> tables, SpanFill fill) {
  GridBudget budget;
  std::vector<TextGrid> grids;
  for (const HtmlTable& table : tables) {
    GridLayout layout(table.rows.size(), fill, budget);
    for (size_t row = 0; row < table.rows.size(); ++row) layout.Place(row, table.rows[row]);
    grids.push_back(layout.Take());
  }
  return grids;
}

std::string GridToCsv(const TextGrid& grid) {
  std::string csv;
  for (const std::vector<std::string>& row : grid) {
    for (size_t column = 0; column < row.size(); ++column) {
      if (column > 0) csv += ',';
      csv += CsvField(row[column], row.size() == 1);
    }
    csv += "\r\n";
  }
  return csv;
}

std::string GridToMarkdown(const TextGrid& grid) {
  if (grid.empty()) return "";
  std::string table = MarkdownRow(grid.front());
  table += MarkdownRow(std::vector<std::string>(grid.front().size(), "---"));
  for (size_t row = 1; row < grid.size(); ++row) table += MarkdownRow(grid[row]);
  return table;
}

}  // namespace mao
