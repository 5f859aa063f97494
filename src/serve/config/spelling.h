// What somebody meant to write.
#ifndef MAOOCR_SERVE_CONFIG_SPELLING_H_
#define MAOOCR_SERVE_CONFIG_SPELLING_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mao {

// How many letters must be added, left out, changed or exchanged with their neighbour to make one of
// the other (optimal string alignment); case and the choice of '-' or '_' do not count. SIZE_MAX if
// that is more than max_distance or either is longer than 64 bytes, so that the time is bounded.
size_t SpellingDistance(std::string_view a, std::string_view b, size_t max_distance);

// The nearest of the known words, the first of several; empty if none is within max_distance.
std::string NearestWord(std::string_view word, std::span<const std::string> known,
                        size_t max_distance);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_SPELLING_H_
