#include "serve/config/spelling.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mao {
namespace {

constexpr size_t kMaxLength = 64;

char Folded(char c) {
  if (c == '-') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

size_t SpellingDistance(std::string_view a, std::string_view b, size_t max_distance) {
  if (a.size() > kMaxLength || b.size() > kMaxLength) return SIZE_MAX;
  if (a.size() > b.size() + max_distance || b.size() > a.size() + max_distance) return SIZE_MAX;
  std::array<std::array<size_t, kMaxLength + 1>, kMaxLength + 1> distance;
  for (size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const char x = Folded(a[i - 1]);
      const char y = Folded(b[j - 1]);
      size_t best = distance[i - 1][j - 1] + (x == y ? 0 : 1);
      best = std::min({best, distance[i - 1][j] + 1, distance[i][j - 1] + 1});
      if (i > 1 && j > 1 && x == Folded(b[j - 2]) && y == Folded(a[i - 2])) {
        best = std::min(best, distance[i - 2][j - 2] + 1);
      }
      distance[i][j] = best;
    }
  }
  const size_t result = distance[a.size()][b.size()];
  return result <= max_distance ? result : SIZE_MAX;
}

std::string NearestWord(std::string_view word, std::span<const std::string> known,
                        size_t max_distance) {
  std::string nearest;
  size_t least = SIZE_MAX;
  for (const std::string& candidate : known) {
    const size_t distance = SpellingDistance(word, candidate, max_distance);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace mao
