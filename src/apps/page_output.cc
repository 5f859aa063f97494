#include "apps/page_output.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "ocr/document_text.h"
#include "ocr/figures.h"
#include "ocr/overlay.h"
#include "ocr/to_json.h"
#include "vision/encode.h"

namespace mao {
namespace {

namespace fs = std::filesystem;

struct FormatRow {
  OutputFormat format;
  std::string_view name;
  std::string_view suffix;
};
constexpr FormatRow kFormats[] = {
    {OutputFormat::kMarkdown, "md", ".md"},
    {OutputFormat::kText, "text", ".txt"},
    {OutputFormat::kJson, "json", ".json"},
    {OutputFormat::kRaw, "raw", ".raw.txt"},
};

std::string_view SuffixOf(OutputFormat format) {
  return std::find_if(std::begin(kFormats), std::end(kFormats),
                      [&](const FormatRow& row) { return row.format == format; })
      ->suffix;
}

std::string Strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin));
}

std::string ToJson(const PageResult& page, std::string_view file, bool pretty) {
  using Json = nlohmann::ordered_json;
  Json json;
  json["file"] = file;
  json.update(Json::parse(PageResultToJson(page, false)));
  return json.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

Status WriteFigures(const fs::path& folder, const Image& image, const PageResult& page) {
  MAO_ASSIGN_OR_RETURN(const std::vector<FigureImage> figures, CropFigures(image, page.figures));
  for (const FigureImage& figure : figures) {
    const fs::path path = folder / figure.path;
    MAO_RETURN_IF_ERROR(MakeFolder(path.parent_path().string()));
    const Result<std::string> jpeg = EncodeJpeg(figure.image);
    if (!jpeg.ok()) return jpeg.status().WithContext(path.string());
    MAO_RETURN_IF_ERROR(WriteFile(path.string(), *jpeg));
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<OutputFormat>> ParseFormats(std::string_view names) {
  std::vector<OutputFormat> formats;
  for (bool more = true; more;) {
    const size_t comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    const auto* const row =
        std::find_if(std::begin(kFormats), std::end(kFormats),
                     [&](const FormatRow& candidate) { return candidate.name == name; });
    if (row == std::end(kFormats)) {
      return InvalidArgumentError(
          fmt::format("unknown format '{}'; known: md, text, json, raw", name));
    }
    formats.push_back(row->format);
    more = comma != std::string_view::npos;
    if (more) names.remove_prefix(comma + 1);
  }
  return formats;
}

std::string RenderPage(const PageResult& page, OutputFormat format, std::string_view file,
                       bool pretty) {
  switch (format) {
    case OutputFormat::kMarkdown:
      return Strip(page.markdown);
    case OutputFormat::kText:
      return PlainText(page.blocks);
    case OutputFormat::kJson:
      return ToJson(page, file, pretty);
    case OutputFormat::kRaw:
      break;
  }
  return page.raw_text;
}

Status MakeFolder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return OkStatus();
  return InvalidArgumentError(folder + ": cannot make the folder: " + error.message());
}

std::string TextPath(const PageFiles& files, OutputFormat format) {
  return (fs::path(files.folder) / (files.name + std::string(SuffixOf(format)))).string();
}

Status WritePagePictures(const PageFiles& files, const std::string& overlay_name,
                         const Image& image, const PageResult& page) {
  MAO_RETURN_IF_ERROR(MakeFolder(files.folder));
  MAO_RETURN_IF_ERROR(WriteFigures(files.folder, image, page));
  if (!files.overlay) return OkStatus();
  return WriteOverlay((fs::path(files.folder) / overlay_name).string(), image, page);
}

Status WritePageFiles(const PageFiles& files, std::string_view file, const Image& image,
                      const PageResult& page) {
  MAO_RETURN_IF_ERROR(MakeFolder(files.folder));
  for (const OutputFormat format : files.formats) {
    std::string text = RenderPage(page, format, file, true);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    MAO_RETURN_IF_ERROR(WriteFile(TextPath(files, format), text));
  }
  return WritePagePictures(files, files.name + "_overlay.png", image, page);
}

Status WriteOverlay(const std::string& path, const Image& image, const PageResult& page) {
  const Result<Image> overlay = DrawOverlay(image, page.blocks);
  if (!overlay.ok()) return overlay.status().WithContext(path);
  const Result<std::string> png = EncodePng(*overlay);
  if (!png.ok()) return png.status().WithContext(path);
  return WriteFile(path, *png);
}

}  // namespace mao
