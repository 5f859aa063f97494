#include "weights/json_document.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/core.h>

#include "weights/message.h"

namespace mao {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kMaxExcerptBytes = 60;

// The first key that stands twice in one object, anywhere. Depth is bounded by the parser.
std::optional<std::string_view> FindDuplicateKey(dom::element value) {
  dom::array array;
  if (value.get(array) == simdjson::SUCCESS) {
    for (const dom::element item : array) {
      if (const auto key = FindDuplicateKey(item)) return key;
    }
    return std::nullopt;
  }
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string_view> keys;
  for (const dom::key_value_pair field : object) {
    if (const auto key = FindDuplicateKey(field.value)) return key;
    keys.push_back(field.key);
  }
  std::sort(keys.begin(), keys.end());
  const auto duplicate = std::adjacent_find(keys.begin(), keys.end());
  if (duplicate == keys.end()) return std::nullopt;
  return *duplicate;
}

Status ParseError(simdjson::error_code error, std::string_view name) {
  if (error == simdjson::DEPTH_ERROR) {
    return OutOfRangeError(fmt::format("{}: JSON nested deeper than the limit of {} levels", name,
                                       JsonDocument::kMaxDepth));
  }
  if (error == simdjson::MEMALLOC) {
    return ResourceExhaustedError(fmt::format("{}: no memory to parse the JSON", name));
  }
  return DataLossError(fmt::format("{}: not valid JSON: {}", name, simdjson::error_message(error)));
}

}  // namespace

Result<std::unique_ptr<JsonDocument>> JsonDocument::Parse(std::string_view text,
                                                          std::string_view name, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return OutOfRangeError(fmt::format("{}: {} bytes of JSON, more than the limit of {} bytes",
                                       name, text.size(), max_bytes));
  }
  std::unique_ptr<JsonDocument> document(new JsonDocument);
  constexpr size_t kMinCapacity = 64;  // below it the parser would reallocate
  auto error = document->parser_.allocate(std::max(text.size(), kMinCapacity), kMaxDepth);
  if (error != simdjson::SUCCESS) return ParseError(error, name);
  error = document->parser_.parse(text.data(), text.size()).get(document->root_);
  if (error != simdjson::SUCCESS) return ParseError(error, name);
  if (document->root_.get(document->object_) != simdjson::SUCCESS) {
    return DataLossError(fmt::format("{}: the JSON is not an object at the top", name));
  }
  if (const auto key = FindDuplicateKey(document->root_)) {
    return DataLossError(
        fmt::format("{}: the key {} stands twice in one object", name, Quoted(*key)));
  }
  return document;
}

std::string Excerpt(dom::element value) {
  std::string text = simdjson::minify(value);
  if (text.size() <= kMaxExcerptBytes) return text;
  size_t end = kMaxExcerptBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return text.substr(0, end) + "…";
}

}  // namespace mao
