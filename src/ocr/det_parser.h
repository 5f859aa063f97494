// Reads the text between <|det|> and <|/det|>. Model output is data: nothing is ever evaluated.
// Both readers take time linear in the text and pass over what is beyond their limits.
#ifndef MAOOCR_OCR_DET_PARSER_H_
#define MAOOCR_OCR_DET_PARSER_H_

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "ocr/boxes.h"

namespace mao {

inline constexpr size_t kMaxBoxesPerBlock = 1024;

// Every box that can be made out: four numbers inside an innermost pair of brackets, or two such
// pairs of two numbers that follow each other ([[x, y], [x, y]]). Full-width digits, brackets and
// punctuation count as ASCII; whatever else is there is ignored. Numbers are cut to +-1e9.
std::vector<RawBox> ParseBoxesLenient(std::string_view det);

// What DeepSeek-OCR's released scripts would draw: the text must be a Python literal of nested
// lists or tuples of numbers (they evaluate it), and of the outermost list the entries up to the
// first that is not four numbers count. Nothing if it is no such literal or nested deeper than 16.
std::optional<std::vector<RawBox>> ParseBoxesStrict(std::string_view det);

// How many leading bytes of `text` a det takes up whose closing tag is missing: up to the bracket
// that closes the first one, or to the first byte that is no digit, bracket, separator or white
// space (also full-width).
size_t DetExtent(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_OCR_DET_PARSER_H_
