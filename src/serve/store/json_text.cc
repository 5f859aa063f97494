#include "serve/store/json_text.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include <fmt/core.h>

namespace mao {

Status CheckJson(std::string_view text, std::string_view name) {
  // The parser takes NUL, which JSON does not know, for the end of the text.
  const bool has_nul = text.find('\0') != std::string_view::npos;
  if (!has_nul && nlohmann::json::accept(text)) return OkStatus();
  return InvalidArgumentError(fmt::format("{}: its {} bytes are not JSON", name, text.size()));
}

std::string OneLineJson(std::string json) {
  std::replace_if(
      json.begin(), json.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return json;
}

std::string_view CutUtf8(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xC0) == 0x80) --max_bytes;
  return text.substr(0, max_bytes);
}

}  // namespace mao
