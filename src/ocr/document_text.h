// A page as plain text, for search and for people, without a trace of markup for boxes or tables.
#ifndef MAOOCR_OCR_DOCUMENT_TEXT_H_
#define MAOOCR_OCR_DOCUMENT_TEXT_H_

#include <span>
#include <string>

#include "ocr/html_tag.h"  // kMaxTagBytes is a limit of plain text too
#include "ocr/page_result.h"

namespace mao {

// The texts of the blocks with an empty line between them, blocks without text left out. Rows of
// HTML tables become lines, their cells separated by tabs; <center>, <br> and the # of headings
// go. The text of the first n words of a page is the beginning of the text of the page. Linear
// time.
std::string PlainText(std::span<const PageBlock> blocks);

}  // namespace mao

#endif  // MAOOCR_OCR_DOCUMENT_TEXT_H_
