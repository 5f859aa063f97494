// What is written of a document: its pages, gathered in their order.
#ifndef MAOOCR_APPS_DOCUMENT_OUTPUT_H_
#define MAOOCR_APPS_DOCUMENT_OUTPUT_H_

#include <string>
#include <vector>

#include "apps/page_output.h"

namespace mao {

class DocumentOutput {
 public:
  // `file` is the name for JSON; num_pages is that of the file, whether they are all read or not.
  DocumentOutput(std::string file, int num_pages, std::vector<OutputFormat> formats);

  void Add(const PageResult& page);
  // A page that could not be read keeps its place.
  void AddError(int page, const Status& status);

  // As described in docs/output_format.md: texts with a page separator after every page; JSON as one
  // object, where `pretty` counts.
  std::string Render(OutputFormat format, bool pretty) const;
  // Writes folder/NAME.md, .txt, .json and .raw.txt.
  Status WriteTexts(const PageFiles& files) const;

 private:
  std::string file_;
  int num_pages_;
  std::vector<OutputFormat> formats_;
  std::vector<std::string> texts_;  // as formats_; JSON: the pages, each followed by a comma
};

}  // namespace mao

#endif  // MAOOCR_APPS_DOCUMENT_OUTPUT_H_
