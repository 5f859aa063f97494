#include "ocr/html_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ocr/html_tag.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TextGrid Grid(std::string_view text, SpanFill fill = SpanFill::kBlank) {
  const std::vector<HtmlTable> tables = FindHtmlTables(text);
  EXPECT_EQ(tables.size(), 1U);
  return tables.empty() ? TextGrid() : ToGrids(tables, fill).front();
}

TEST(HtmlTagTest, ReadsNameAndAttributes) {
  const auto tag = ReadHtmlTag("<TD colspan=\"2\" rowspan=3>x");
  ASSERT_TRUE(tag.has_value());
  EXPECT_TRUE(tag->Is("td"));
  EXPECT_FALSE(tag->is_closing);
  EXPECT_EQ(tag->size_bytes, 26U);
  EXPECT_EQ(HtmlSpan(tag->attributes, "colspan", 9), 2);
  EXPECT_EQ(HtmlSpan(tag->attributes, "rowspan", 9), 3);
  EXPECT_EQ(HtmlSpan(tag->attributes, "span", 9), 1);
  EXPECT_TRUE(ReadHtmlTag("</table>")->is_closing);
  EXPECT_FALSE(ReadHtmlTag("<").has_value());
  EXPECT_FALSE(ReadHtmlTag("<td").has_value());
  EXPECT_FALSE(ReadHtmlTag("<a<b>").has_value());
  EXPECT_FALSE(ReadHtmlTag("<td" + std::string(kMaxTagBytes, ' ') + ">").has_value());
}

TEST(HtmlTagTest, SpansAreCutToTheirRange) {
  EXPECT_EQ(HtmlSpan(" colspan='99999999999999999999'", "colspan", 7), 7);
  EXPECT_EQ(HtmlSpan(" colspan=0", "colspan", 7), 1);
  EXPECT_EQ(HtmlSpan(" colspan=-3", "colspan", 7), 1);
  EXPECT_EQ(HtmlSpan(" colspan", "colspan", 7), 1);
  EXPECT_EQ(HtmlSpan(" colspan=", "colspan", 7), 1);
  EXPECT_EQ(HtmlSpan(" mycolspan=3", "colspan", 7), 1);
}

TEST(HtmlTagTest, Entities) {
  std::string out;
  EXPECT_EQ(AppendHtmlEntity("&lt;b", out), 4U);
  EXPECT_EQ(AppendHtmlEntity("&#20013;", out), 8U);
  EXPECT_EQ(AppendHtmlEntity("&#x4E2d;", out), 8U);
  EXPECT_EQ(out, "<中中");
  for (const char* text :
       {"&", "&amp", "&#;", "&#xD800;", "&#1114112;", "&#x;", "&nothing;", "x"}) {
    EXPECT_EQ(AppendHtmlEntity(text, out), 0U) << text;
  }
}

TEST(HtmlTableTest, RowsAndCells) {
  EXPECT_THAT(Grid("a <table><tr><td>Part</td><td>Number</td></tr><tr><td>blocks</td>"
                   "<td>8</td></tr></table> b"),
              ElementsAre(ElementsAre("Part", "Number"), ElementsAre("blocks", "8")));
  EXPECT_THAT(Grid("<table><thead><tr><th>项目</th><th>金额</th></tr></thead><tbody><tr>"
                   "<td>税</td><td>￥12.00</td></tr></tbody></table>"),
              ElementsAre(ElementsAre("项目", "金额"), ElementsAre("税", "￥12.00")));
}

TEST(HtmlTableTest, ShortRowsAreFilledUp) {
  EXPECT_THAT(Grid("<table><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></table>"),
              ElementsAre(ElementsAre("a", ""), ElementsAre("b", "c")));
}

TEST(HtmlTableTest, SpansAsInHtml) {
  const char* text =
      "<table><tr><td rowspan=\"2\">a</td><td colspan=\"2\">b</td></tr>"
      "<tr><td>c</td><td rowspan=\"9\">d</td></tr><tr><td>e</td><td>f</td></tr></table>";
  EXPECT_THAT(Grid(text, SpanFill::kRepeat),
              ElementsAre(ElementsAre("a", "b", "b"), ElementsAre("a", "c", "d"),
                          ElementsAre("e", "f", "d")));
  EXPECT_THAT(
      Grid(text, SpanFill::kBlank),
      ElementsAre(ElementsAre("a", "b", ""), ElementsAre("", "c", "d"), ElementsAre("e", "f", "")));
}

