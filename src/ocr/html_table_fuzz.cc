// Any bytes as the text of a model: tables found in order and inside the text, grids within their
// limits, CSV and Markdown that do not outgrow the grid.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ocr/html_table.h"

namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

size_t CheckGrid(const mao::TextGrid& grid) {
  size_t num_cells = 0;
  size_t num_bytes = 0;
  for (const auto& row : grid) {
    Check(row.size() <= mao::kMaxTableColumns);
    num_cells += row.size();
    for (const auto& cell : row) num_bytes += cell.size();
  }
  const size_t most = 5 * num_bytes + 16 * num_cells + 16 * grid.size() + 16;
  Check(mao::GridToCsv(grid).size() <= most);
  Check(mao::GridToMarkdown(grid).size() <= most);
  return num_cells;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<mao::HtmlTable> tables = mao::FindHtmlTables(text);
  Check(tables.size() <= mao::kMaxHtmlTables);
  size_t at = 0;
  for (const mao::HtmlTable& table : tables) {
    Check(table.begin >= at && table.begin < table.end && table.end <= size);
    at = table.end;
  }
  for (const mao::SpanFill fill : {mao::SpanFill::kRepeat, mao::SpanFill::kBlank}) {
    size_t num_cells = 0;
    const auto grids = mao::ToGrids(tables, fill);
    Check(grids.size() == tables.size());
    for (const mao::TextGrid& grid : grids) num_cells += CheckGrid(grid);
    Check(num_cells <= mao::kMaxTableCells);
  }
  return 0;
}
