#include "serve/rest/ocr_request_reader.h"

#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/api/ocr_image.h"
#include "serve/http/multipart.h"
#include "serve/http/respond.h"

namespace mao {
namespace {

using nlohmann::json;

constexpr std::string_view kFormType = "multipart/form-data";
constexpr std::string_view kJsonType = "application/json";

bool IsFileType(std::string_view media_type) {
  return media_type.starts_with("image/") || media_type == "application/octet-stream" ||
         media_type == "application/pdf";
}

json QueryFields(const HttpRequest& http) {
  json fields = json::object();
  if (http.query.empty()) return fields;
  for (const std::string& name : OcrFieldNames()) {
    if (name == "image") continue;  // a file in an address line
    if (const auto value = http.QueryParameter(name); value.has_value()) fields[name] = *value;
  }
  return fields;
}

Status ReadForm(const HttpRequest& http, json& fields, ImageSource& image) {
  MAO_ASSIGN_OR_RETURN(const std::string boundary, MultipartBoundary(http.Header("Content-Type")));
  MAO_ASSIGN_OR_RETURN(const std::vector<MultipartPart> parts, ParseMultipart(http.body, boundary));
  json sent = json::object();
  for (const MultipartPart& part : parts) {
    const bool may_be_file = part.name == "image" || part.name == "file";
    if (may_be_file && part.filename.has_value()) {
      if (!image.empty()) {
        return InvalidArgumentError("found two images; one is read in a request");
      }
      const std::string& name = part.filename->empty() ? part.name : *part.filename;
      MAO_ASSIGN_OR_RETURN(image, ImageFromBytes(std::string(part.body), name));
      continue;
    }
    if (sent.contains(part.name)) {
      return InvalidArgumentError(fmt::format("{}: comes twice in the form", part.name));
    }
    sent[part.name] = std::string(part.body);
  }
  fields.update(sent);
  return OkStatus();
}

// Fills the fields, or the image when it is not in a field.
Status ReadBody(const HttpRequest& http, json& fields, ImageSource& image) {
  const std::string media_type = http.MediaType();
  if (media_type == kFormType) return ReadForm(http, fields, image);
  if (IsFileType(media_type)) {
    MAO_ASSIGN_OR_RETURN(image, ImageFromBytes(http.body, "image"));
    return OkStatus();
  }
  MAO_ASSIGN_OR_RETURN(json body, ParseJson(http.body));
  MAO_RETURN_IF_ERROR(JsonFields(body).status());
  KeepSchemaOrder(http.body, body);
  fields.update(body);
  return OkStatus();
}

Result<OcrFormat> FormatOf(const json& fields) {
  std::string format;
  MAO_RETURN_IF_ERROR(JsonFields(fields).Read("format", format).status());
  if (format.empty() || format == "json") return OcrFormat::kJson;
  if (format == "markdown" || format == "md") return OcrFormat::kMarkdown;
  if (format == "text") return OcrFormat::kText;
  return InvalidArgumentError(
      fmt::format("format: there is no '{}'; there is json, markdown, text", format));
}

Result<std::optional<StreamKind>> StreamOf(const HttpRequest& http, const json& fields) {
  const std::string_view accept = http.Header("Accept");
  if (accept.find("text/event-stream") != std::string_view::npos) {
    return std::optional(StreamKind::kServerSentEvents);
  }
  const auto stream = fields.find("stream");
  const bool is_asked = stream != fields.end() &&
                        (*stream == true || *stream == "true" || *stream == "1" || *stream == "on");
  if (is_asked || accept.find("application/x-ndjson") != std::string_view::npos) {
    return std::optional(StreamKind::kJsonLines);
  }
  return std::optional<StreamKind>();
}

}  // namespace

bool IsOcrMediaType(std::string_view media_type) {
  return media_type == kFormType || media_type == kJsonType || IsFileType(media_type);
}

Result<OcrHttpRequest> ReadOcrRequest(const HttpRequest& http) {
  json fields = QueryFields(http);
  ImageSource image;
  MAO_RETURN_IF_ERROR(ReadBody(http, fields, image));
  OcrHttpRequest request;
  MAO_ASSIGN_OR_RETURN(request.format, FormatOf(fields));
  MAO_ASSIGN_OR_RETURN(request.stream, StreamOf(http, fields));
  if (request.stream.has_value() && request.format != OcrFormat::kJson) {
    return InvalidArgumentError("format: a stream is always json");
  }
  MAO_ASSIGN_OR_RETURN(request.ocr, ParseOcrFields(std::move(fields)));
  if (!image.empty()) {
    if (!request.ocr.image.empty()) {
      return InvalidArgumentError("found two images; one is read in a request");
    }
    image.dpi = request.ocr.image.dpi;
    request.ocr.image = std::move(image);
  }
  request.ocr.context = http.context;
  request.ocr.use_result_cache = !BypassesCache(http);
  return request;
}

}  // namespace mao
