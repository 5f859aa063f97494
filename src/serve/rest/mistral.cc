#include "serve/rest/mistral.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "ocr/figures.h"
#include "ocr/html_table.h"
#include "serve/api/base64.h"
#include "serve/api/json.h"
#include "serve/api/ocr_image.h"
#include "vision/encode.h"

namespace mao {
namespace {

using nlohmann::json;
using Ordered = nlohmann::ordered_json;

// What clients of Mistral's own service call its model means ours.
constexpr std::string_view kMistralModel = "mistral-ocr";
// Mistral's images have none either; readers want a number, and this one makes a pixel a point.
constexpr int kDpi = 72;

Result<ImageSource> ReadDocument(const json& document) {
  JsonFields fields(document, "document.");
  MAO_RETURN_IF_ERROR(fields.status());
  if (document.contains("file_id")) {
    return UnimplementedError(
        "document.file_id: files are not kept here; send document_url or image_url");
  }
  for (const char* name : {"image_url", "document_url"}) {
    const json* const field = fields.Find(name);
    if (field == nullptr) continue;
    std::string url;
    if (field->is_object()) {
      JsonFields inner(*field, std::string("document.") + name + ".");
      MAO_RETURN_IF_ERROR(inner.Read("url", url).status());
    } else {
      MAO_RETURN_IF_ERROR(fields.Read(name, url).status());
    }
    return ImageFromUrl(url, std::string("document.") + name);
  }
  return InvalidArgumentError("document: expected an object with document_url or image_url");
}

// Numbers from 0, alone, in a list, or as ranges in a text.
Result<std::vector<PageRange>> ReadPages(const json& body) {
  const json* const pages = JsonFields(body).Find("pages");
  if (pages == nullptr) return std::vector<PageRange>();
  if (pages->is_string()) return ParsePageRanges(pages->get_ref<const std::string&>(), 0);
  std::vector<int> numbers;
  MAO_RETURN_IF_ERROR(JsonFields(body).Read("pages", numbers).status());
  return PageRangesOf(numbers, 0);
}

Status ReadTables(const json& body, MistralTables& tables) {
  std::string format;
  MAO_RETURN_IF_ERROR(JsonFields(body).Read("table_format", format).status());
  if (format == "markdown") tables = MistralTables::kMarkdown;
  if (format == "html") tables = MistralTables::kHtml;
  if (format.empty() || tables != MistralTables::kInline) return OkStatus();
  return InvalidArgumentError("table_format: expected 'markdown' or 'html'");
}

// Takes the tables out of the Markdown and leaves links to them, as Mistral does.
Ordered ExtractTables(MistralTables format, std::string& markdown) {
  Ordered list = Ordered::array();
  const bool is_html = format == MistralTables::kHtml;
  const std::vector<HtmlTable> tables = FindHtmlTables(markdown);
  const std::vector<TextGrid> grids = ToGrids(tables, SpanFill::kBlank);
  std::string rest;
  size_t at = 0;
  for (size_t i = 0; i < tables.size(); ++i) {
    const std::string id = fmt::format("tbl-{}.{}", i, is_html ? "html" : "md");
    const std::string html = markdown.substr(tables[i].begin, tables[i].end - tables[i].begin);
    list.push_back({{"id", id},
                    {"content", is_html ? html : GridToMarkdown(grids[i])},
                    {"format", is_html ? "html" : "markdown"}});
    rest += markdown.substr(at, tables[i].begin - at) + fmt::format("[{}]({})", id, id);
    at = tables[i].end;
  }
  markdown = rest + markdown.substr(at);
  return list;
}

Result<Ordered> Images(const std::vector<PageFigure>& figures, const Image* page_image) {
  std::vector<FigureImage> crops;
  if (page_image != nullptr) {
    MAO_ASSIGN_OR_RETURN(crops, CropFigures(*page_image, figures));
  }
  Ordered images = Ordered::array();
  for (size_t i = 0; i < figures.size(); ++i) {
    const PixelBox& box = figures[i].box;
    Ordered image = {{"id", figures[i].path},      {"top_left_x", box.x1},
                     {"top_left_y", box.y1},       {"bottom_right_x", box.x2},
                     {"bottom_right_y", box.y2},   {"image_base64", nullptr},
                     {"image_annotation", nullptr}};
    if (!crops.empty()) {
      MAO_ASSIGN_OR_RETURN(const std::string jpeg, EncodeJpeg(crops[i].image));
      image["image_base64"] = "data:image/jpeg;base64," + EncodeBase64(jpeg);
    }
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace

Result<MistralRequest> ParseMistralRequest(const json& body) {
  MistralRequest request;
  OcrRequest& ocr = request.ocr;
  JsonFields fields(body);
  fields.Read("model", ocr.model)
      .Read("inference_engine", ocr.engine)
      .Read("size", ocr.size)
      .Read("include_image_base64", request.include_images)
      .Read("image_limit", request.image_limit)
      .Read("image_min_size", request.image_min_size);
  if (request.image_limit.value_or(0) < 0) fields.Fail("image_limit", "0 or more");
  MAO_RETURN_IF_ERROR(fields.status());
  for (const char* name : {"bbox_annotation_format", "document_annotation_format"}) {
    if (fields.Find(name) == nullptr) continue;
    return UnimplementedError(fmt::format("{}: this server does not annotate", name));
  }
  const json* const document = fields.Find("document");
  if (document == nullptr) {
    return InvalidArgumentError("document: expected an object with document_url or image_url");
  }
  MAO_ASSIGN_OR_RETURN(ocr.image, ReadDocument(*document));
  MAO_ASSIGN_OR_RETURN(ocr.pages, ReadPages(body));
  ocr.first_page_number = 0;
  ocr.missing_pages = MissingPages::kSkip;
  MAO_RETURN_IF_ERROR(ReadTables(body, request.tables));
  if (ocr.model.starts_with(kMistralModel)) ocr.model.clear();
  ocr.task = "markdown";
  ocr.markdown.figure_names = FigureNames::kFlat;
  return request;
}

std::vector<PageFigure> WantedFigures(const MistralRequest& request, const PageResult& page) {
  std::vector<PageFigure> wanted;
  for (const PageFigure& figure : page.figures) {
    const bool is_large = figure.box.x2 - figure.box.x1 >= request.image_min_size &&
                          figure.box.y2 - figure.box.y1 >= request.image_min_size;
    const size_t limit =
        static_cast<size_t>(request.image_limit.value_or(static_cast<int>(kMaxGroundingBlocks)));
    if (is_large && wanted.size() < limit) wanted.push_back(figure);
  }
  return wanted;
}

Result<Ordered> MistralPage(const MistralRequest& request, const OcrPage& page, int dpi,
                            const Image* page_image) {
  Ordered json = {{"index", page.page},
                  {"markdown", ""},
                  {"images", Ordered::array()},
                  {"tables", Ordered::array()},
                  {"hyperlinks", Ordered::array()},
                  {"header", nullptr},
                  {"footer", nullptr},
                  {"dimensions", nullptr}};
  if (!page.answer.ok()) {
    json["error"] = OcrErrorJson(page.answer.status())["error"];
    return json;
  }
  const PageResult& result = page.answer->page;
  MAO_ASSIGN_OR_RETURN(json["images"], Images(WantedFigures(request, result), page_image));
  std::string markdown = page.answer->text;
  if (request.tables != MistralTables::kInline) {
    json["tables"] = ExtractTables(request.tables, markdown);
  }
  json["markdown"] = std::move(markdown);
  json["dimensions"] = {
      {"dpi", dpi == 0 ? kDpi : dpi}, {"height", result.height}, {"width", result.width}};
  return json;
}

Ordered MistralAnswer(const MistralRequest& request, const OcrDocument& document, Ordered pages) {
  const auto& bytes = request.ocr.image.bytes;
  Ordered size;
  if (bytes != nullptr) size = bytes->size();
  if (document.file != nullptr) size = document.file->size_bytes();
  std::string model;
  size_t num_read = 0;
  for (const OcrPage& page : document.pages) {
    if (!page.answer.ok()) continue;
    model = page.answer->model;
    ++num_read;
  }
  return Ordered{{"pages", std::move(pages)},
                 {"model", model},
                 {"document_annotation", nullptr},
                 {"usage_info", {{"pages_processed", num_read}, {"doc_size_bytes", size}}}};
}

}  // namespace mao
