#include "apps/document_output.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "ocr/to_json.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json, bool pretty) {
  return json.dump(pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

DocumentOutput::DocumentOutput(std::string file, int num_pages, std::vector<OutputFormat> formats)
    : file_(std::move(file)),
      num_pages_(num_pages),
      formats_(std::move(formats)),
      texts_(formats_.size()) {}

void DocumentOutput::Add(const PageResult& page) {
  for (size_t i = 0; i < formats_.size(); ++i) {
    if (formats_[i] == OutputFormat::kJson) {
      texts_[i] += PageResultToJson(page, false) + ",";
    } else {
      texts_[i] += RenderPage(page, formats_[i], file_, false);
      texts_[i] += kPageSplit;
    }
  }
}

void DocumentOutput::AddError(int page, const Status& status) {
  for (size_t i = 0; i < formats_.size(); ++i) {
    if (formats_[i] == OutputFormat::kJson) {
      texts_[i] += Dump(Json{{"page", page}, {"error", status.message()}}, false) + ",";
    } else {
      texts_[i] += kPageSplit;
    }
  }
}

std::string DocumentOutput::Render(OutputFormat format, bool pretty) const {
  const auto at = std::find(formats_.begin(), formats_.end(), format) - formats_.begin();
  const std::string& text = texts_[static_cast<size_t>(at)];
  if (format != OutputFormat::kJson) return text;
  const std::string pages = "[" + text.substr(0, text.empty() ? 0 : text.size() - 1) + "]";
  return Dump(Json{{"file", file_}, {"num_pages", num_pages_}, {"pages", Json::parse(pages)}},
              pretty);
}

Status DocumentOutput::WriteTexts(const PageFiles& files) const {
  MAO_RETURN_IF_ERROR(MakeFolder(files.folder));
  for (const OutputFormat format : formats_) {
    std::string text = Render(format, true);
    if (!text.ends_with('\n')) text += '\n';
    MAO_RETURN_IF_ERROR(WriteFile(TextPath(files, format), text));
  }
  return OkStatus();
}

}  // namespace mao
