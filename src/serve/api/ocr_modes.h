// What the server can be asked to do with a page: one row for each mode.
#ifndef MAOOCR_SERVE_API_OCR_MODES_H_
#define MAOOCR_SERVE_API_OCR_MODES_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

// What is made of the model's text.
enum class OcrOutput {
  kMarkdown,        // the page as Markdown
  kText,            // the text as it is
  kTablesCsv,       // the tables as CSV
  kTablesMarkdown,  // the tables as Markdown
  kKeyValues,       // pairs of key and value as JSON
  kPlaces,          // where a term stands
  kLayout,          // the blocks and their boxes as JSON
  kRedacted,        // Markdown without personal data
};

struct OcrMode {
  std::string_view name;
  std::string_view other_name;  // that callers may use too; empty: none
  // Rows of NamedTasks() (ocr/tasks.h): the prompts that the model was trained on. Empty text_task:
  // the mode needs boxes, and `grounding` cannot be switched off. Empty grounded_task: with boxes
  // the prompt is the text task's behind <|grounding|>. Both empty: the prompt comes with the
  // request.
  std::string_view text_task;
  std::string_view grounded_task;
  bool grounding;  // unless the request says otherwise
  OcrOutput output;
};

std::span<const OcrMode> OcrModes();
// Null: there is none.
const OcrMode* FindOcrMode(std::string_view name);
// "markdown, plain_ocr, ..." for messages.
std::string OcrModeNames();

inline constexpr std::string_view kFindMode = "find_ref";
inline constexpr std::string_view kFreeformMode = "freeform";

// The sizes in which a page is shown to the model: "auto", "tiny", "small", "base", "large",
// "gundam". The model decides in the end whether it has one.
bool IsSizeMode(std::string_view name);
std::span<const std::string_view> SizeModes();

// Sizes as DeepSeek-OCR's scripts spell them.
struct LegacySize {
  std::optional<int> base_size;
  std::optional<int> image_size;
  std::optional<bool> crop_mode;
};
// The size mode that is meant by what is given: 512/512/no crop is tiny, 640/640 small, 1024/1024
// base, 1280/1280 large, 1024/640/crop gundam. InvalidArgument names the five if none is meant, or
// more than one; empty if nothing is given.
Result<std::string> SizeModeOf(const LegacySize& size);
// Of a size mode; all unset for others.
LegacySize LegacySizeOf(std::string_view size_mode);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_OCR_MODES_H_
