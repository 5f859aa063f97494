// For tests and measurements: how far a reading is from the expected one.
#ifndef MAOOCR_MODELS_EDIT_DISTANCE_H_
#define MAOOCR_MODELS_EDIT_DISTANCE_H_

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace mao {

// Insertions, deletions and replacements that turn a into b (Levenshtein); of texts or of ids.
template <typename Sequence>
size_t EditDistance(const Sequence& a, const Sequence& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t best = std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = std::exchange(row[j + 1], best);
    }
  }
  return row[b.size()];
}

}  // namespace mao

#endif  // MAOOCR_MODELS_EDIT_DISTANCE_H_
