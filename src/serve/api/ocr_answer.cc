#include "serve/api/ocr_answer.h"

#include <algorithm>
#include <utility>

#include "ocr/document_text.h"
#include "ocr/html_table.h"
#include "ocr/key_values.h"
#include "ocr/page_answer.h"
#include "ocr/sensitive_text.h"
#include "ocr/text_match.h"
#include "serve/api/json.h"
#include "serve/api/ocr_schema.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

std::string Strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin));
}

PageResult PageOf(const OcrPlan& plan, const Generation& generation) {
  PageAnswer answer;
  answer.raw_text = generation.text;
  answer.stop_reason = generation.stop_reason;
  answer.stats = generation.stats;
  answer.mode = generation.image_mode;
  answer.boxes_in_padded_square = generation.boxes_in_padded_square;
  answer.width = std::max(generation.image_width, 1);
  answer.height = std::max(generation.image_height, 1);
  return MakePageResult(std::move(answer), plan.markdown);
}

// "OCR this image." puts the text itself where the label of a block is.
bool LabelIsText(const PageBlock& block) {
  return block.label.has_value() && block.text.empty() && block.label != kImageLabel;
}

std::string_view TextOf(const PageBlock& block) {
  return LabelIsText(block) ? *block.label : block.text;
}

void AddBoxes(const PageBlock& block, std::string_view label, std::string_view text,
              std::vector<OcrBox>& boxes) {
  for (size_t i = 0; i < block.boxes.size(); ++i) {
    boxes.push_back({std::string(label), std::string(text), block.pixel_boxes[i], block.boxes[i]});
  }
}

std::vector<OcrBox> BoxesOf(const PageResult& page) {
  std::vector<OcrBox> boxes;
  for (const PageBlock& block : page.blocks) {
    AddBoxes(block, block.label.value_or(""), block.text, boxes);
  }
  return boxes;
}

// The boxes that the model gave for the term itself.
std::vector<OcrBox> LocatedPlaces(const PageResult& page, std::string_view term) {
  const std::string wanted = FoldText(term);
  std::vector<OcrBox> places;
  for (const PageBlock& block : page.blocks) {
    if (block.label.has_value() && FoldText(*block.label) == wanted) {
      AddBoxes(block, term, block.text, places);
    }
  }
  return places;
}

// The boxes of the blocks that the term stands in.
std::vector<OcrBox> ReadPlaces(const PageResult& page, std::string_view term) {
  const std::string wanted = FoldText(term);
  std::vector<OcrBox> places;
  for (const PageBlock& block : page.blocks) {
    const std::string_view text = TextOf(block);
    if (!wanted.empty() && FoldText(text).find(wanted) != std::string::npos) {
      AddBoxes(block, term, text, places);
    }
  }
  return places;
}

Json ToJson(const PixelBox& box) { return Json::array({box.x1, box.y1, box.x2, box.y2}); }

Json ToJson(const std::vector<OcrBox>& boxes) {
  Json array = Json::array();
  for (const OcrBox& box : boxes) {
    array.push_back({{"label", box.label}, {"text", box.text}, {"box", ToJson(box.box)}});
  }
  return array;
}

void FillPlaces(const OcrPlan& plan, const Generation* search, OcrAnswer& answer) {
  answer.method = "model";
  answer.boxes = LocatedPlaces(answer.page, plan.find_term);
  if (answer.boxes.empty()) {
    answer.method = "text";
    if (search != nullptr) answer.page = PageOf(plan, *search);
    answer.boxes = ReadPlaces(answer.page, plan.find_term);
  }
  if (answer.boxes.empty()) answer.method = "none";
  for (const OcrBox& box : answer.boxes) {
    answer.text += (answer.text.empty() ? "" : "\n") + (box.text.empty() ? box.label : box.text);
  }
  answer.data = ToJson(answer.boxes);
}

void FillText(OcrAnswer& answer) {
  const std::vector<PageBlock>& blocks = answer.page.blocks;
  if (blocks.empty() || !std::all_of(blocks.begin(), blocks.end(), LabelIsText)) {
    answer.text = Strip(answer.page.markdown);
    return;
  }
  for (const PageBlock& block : blocks) {
    answer.text += (answer.text.empty() ? "" : "\n") + *block.label;
  }
}

void FillTables(bool as_csv, OcrAnswer& answer) {
  answer.boxes.clear();
  std::vector<HtmlTable> tables;
  for (const PageBlock& block : answer.page.blocks) {
    std::vector<HtmlTable> found = FindHtmlTables(block.text);
    if (!found.empty()) AddBoxes(block, block.label.value_or(""), block.text, answer.boxes);
    std::move(found.begin(), found.end(), std::back_inserter(tables));
  }
  // Rows of a CSV file are read one by one, so each gets what spans into it.
  const std::vector<TextGrid> grids =
      ToGrids(tables, as_csv ? SpanFill::kRepeat : SpanFill::kBlank);
  answer.data = Json::array();
  for (const TextGrid& grid : grids) {
    if (!answer.text.empty()) answer.text += as_csv ? "---\r\n" : "\n---\n\n";
    answer.text += as_csv ? GridToCsv(grid) : GridToMarkdown(grid);
    answer.data.push_back(grid);
  }
}

