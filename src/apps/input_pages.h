// The pages of all inputs, one after the other: a picture has one, a PDF as many as it has.
#ifndef MAOOCR_APPS_INPUT_PAGES_H_
#define MAOOCR_APPS_INPUT_PAGES_H_

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "apps/inputs.h"
#include "ocr/document_reader.h"
#include "vision/pdf/page_ranges.h"
#include "vision/pdf/pdf_document.h"

namespace mao {

// The command line names pages on its own machine, so this is only what a mistake may cost.
inline constexpr int kMaxPagesOfInput = 100'000;

struct PageChoice {
  std::vector<PageRange> pages;  // empty: all
  int dpi = 0;                   // of PDF pages; 0: PdfDocument::ChooseDpi
};

// Whether a file that can be looked into is a PDF, or the input a pipe that may carry one.
bool MayBePdf(const InputFile& file);

struct InputPage {
  size_t file = 0;           // index of its input
  int page = 0;              // from 0, in its file
  bool is_document = false;  // of a PDF
  int num_pages = 1;         // of its file
  bool ends_file = true;     // no further page of this file follows
  DocumentPage content;
};

class InputPages {
 public:
  InputPages(std::vector<InputFile> files, PageChoice choice, std::stop_token stop)
      : files_(std::move(files)), choice_(std::move(choice)), stop_(std::move(stop)) {}

  bool done() const { return pages_.empty() && next_file_ == files_.size(); }
  // Decodes or renders the next page; only when not done(). Errors, kept in its content, name the file
  // and the limit. A file that cannot be opened is one page.
  InputPage Next();

  const std::vector<InputFile>& files() const { return files_; }
  // Files that were not opened yet count as one page.
  size_t num_known() const { return num_known_ + files_.size() - next_file_; }

 private:
  void OpenNext();
  Status Open(const InputFile& file);

  const std::vector<InputFile> files_;
  const PageChoice choice_;
  const std::stop_token stop_;
  size_t next_file_ = 0;
  size_t num_known_ = 0;

  // The file that is being read: either a PDF or the bytes of a picture.
  std::shared_ptr<const PdfDocument> document_;
  std::string contents_;
  Status status_;
  std::vector<int> pages_;  // what is left of it, last first
};

}  // namespace mao

#endif  // MAOOCR_APPS_INPUT_PAGES_H_
