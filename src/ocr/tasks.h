// What the model can be asked to do with a page.
#ifndef MAOOCR_OCR_TASKS_H_
#define MAOOCR_OCR_TASKS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"

namespace mao {

// The text after the image. The prompts are those of DeepSeek-OCR's README.
struct OcrTask {
  std::string name;
  std::vector<PromptPiece> prompt;
};

// A task that is chosen by its name.
struct TaskRow {
  std::string_view name;
  std::string_view prompt;
  std::string_view help;
};

// markdown (the default), text, ocr, figure, describe.
std::span<const TaskRow> NamedTasks();

// A name of NamedTasks(); or "locate:TERM", which asks where TERM is; or any other text, which is
// taken as the prompt itself, with its special tokens ("<|grounding|>OCR this image."), a leading
// "<image>" being left out. So this is for text from who runs the program: text from others may go
// into TERM, where it yields no special token, but must not become a prompt.
// InvalidArgument if the text, or TERM, is blank.
Result<OcrTask> ParseTask(std::string_view text);

// A prompt that someone else wrote. Of all special tokens it keeps only those of the grounding
// language (<|grounding|>, <|ref|>, <|/ref|>, <|det|>, <|/det|>), whose like stay plain text. <image>
// is taken out: the image comes first, wherever the writer put it. InvalidArgument if nothing is
// left.
Result<OcrTask> UserPrompt(std::string_view text);

// UserPrompt for a text about an image: after exactly one newline, as the model was trained, whether
// the text begins with "<image>\n" (as many clients write), newlines, or neither.
Result<OcrTask> UserImagePrompt(std::string_view text);

// How a page is read unless someone says otherwise: greedily, no 30-gram twice within 90 tokens
// (cells of tables excepted, as DeepSeek-OCR's scripts do), ended when it goes round in circles.
SamplingParams DefaultSampling(const ModelInfo& model);

// What DeepSeek-OCR's PDF script has instead, for pages of a PDF: no 20-gram twice within 50 tokens.
inline constexpr int kPdfNgramSize = 20;
inline constexpr int kPdfNgramWindow = 50;

}  // namespace mao

#endif  // MAOOCR_OCR_TASKS_H_