void FillKeyValues(const OcrPlan& plan, OcrAnswer& answer) {
  FilledSchema filled = FillSchema(plan.schema, FindKeyValues(answer.page.blocks));
  answer.method = "lines and tables of two columns";
  answer.missing = std::move(filled.missing);
  answer.data = std::move(filled.data);
  answer.text = DumpJson(answer.data);
}

void FillLayout(OcrAnswer& answer) {
  answer.data = Json::array();
  for (const OcrBox& box : answer.boxes) {
    answer.data.push_back({{"type", box.label}, {"box", ToJson(box.box)}, {"text", box.text}});
  }
  answer.text = DumpJson(answer.data);
}

// Where the text of the block is in the raw text, for blocks whose label is it.
size_t TextBegin(const PageBlock& block) {
  constexpr std::string_view kRefOpen = "<|ref|>";
  return LabelIsText(block) ? block.begin + kRefOpen.size() : block.text_begin;
}

void FillRedacted(const OcrPlan& plan, OcrAnswer& answer) {
  answer.boxes.clear();
  const std::string_view raw_text = answer.page.raw_text;
  std::string redacted;
  size_t at = 0;
  for (const PageBlock& block : answer.page.blocks) {
    const size_t begin = TextBegin(block);
    const size_t end = LabelIsText(block) ? begin + block.label->size() : block.end;
    const std::string_view text = raw_text.substr(begin, end - begin);
    const std::vector<SensitiveSpan> spans = FindSensitiveText(text);
    redacted += raw_text.substr(at, begin - at);
    redacted += RedactText(text, spans);
    at = end;
    for (const SensitiveSpan& span : spans) {
      AddBoxes(block, SensitiveKindName(span.kind), text.substr(span.begin, span.end - span.begin),
               answer.boxes);
    }
  }
  redacted += raw_text.substr(at);
  PageResult page;
  page.width = answer.page.width;
  page.height = answer.page.height;
  page.box_space = answer.page.box_space;
  page.raw_text = std::move(redacted);
  InterpretRawText(plan.markdown, page);
  answer.text = Strip(page.markdown);
  answer.data = ToJson(answer.boxes);
}

void FillOutput(const OcrPlan& plan, const Generation* search, OcrAnswer& answer) {
  switch (plan.mode->output) {
    case OcrOutput::kMarkdown:
      answer.text = Strip(answer.page.markdown);
      return;
    case OcrOutput::kText:
      return FillText(answer);
    case OcrOutput::kTablesCsv:
      return FillTables(true, answer);
    case OcrOutput::kTablesMarkdown:
      return FillTables(false, answer);
    case OcrOutput::kKeyValues:
      return FillKeyValues(plan, answer);
    case OcrOutput::kPlaces:
      return FillPlaces(plan, search, answer);
    case OcrOutput::kLayout:
      return FillLayout(answer);
    case OcrOutput::kRedacted:
      return FillRedacted(plan, answer);
  }
}

}  // namespace

bool NeedsSearch(const OcrPlan& plan, const Generation& read) {
  if (!plan.search.has_value()) return false;
  const PageResult page = PageOf(plan, read);
  return LocatedPlaces(page, plan.find_term).empty() && ReadPlaces(page, plan.find_term).empty();
}

OcrAnswer MakeOcrAnswer(const OcrPlan& plan, const Generation& read, const Generation* caption,
                        const Generation* search) {
  OcrAnswer answer;
  answer.mode = plan.mode;
  answer.grounding = plan.grounding;
  answer.ignored = plan.ignored;
  answer.page = PageOf(plan, read);
  answer.boxes = BoxesOf(answer.page);
  FillOutput(plan, search, answer);
  if (caption != nullptr) answer.caption = Strip(PageOf(plan, *caption).markdown);
  answer.num_generations = 0;
  for (const Generation* generation : {&read, caption, search}) {
    if (generation == nullptr) continue;
    ++answer.num_generations;
    answer.tokens.prompt += static_cast<int>(generation->stats.num_prompt_tokens);
    answer.tokens.image += static_cast<int>(generation->stats.num_image_tokens);
    answer.tokens.output += static_cast<int>(generation->stats.num_output_tokens);
    answer.num_cached_tokens += static_cast<int>(generation->stats.num_cached_tokens);
  }
  const Generation& source = search != nullptr ? *search : read;
  answer.model = source.model;
  answer.engine = source.engine;
  answer.request_id = plan.read.context.request_id;
  answer.timings = source.timings;
  answer.from_cache = source.from_result_cache;
  answer.page_picture = read.page_picture;
  return answer;
}

}  // namespace mao
