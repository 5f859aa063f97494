// The headers Accept and Content-Type (RFC 9110, 8.3 and 12.5.1), as far as GraphQL needs them.
#ifndef MAOOCR_SERVE_GRAPHQL_MEDIA_TYPE_H_
#define MAOOCR_SERVE_GRAPHQL_MEDIA_TYPE_H_

#include <optional>
#include <string_view>

#include "serve/graphql/http.h"

namespace mao::graphql {

std::string_view MediaTypeName(MediaType media);

// The media type of ours that the client likes best; nothing if it accepts neither.
std::optional<MediaType> NegotiateMediaType(std::string_view accept);

// application/json, in UTF-8 if it names a charset.
bool IsJsonContent(std::string_view content_type);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_MEDIA_TYPE_H_
