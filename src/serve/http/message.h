// HTTP requests and responses as values.
#ifndef MAOOCR_SERVE_HTTP_MESSAGE_H_
#define MAOOCR_SERVE_HTTP_MESSAGE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/api/generation.h"

namespace mao {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The first value of the header, in any case of letters; empty if there is none.
std::string_view FindHeader(const HttpHeaders& headers, std::string_view name);

// "%41" to "A"; with `plus_is_space` also "+" to " ". nullopt: broken escape, or a NUL.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // as sent
  std::string path;    // decoded, without query
  std::string query;   // without "?", not decoded
  HttpHeaders headers;
  std::string body;
  std::string remote_address;

  // Filled on the way to the handler.
  std::map<std::string, std::string, std::less<>> path_parameters;  // "{id}" of the route
  CallContext context;

  std::string_view Header(std::string_view name) const { return FindHeader(headers, name); }
  // The first value of a query parameter, decoded.
  std::optional<std::string> QueryParameter(std::string_view name) const;
  // "application/json" of "Application/JSON; charset=utf-8".
  std::string MediaType() const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::string body;
  HttpHeaders headers;  // beyond Content-Type, Content-Length, Connection
};

std::string_view StatusText(int status);

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_MESSAGE_H_
