// Scalars: the five of the specification (October 2021, 3.5) and the custom ones that a schema may
// declare with `scalar`.
#ifndef MAOOCR_SERVE_GRAPHQL_SCALARS_H_
#define MAOOCR_SERVE_GRAPHQL_SCALARS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/graphql/ast.h"
#include "serve/graphql/json.h"

namespace mao::graphql {

// How one scalar crosses the border. A refusal is InvalidArgument; its message reaches the client.
struct ScalarCodec {
  // A JSON value of the client, never null, as resolvers will see it.
  std::function<Result<Json>(const Json&)> parse;
  // A resolver's value, never null, as the client will see it.
  std::function<Result<Json>(const Json&)> serialize;
  // A literal of a document. Empty for custom scalars: their literals become JSON, then `parse`.
  std::function<Result<Json>(const Value&)> parse_literal;
};

using ScalarCodecs = std::map<std::string, ScalarCodec, std::less<>>;

// String, Int, Float, Boolean, ID.
const ScalarCodecs& BuiltinScalars();

// What a schema may declare without bringing a codec:
//   JSON    any value;
//   Long    whole numbers of 64 bits;
//   Base64  a string of the alphabet of RFC 4648, section 4, padded, without line breaks. It stays
//           a string; the resolver decodes it.
const ScalarCodecs& CommonScalars();

// A value as messages show it: strings quoted, abbreviated when it is long.
std::string InspectJson(const Json& value);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_SCALARS_H_
