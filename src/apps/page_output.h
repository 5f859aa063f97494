// What is written of a page: its text in one format or another, its figures, its overlay.
#ifndef MAOOCR_APPS_PAGE_OUTPUT_H_
#define MAOOCR_APPS_PAGE_OUTPUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "ocr/page_result.h"
#include "vision/image.h"

namespace mao {

enum class OutputFormat { kMarkdown, kText, kJson, kRaw };

// "md", "text", "json", "raw", or several of them separated by commas.
Result<std::vector<OutputFormat>> ParseFormats(std::string_view names);

// Markdown and plain text without white space at their ends, raw text byte for byte, JSON as in
// docs/output_format.md with the key `file` in front; `pretty` is about JSON alone.
std::string RenderPage(const PageResult& page, OutputFormat format, std::string_view file,
                       bool pretty);

struct PageFiles {
  std::string folder;  // of this page; made if it is not there
  std::string name;    // of its files, without extension
  std::vector<OutputFormat> formats;
  bool overlay = false;
};

// Writes folder/NAME.md, .txt, .json and .raw.txt, the figures as the Markdown links them
// (folder/images/0.jpg), and NAME_overlay.png. `file` is the name for JSON.
Status WritePageFiles(const PageFiles& files, std::string_view file, const Image& image,
                      const PageResult& page);

// The parts of WritePageFiles, for documents, whose texts come together at the end.
Status MakeFolder(const std::string& folder);
std::string TextPath(const PageFiles& files, OutputFormat format);
// Figures, and files.overlay as `overlay_name`.
Status WritePagePictures(const PageFiles& files, const std::string& overlay_name,
                         const Image& image, const PageResult& page);

Status WriteOverlay(const std::string& path, const Image& image, const PageResult& page);

}  // namespace mao

#endif  // MAOOCR_APPS_PAGE_OUTPUT_H_
