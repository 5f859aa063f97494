#include "ocr/markdown.h"

#include <algorithm>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr std::string_view kColonEq = "\\coloneqq";
constexpr std::string_view kEqColon = "\\eqqcolon";
constexpr size_t kMaxNewlines = 2;

std::string ReplaceOperators(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = std::min(text.find('\\'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.starts_with(kColonEq)) {
      out += ":=";
      text.remove_prefix(kColonEq.size());
    } else if (text.starts_with(kEqColon)) {
      out += "=:";
      text.remove_prefix(kEqColon.size());
    } else if (!text.empty()) {
      out += '\\';
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string CollapseNewlines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t num_newlines = 0;
  for (const char c : text) {
    num_newlines = c == '\n' ? num_newlines + 1 : 0;
    if (num_newlines <= kMaxNewlines) out += c;
  }
  return out;
}

}  // namespace

bool IsFigure(const GroundingBlock& block) {
  return block.label == kImageLabel && !block.boxes.empty();
}

std::string FigurePath(const MarkdownOptions& options, int figure) {
  if (options.figure_names == FigureNames::kFlat && options.page) {
    return fmt::format("img-{}-{}.jpeg", *options.page, figure);
  }
  if (options.figure_names == FigureNames::kFlat) return fmt::format("img-{}.jpeg", figure);
  if (options.page) return fmt::format("images/{}_{}.jpg", *options.page, figure);
  return fmt::format("images/{}.jpg", figure);
}

std::string CleanMarkdown(std::string_view raw_text, std::span<const GroundingBlock> blocks,
                          const MarkdownOptions& options) {
  const std::string_view text = WithoutEndOfText(raw_text);
  std::string out;
  out.reserve(text.size());
  size_t at = 0;
  int num_figures = 0;
  for (const GroundingBlock& block : blocks) {
    out += text.substr(at, block.begin - at);
    if (IsFigure(block)) {
      const std::string path = FigurePath(options, num_figures++);
      const bool is_named = options.figure_names == FigureNames::kFlat;
      out += fmt::format("![{}]({})\n", is_named ? path : "", path);
    }
    at = block.text_begin;
  }
  out += text.substr(at);
  out = ReplaceOperators(out);
  return options.collapse_blank_lines ? CollapseNewlines(out) : out;
}

std::string JoinPages(std::span<const std::string> pages) {
  std::string document;
  for (const std::string& page : pages) {
    document += page;
    document += kPageSplit;
  }
  return document;
}

}  // namespace mao
