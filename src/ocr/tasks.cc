#include "ocr/tasks.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mao {
namespace {

constexpr TaskRow kTasks[] = {
    {"markdown", "<|grounding|>Convert the document to markdown.",
     "a document page as Markdown, every block with its box"},
    {"text", "Free OCR.", "the text alone, without layout"},
    {"ocr", "<|grounding|>OCR this image.", "the text of any other picture, with boxes"},
    {"figure", "Parse the figure.", "a chart as a table, a formula, a drawing"},
    {"describe", "Describe this image in detail.", "what is to be seen"},
};

constexpr std::string_view kLocate = "locate";
constexpr std::string_view kImageTag = "<image>";
constexpr std::string_view kGroundingTokens[] = {"<|grounding|>", "<|ref|>", "<|/ref|>", "<|det|>",
                                                 "<|/det|>"};
constexpr std::string_view kSpace = " \t\n\v\f\r";
constexpr int kNgramSize = 30;
constexpr int kNgramWindow = 90;

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(kSpace) == std::string_view::npos;
}

Result<OcrTask> LocateTask(std::string_view term) {
  if (IsBlank(term)) {
    return InvalidArgumentError("task locate: say what to look for, as in locate:Total");
  }
  return OcrTask{
      std::string(kLocate),
      {{"\nLocate <|ref|>", true}, {std::string(term), false}, {"<|/ref|> in the image.", true}}};
}

}  // namespace

std::span<const TaskRow> NamedTasks() { return kTasks; }

Result<OcrTask> ParseTask(std::string_view text) {
  for (const TaskRow& row : kTasks) {
    if (text == row.name) {
      return OcrTask{std::string(row.name), {{"\n" + std::string(row.prompt), true}}};
    }
  }
  if (text == kLocate) return LocateTask("");
  if (text.starts_with(kLocate) && text.substr(kLocate.size()).starts_with(':')) {
    return LocateTask(text.substr(kLocate.size() + 1));
  }
  if (text.starts_with(kImageTag)) text.remove_prefix(kImageTag.size());
  if (IsBlank(text)) return InvalidArgumentError("task: the prompt is empty");
  const std::string_view newline = text.starts_with('\n') ? "" : "\n";
  return OcrTask{"prompt", {{std::string(newline) + std::string(text), true}}};
}

Result<OcrTask> UserPrompt(std::string_view text) {
  OcrTask task = {"prompt", {}};
  std::string plain;
  const auto end_plain = [&] {
    if (!plain.empty()) task.prompt.push_back({std::move(plain), false});
    plain.clear();
  };
  bool is_blank = true;
  while (!text.empty()) {
    if (text.starts_with(kImageTag)) {
      text.remove_prefix(kImageTag.size());
      continue;
    }
    const auto* const token =
        std::find_if(std::begin(kGroundingTokens), std::end(kGroundingTokens),
                     [&](std::string_view each) { return text.starts_with(each); });
    if (token != std::end(kGroundingTokens)) {
      end_plain();
      task.prompt.push_back({std::string(*token), true});
      text.remove_prefix(token->size());
    } else {
      is_blank = is_blank && IsBlank(text.substr(0, 1));
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  end_plain();
  if (is_blank) return InvalidArgumentError("the prompt is empty");
  return task;
}

Result<OcrTask> UserImagePrompt(std::string_view text) {
  while (text.starts_with(kImageTag) || text.starts_with('\n')) {
    text.remove_prefix(text.front() == '\n' ? 1 : kImageTag.size());
  }
  return UserPrompt("\n" + std::string(text));
}

SamplingParams DefaultSampling(const ModelInfo& model) {
  SamplingParams params;
  params.no_repeat_ngram_size = kNgramSize;
  params.no_repeat_ngram_window = kNgramWindow;
  params.no_repeat_ngram_whitelist = model.table_token_ids;
  params.detect_loops = true;
  return params;
}

}  // namespace mao
