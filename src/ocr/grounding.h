// The grounding language of DeepSeek-OCR: for every block of the page
//   <|ref|>LABEL<|/ref|><|det|>[[x1, y1, x2, y2], ...]<|/det|> text of the block
// read as the released scripts read it (their regular expression, matched in linear time), with
// tolerance where they would lose a block.
#ifndef MAOOCR_OCR_GROUNDING_H_
#define MAOOCR_OCR_GROUNDING_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ocr/boxes.h"

namespace mao {

// Tags beyond this many stay in the text of the last block.
inline constexpr size_t kMaxGroundingBlocks = 16384;

struct GroundingBlock {
  std::optional<std::string> label;  // unset: text in front of the first tag
  std::vector<RawBox> boxes;         // what can be made out, at most kMaxBoxesPerBlock
  bool well_formed = true;           // the boxes are what a strict reader finds, the tags complete
  std::string text;                  // without ASCII white space at its ends

  // Bytes of the raw text: tags are [begin, text_begin), the text is in [text_begin, end).
  size_t begin = 0;
  size_t text_begin = 0;
  size_t end = 0;

  bool operator==(const GroundingBlock&) const = default;
};

// The raw text without white space and <｜end▁of▁sentence｜> at its end; white space in front of
// the end token stays.
std::string_view WithoutEndOfText(std::string_view raw_text);

// The blocks in the order of the text. As in the released scripts, a label runs from <|ref|> to the
// next <|/ref|><|det|>, nothing may stand between these two, and the label is not trimmed.
// Tolerated beyond them: the notations of ParseBoxesLenient, and a <|/det|> that is missing at the
// end of the text or in front of the next block, if the boxes themselves are complete.
std::vector<GroundingBlock> ParseGrounding(std::string_view raw_text);

}  // namespace mao

#endif  // MAOOCR_OCR_GROUNDING_H_
