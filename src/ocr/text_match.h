// Comparing texts as people do: whatever the width, case and spacing of their characters.
#ifndef MAOOCR_OCR_TEXT_MATCH_H_
#define MAOOCR_OCR_TEXT_MATCH_H_

#include <string>
#include <string_view>

namespace mao {

// NFKC with ASCII letters in lower case and every run of white space as one space, none at the ends.
// Takes any bytes.
std::string FoldText(std::string_view text);

// FoldText without white space, punctuation and underscores ("Invoice No.:" is "invoiceno"); other
// signs stay ("%", "№").
std::string FoldKey(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_OCR_TEXT_MATCH_H_
