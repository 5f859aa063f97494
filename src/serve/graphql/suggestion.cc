#include "serve/graphql/suggestion.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <optional>
#include <utility>

namespace mao::graphql {
namespace {

constexpr size_t kMaxSuggestions = 5;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// Edits between `a` and `b` (insert, delete, substitute, swap of neighbours), or nothing above
// `threshold`. Optimal string alignment in three rows.
std::optional<size_t> EditDistance(std::string_view a, std::string_view b, size_t threshold) {
  if (a.size() < b.size()) std::swap(a, b);
  std::array<std::vector<size_t>, 3> rows;
  rows.fill(std::vector<size_t>(b.size() + 1));
  std::iota(rows[0].begin(), rows[0].end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    const std::vector<size_t>& up = rows[(i - 1) % 3];
    std::vector<size_t>& row = rows[i % 3];
    row[0] = i;
    size_t smallest = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({up[j] + 1, row[j - 1] + 1, up[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
      smallest = std::min(smallest, row[j]);
    }
    if (smallest > threshold) return std::nullopt;
  }
  const size_t distance = rows[a.size() % 3][b.size()];
  return distance <= threshold ? std::optional(distance) : std::nullopt;
}

// How unlike the two are; other case alone counts as one edit.
std::optional<size_t> Distance(std::string_view input, std::string_view option, size_t threshold) {
  if (input == option) return 0;
  if (std::max(input.size(), option.size()) - std::min(input.size(), option.size()) > threshold) {
    return std::nullopt;
  }
  const std::string lower_input = LowerCase(input);
  const std::string lower_option = LowerCase(option);
  if (lower_input == lower_option) return 1;
  return EditDistance(lower_option, lower_input, threshold);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Digits from `pos` on as a number; `pos` moves behind them.
size_t TakeNumber(std::string_view text, size_t& pos) {
  size_t number = 0;
  while (pos < text.size() && IsDigit(text[pos])) number = number * 10 + (text[pos++] - '0');
  return number;
}

// Numbers inside names compare by value: page2 before page10.
bool NaturalLess(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      const size_t left = TakeNumber(a, i);
      const size_t right = TakeNumber(b, j);
      if (left != right) return left < right;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() < b.size();
}

}  // namespace

std::vector<std::string_view> SimilarNames(std::string_view input,
                                           const std::vector<std::string_view>& options) {
  const size_t threshold = input.size() * 4 / 10 + 1;
  std::vector<std::pair<size_t, std::string_view>> similar;
  for (const std::string_view option : options) {
    if (const auto distance = Distance(input, option, threshold)) {
      similar.emplace_back(*distance, option);
    }
  }
  std::stable_sort(similar.begin(), similar.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : NaturalLess(a.second, b.second);
  });
  std::vector<std::string_view> names;
  names.reserve(similar.size());
  for (const auto& [distance, name] : similar) names.push_back(name);
  return names;
}

std::string DidYouMean(const std::vector<std::string_view>& suggestions, std::string_view lead) {
  const size_t count = std::min(suggestions.size(), kMaxSuggestions);
  if (count == 0) return "";
  std::string text = " Did you mean ";
  if (!lead.empty()) text.append(lead).append(" ");
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += count == 2 ? " or " : i + 1 == count ? ", or " : ", ";
    text.append("\"").append(suggestions[i]).append("\"");
  }
  return text + "?";
}

}  // namespace mao::graphql
