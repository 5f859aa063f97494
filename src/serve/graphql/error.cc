#include "serve/graphql/error.h"

#include <nlohmann/json.hpp>

#include "serve/graphql/utf8.h"

namespace mao::graphql {

Location LocateEnd(std::string_view text, Location start) {
  Location location = start;
  size_t line_start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\n' && text[i] != '\r') continue;
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    ++location.line;
    location.column = 1;
    line_start = i + 1;
  }
  location.column += static_cast<uint32_t>(Utf16Length(text.substr(line_start)));
  return location;
}

Json ErrorToJson(const Error& error) {
  Json json = {{"message", error.message}};
  if (!error.locations.empty()) {
    Json& locations = json["locations"] = Json::array();
    for (const Location& location : error.locations) {
      locations.push_back({{"line", location.line}, {"column", location.column}});
    }
  }
  if (!error.path.empty()) {
    Json& path = json["path"] = Json::array();
    for (const PathSegment& segment : error.path) {
      std::visit([&path](const auto& value) { path.push_back(value); }, segment);
    }
  }
  if (!error.code.empty()) json["extensions"] = {{"code", error.code}};
  if (error.http_status != 0) json["extensions"]["http"] = {{"status", error.http_status}};
  return json;
}

Json ErrorResponse(const std::vector<Error>& errors) {
  Json list = Json::array();
  for (const Error& error : errors) list.push_back(ErrorToJson(error));
  return {{"errors", std::move(list)}};
}

std::string DumpJson(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mao::graphql
