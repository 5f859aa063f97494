#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/api/ocr_image.h"
#include "serve/api/ocr_request.h"

namespace mao {
namespace {

using nlohmann::json;
using Ordered = nlohmann::ordered_json;

constexpr size_t kMaxSchemaValues = 4096;
constexpr size_t kMaxSchemaBytes = size_t{256} << 10;
constexpr size_t kMaxIgnoredNames = 16;
constexpr const char* kSchema = "schema";

enum class FieldKind { kString, kBool, kNumber, kJson, kImage, kTransport };
struct FieldRow {
  std::string_view name;
  FieldKind kind;
};
constexpr FieldRow kFields[] = {
    {"model", FieldKind::kString},         {"inference_engine", FieldKind::kString},
    {"image", FieldKind::kImage},          {"image_url", FieldKind::kImage},
    {"mode", FieldKind::kString},          {"task", FieldKind::kString},
    {"size", FieldKind::kString},          {"resolution", FieldKind::kString},
    {"base_size", FieldKind::kNumber},     {"image_size", FieldKind::kNumber},
    {"crop_mode", FieldKind::kBool},       {"max_tiles", FieldKind::kNumber},
    {"grounding", FieldKind::kBool},       {"include_caption", FieldKind::kBool},
    {"prompt", FieldKind::kString},        {"find_term", FieldKind::kString},
    {kSchema, FieldKind::kJson},           {"max_tokens", FieldKind::kNumber},
    {"temperature", FieldKind::kNumber},   {"top_p", FieldKind::kNumber},
    {"seed", FieldKind::kNumber},          {"ngram_size", FieldKind::kNumber},
    {"window_size", FieldKind::kNumber},   {"priority", FieldKind::kNumber},
    {"timeout_ms", FieldKind::kNumber},    {"pages", FieldKind::kString},
    {"dpi", FieldKind::kNumber},           {"page_pictures", FieldKind::kBool},
    {"stream", FieldKind::kTransport},
    {"format", FieldKind::kTransport},
};

const FieldRow* FindField(std::string_view name) {
  const auto* const row = std::find_if(std::begin(kFields), std::end(kFields),
                                       [&](const FieldRow& r) { return r.name == name; });
  return row == std::end(kFields) ? nullptr : row;
}

// The value that a form's text stands for; the text itself where it stands for none, which is
// refused later.
json FromText(const std::string& text, FieldKind kind) {
  if (kind == FieldKind::kBool) {
    for (const char* yes : {"true", "1", "on", "yes"}) {
      if (text == yes) return true;
    }
    for (const char* no : {"false", "0", "off", "no"}) {
      if (text == no) return false;
    }
  }
  if (kind == FieldKind::kNumber) {
    const auto reads_as = [&](auto& number) {
      const char* const end = text.data() + text.size();
      const auto result = std::from_chars(text.data(), end, number);
      return result.ec == std::errc() && result.ptr == end;
    };
    if (int64_t integer = 0; reads_as(integer)) return integer;
    if (double number = 0; reads_as(number) && std::isfinite(number)) return number;
  }
  return text;
}

Status ReadImages(const json& fields, ImageSource& image) {
  for (const char* name : {"image", "image_url"}) {
    const auto field = fields.find(name);
    if (field == fields.end() || field->is_null()) continue;
    std::string text;
    if (field->is_object()) {
      JsonFields inner(*field, std::string(name) + ".");
      MAO_RETURN_IF_ERROR(inner.Read("url", text).status());
    } else {
      MAO_RETURN_IF_ERROR(JsonFields(fields).Read(name, text).status());
    }
    if (!image.empty()) return InvalidArgumentError("found two images; one is read in a request");
    const bool is_url = std::string_view(name) == "image_url";
    MAO_ASSIGN_OR_RETURN(image, is_url ? ImageFromUrl(text, name) : ImageFromText(text, name));
  }
  return OkStatus();
}

size_t CountValues(const json& value) {
  size_t count = 1;
  if (value.is_structured()) {
    for (const json& inner : value) count += CountValues(inner);
  }
  return count;
}

Status ReadSchema(const json& fields, Ordered& schema) {
  const auto field = fields.find(kSchema);
  if (field == fields.end()) return OkStatus();
  const auto* const text = field->get_ptr<const std::string*>();
  if (text != nullptr && text->size() > kMaxSchemaBytes) {
    return InvalidArgumentError(
        fmt::format("schema: has {} bytes; the limit is {}", text->size(), kMaxSchemaBytes));
  }
  Result<json> plain = text == nullptr ? *field : ParseJson(*text);
  if (!plain.ok()) return plain.status().WithContext(kSchema);
  if (!plain->is_object() && !plain->is_array() && !plain->is_null()) {
    return InvalidArgumentError("schema: expected an object, or an array of keys");
  }
  if (const size_t num_values = CountValues(*plain); num_values > kMaxSchemaValues) {
    return InvalidArgumentError(
        fmt::format("schema: has {} values; the limit is {}", num_values, kMaxSchemaValues));
  }
  if (text == nullptr) {
    schema = *std::move(plain);
    return OkStatus();
  }
  MAO_ASSIGN_OR_RETURN(schema, ParseOrderedJson(*text));
  return OkStatus();
}

// "1-3,7", a number, or a list of numbers.
Status ReadPages(const json& fields, std::vector<PageRange>& pages) {
  const auto field = fields.find("pages");
  if (field == fields.end() || field->is_null()) return OkStatus();
  if (field->is_array()) {
    std::vector<int> numbers;
    MAO_RETURN_IF_ERROR(JsonFields(fields).Read("pages", numbers).status());
    MAO_ASSIGN_OR_RETURN(pages, PageRangesOf(numbers));
    return OkStatus();
  }
  const std::string text = field->is_string() ? field->get<std::string>() : DumpJson(*field);
  MAO_ASSIGN_OR_RETURN(pages, ParsePageRanges(text));
  return OkStatus();
}

}  // namespace

std::vector<std::string> OcrFieldNames() {
  std::vector<std::string> names;
  for (const FieldRow& row : kFields) names.emplace_back(row.name);
  return names;
}

void KeepSchemaOrder(std::string_view text, json& fields) {
  const auto field = fields.find(kSchema);
  if (field == fields.end() || !field->is_structured()) return;
  const std::string_view path[] = {kSchema};
  if (Result<std::string> written = JsonTextAt(text, path); written.ok()) {
    *field = std::move(written).value();
  }
}

Result<OcrRequest> ParseOcrFields(json fields) {
  OcrRequest request;
  MAO_RETURN_IF_ERROR(JsonFields(fields).status());
  for (auto field = fields.begin(); field != fields.end();) {
    const FieldRow* row = FindField(field.key());
    if (row == nullptr && request.ignored.size() < kMaxIgnoredNames) {
      request.ignored.push_back(field.key());
    }
    if (field->is_string() && field->get_ref<const std::string&>().empty()) {
      field = fields.erase(field);
      continue;
    }
    if (row != nullptr && field->is_string()) {
      *field = FromText(field->get<std::string>(), row->kind);
    }
    ++field;
  }
  int timeout_ms = 0;
  int dpi = 0;
  JsonFields reader(fields);
  reader.Read("model", request.model)
      .Read("inference_engine", request.engine)
      .Read("mode", request.mode)
      .Read("task", request.task)
      .Read("size", request.size)
      .Read("resolution", request.size)
      .Read("base_size", request.legacy_size.base_size)
      .Read("image_size", request.legacy_size.image_size)
      .Read("crop_mode", request.legacy_size.crop_mode)
      .Read("max_tiles", request.max_tiles)
      .Read("grounding", request.grounding)
      .Read("include_caption", request.include_caption)
      .Read("prompt", request.prompt)
      .Read("find_term", request.find_term)
      .Read("max_tokens", request.max_tokens)
      .Read("temperature", request.temperature)
      .Read("top_p", request.top_p)
      .Read("seed", request.seed)
      .Read("ngram_size", request.ngram_size)
      .Read("window_size", request.window_size)
      .Read("priority", request.priority)
      .Read("page_pictures", request.wants_page_pictures)
      .Read("dpi", dpi)
      .Read("timeout_ms", timeout_ms);
  if (timeout_ms < 0) reader.Fail("timeout_ms", "0 or more milliseconds");
  MAO_RETURN_IF_ERROR(reader.status());
  request.timeout = std::chrono::milliseconds(timeout_ms);
  MAO_RETURN_IF_ERROR(ReadImages(fields, request.image));
  MAO_RETURN_IF_ERROR(ReadSchema(fields, request.schema));
  MAO_RETURN_IF_ERROR(ReadPages(fields, request.pages));
  request.image.dpi = dpi;
  return request;
}

}  // namespace mao
