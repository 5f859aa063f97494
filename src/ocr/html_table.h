// The tables that models write as HTML, as rows and columns.
#ifndef MAOOCR_OCR_HTML_TABLE_H_
#define MAOOCR_OCR_HTML_TABLE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mao {

// Cells beyond these are left out; no answer of a model comes near them.
inline constexpr size_t kMaxHtmlTables = 1024;
inline constexpr size_t kMaxTableColumns = 1024;
inline constexpr size_t kMaxTableCells = 131'072;  // spans filled

struct HtmlCell {
  std::string text;  // white space as one space, <br> as a newline, entities as characters
  int column_span = 1;
  int row_span = 1;
};

struct HtmlTable {
  std::vector<std::vector<HtmlCell>> rows;
  size_t begin = 0;  // bytes of the text, <table> and </table> included
  size_t end = 0;
};

// Every <table> of the text in its order. Tolerant, as browsers are: closing tags may be missing,
// also at the end of a text that was cut off; tags that only dress text are dropped, unknown ones
// stay as text; a table inside a cell is text of that cell; text of a table that is in no cell is
// dropped. Takes any bytes, in linear time.
std::vector<HtmlTable> FindHtmlTables(std::string_view text);

// Rows of equal length (but for tables beyond the limit).
using TextGrid = std::vector<std::vector<std::string>>;

// What stands in the places that a cell with a span covers beyond its first.
enum class SpanFill { kRepeat, kBlank };

// The tables with their spans laid out as in HTML: a cell takes the first free place of its row; a
// row span ends with the table. Cells beyond kMaxTableCells of all tables together are left out, and
// repeated text of more than a megabyte stays blank.
std::vector<TextGrid> ToGrids(std::span<const HtmlTable> tables, SpanFill fill);

// RFC 4180: CRLF after every row, and quotes where they are needed.
std::string GridToCsv(const TextGrid& grid);

// A table of GitHub's Markdown, the first row as its head: | as \|, newlines as <br>.
std::string GridToMarkdown(const TextGrid& grid);

}  // namespace mao

#endif  // MAOOCR_OCR_HTML_TABLE_H_