TEST(HtmlTableTest, TextOfCells) {
  EXPECT_THAT(Grid("<table><tr><td> a\n  b </td><td>x<br/>y<br></td><td><b>c</b> &amp; "
                   "&lt;td&gt;</td><td>3 < 4 <unit></td></tr></table>"),
              ElementsAre(ElementsAre("a b", "x\ny", "c & <td>", "3 < 4 <unit>")));
}

TEST(HtmlTableTest, MissingTagsAreForgiven) {
  EXPECT_THAT(Grid("<table><tr><td>a<td>b<tr><td>c"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "")));
  EXPECT_THAT(Grid("<table><td>a</td></tr></table>"), ElementsAre(ElementsAre("a")));
  EXPECT_THAT(Grid("<table>stray<tr>stray<td>a</td>stray</tr></table>"),
              ElementsAre(ElementsAre("a")));
  EXPECT_THAT(Grid("<table><tr></tr></table>"), IsEmpty());
  EXPECT_THAT(Grid("<table><tr><td>a</td></tr><tr><td>b</t"),
              ElementsAre(ElementsAre("a"), ElementsAre("b</t")));
  EXPECT_THAT(FindHtmlTables("</table></td></tr> <tabl"), IsEmpty());
}

TEST(HtmlTableTest, ATableInACellIsItsText) {
  EXPECT_THAT(Grid("<table><tr><td>a<table><tr><td>b</td><td>c</td></tr></table>d</td>"
                   "<td>e</td></tr></table>"),
              ElementsAre(ElementsAre("a b c d", "e")));
}

TEST(HtmlTableTest, SeveralTablesAndTheirPlaces) {
  const std::string text = "x<table><tr><td>1</td></tr></table>y<table><tr><td>2</td></tr></table>";
  const std::vector<HtmlTable> tables = FindHtmlTables(text);
  ASSERT_THAT(tables, SizeIs(2));
  EXPECT_EQ(text.substr(0, tables[0].begin), "x");
  EXPECT_EQ(text.substr(tables[0].end, tables[1].begin - tables[0].end), "y");
  EXPECT_EQ(tables[1].end, text.size());
}

TEST(HtmlTableTest, HostileSpansStayBounded) {
  std::string text = "<table>";
  for (int i = 0; i < 3000; ++i) {
    text += "<tr><td rowspan=65534 colspan=99999>" + std::string(100, 'x') + "</td><td>y</td></tr>";
  }
  const TextGrid grid = Grid(text + "</table>", SpanFill::kRepeat);
  size_t num_cells = 0;
  size_t num_bytes = 0;
  for (const auto& row : grid) {
    num_cells += row.size();
    for (const std::string& cell : row) num_bytes += cell.size();
  }
  EXPECT_LE(num_cells, kMaxTableCells);
  EXPECT_LE(num_bytes, size_t{2} << 20);
}

TEST(HtmlTableTest, Csv) {
  EXPECT_EQ(GridToCsv({{"a", "b,c"}, {"say \"x\"", "two\nlines"}, {"", " d "}}),
            "a,\"b,c\"\r\n\"say \"\"x\"\"\",\"two\nlines\"\r\n,\" d \"\r\n");
  EXPECT_EQ(GridToCsv({{"---"}, {"x"}}), "\"---\"\r\nx\r\n");
  EXPECT_EQ(GridToCsv({{"---", "x"}}), "---,x\r\n");
  EXPECT_EQ(GridToCsv({{""}}), "\"\"\r\n");
  EXPECT_EQ(GridToCsv({}), "");
}

TEST(HtmlTableTest, Markdown) {
  EXPECT_EQ(GridToMarkdown({{"a", "b|c"}, {"x\ny", ""}}),
            "| a | b\\|c |\n| --- | --- |\n| x<br>y |  |\n");
  EXPECT_EQ(GridToMarkdown({}), "");
}

}  // namespace
}  // namespace mao
