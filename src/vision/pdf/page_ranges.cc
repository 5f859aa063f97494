#include "vision/pdf/page_ranges.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

namespace mao {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

std::optional<int> ParseNumber(std::string_view text, int first_number) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number < first_number) return std::nullopt;
  return number - first_number;
}

// Nothing if it is no range.
std::optional<PageRange> ParseRange(std::string_view text, int first_number) {
  const size_t dash = text.find('-');
  const std::optional<int> first = ParseNumber(Trim(text.substr(0, dash)), first_number);
  if (!first.has_value()) return std::nullopt;
  if (dash == std::string_view::npos) return PageRange{*first, *first};
  const std::string_view rest = Trim(text.substr(dash + 1));
  if (rest.empty()) return PageRange{*first, std::nullopt};
  const std::optional<int> last = ParseNumber(rest, first_number);
  if (!last.has_value() || *last < *first) return std::nullopt;
  return PageRange{*first, *last};
}

Status TooManyRanges() {
  return InvalidArgumentError(
      fmt::format("pages: more than the limit of {} ranges", kMaxPageRanges));
}

}  // namespace

Result<std::vector<PageRange>> ParsePageRanges(std::string_view text, int first_number) {
  std::vector<PageRange> ranges;
  if (Trim(text).empty()) return ranges;
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    const std::optional<PageRange> range = ParseRange(Trim(text.substr(0, comma)), first_number);
    if (!range.has_value()) {
      return InvalidArgumentError(
          fmt::format("pages: expected numbers from {} and ranges of them, as in \"{}-{},{}\"",
                      first_number, first_number, first_number + 2, first_number + 6));
    }
    if (ranges.size() == kMaxPageRanges) return TooManyRanges();
    ranges.push_back(*range);
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return ranges;
}

Result<std::vector<PageRange>> PageRangesOf(std::span<const int> numbers, int first_number) {
  if (numbers.size() > kMaxPageRanges) return TooManyRanges();
  std::vector<PageRange> ranges;
  for (const int number : numbers) {
    if (number < first_number) {
      return InvalidArgumentError(
          fmt::format("pages: {} is no page; the first one is {}", number, first_number));
    }
    ranges.push_back({number - first_number, number - first_number});
  }
  return ranges;
}

Result<std::vector<int>> SelectPages(std::span<const PageRange> ranges, int num_pages,
                                     int max_pages, int first_number, MissingPages missing) {
  constexpr PageRange kAll = {0, std::nullopt};
  if (ranges.empty()) ranges = std::span(&kAll, 1);
  std::vector<PageRange> sorted(ranges.begin(), ranges.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const PageRange& a, const PageRange& b) { return a.first < b.first; });
  std::vector<int> pages;
  for (const PageRange& range : sorted) {
    int last = range.last.value_or(std::max(range.first, num_pages - 1));
    const bool may_skip =
        missing == MissingPages::kSkip && (!pages.empty() || range.first < num_pages);
    if (last >= num_pages && !may_skip) {
      return OutOfRangeError(fmt::format("pages: there is no page {}; the document has {}",
                                         int64_t{last} + first_number, num_pages));
    }
    last = std::min(last, num_pages - 1);
    for (int page = std::max(range.first, pages.empty() ? 0 : pages.back() + 1); page <= last;
         ++page) {
      if (pages.size() == static_cast<size_t>(max_pages)) {
        return OutOfRangeError(
            fmt::format("pages: more than the limit of {} pages of a document with {}; name fewer",
                        max_pages, num_pages));
      }
      pages.push_back(page);
    }
  }
  return pages;
}

}  // namespace mao
