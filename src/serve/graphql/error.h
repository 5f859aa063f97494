// Errors as a GraphQL response carries them (specification October 2021, 7.1.2).
#ifndef MAOOCR_SERVE_GRAPHQL_ERROR_H_
#define MAOOCR_SERVE_GRAPHQL_ERROR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "serve/graphql/json.h"

namespace mao::graphql {

// Where something stands in a document; both count from 1, columns in UTF-16 code units as the
// tools of JavaScript clients do.
struct Location {
  uint32_t line = 1;
  uint32_t column = 1;
  bool operator==(const Location&) const = default;
};

// The place of the end of `text`, which starts at `start`. Lines end at \n, \r or \r\n.
Location LocateEnd(std::string_view text, Location start = {});

// A response key or the index of a list item.
using PathSegment = std::variant<std::string, size_t>;

// What `extensions.code` says of errors that are not a resolver's.
inline constexpr std::string_view kParseFailed = "GRAPHQL_PARSE_FAILED";
inline constexpr std::string_view kValidationFailed = "GRAPHQL_VALIDATION_FAILED";
inline constexpr std::string_view kBadUserInput = "BAD_USER_INPUT";
inline constexpr std::string_view kBadRequest = "BAD_REQUEST";

struct Error {
  std::string message;
  std::vector<Location> locations;
  std::vector<PathSegment> path;
  std::string code;
  int http_status = 0;  // in extensions.http, as Apollo's servers have it; 0: none
};

Json ErrorToJson(const Error& error);

// {"errors": [...]}: the response of a request that was not executed.
Json ErrorResponse(const std::vector<Error>& errors);

// The text of a response. Ill-formed UTF-8 in a string becomes U+FFFD, so this cannot fail.
std::string DumpJson(const Json& json);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_ERROR_H_
