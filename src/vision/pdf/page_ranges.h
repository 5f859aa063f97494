// Which pages of a document are meant: "1-3,7,12-".
#ifndef MAOOCR_VISION_PDF_PAGE_RANGES_H_
#define MAOOCR_VISION_PDF_PAGE_RANGES_H_

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

inline constexpr size_t kMaxPageRanges = 1024;

struct PageRange {
  int first = 0;            // from 0
  std::optional<int> last;  // included; not set: to the end
  bool operator==(const PageRange&) const = default;
};

// Numbers and ranges separated by commas, spaces allowed around both; "12-" goes to the end. The
// first page is called `first_number`. An empty text gives no range, which stands for all pages.
// InvalidArgument says what is wrong.
Result<std::vector<PageRange>> ParsePageRanges(std::string_view text, int first_number = 1);

// The same for numbers in a list.
Result<std::vector<PageRange>> PageRangesOf(std::span<const int> numbers, int first_number = 1);

// What to do with pages that the document does not have.
enum class MissingPages { kError, kSkip };

// The pages that the ranges mean in a document of `num_pages` (at least 1), from 0, each once, in the
// order of the document. OutOfRange for a page that is not there (messages count from first_number; with
// kSkip: if none is there), or for more than max_pages.
Result<std::vector<int>> SelectPages(std::span<const PageRange> ranges, int num_pages,
                                     int max_pages, int first_number = 1,
                                     MissingPages missing = MissingPages::kError);

}  // namespace mao

#endif  // MAOOCR_VISION_PDF_PAGE_RANGES_H_
