// The JSON value of requests and responses: members keep the order in which they were written, as
// the GraphQL response format asks. Forward declared; files that look inside include
// <nlohmann/json.hpp>.
#ifndef MAOOCR_SERVE_GRAPHQL_JSON_H_
#define MAOOCR_SERVE_GRAPHQL_JSON_H_

#include <nlohmann/json_fwd.hpp>

namespace mao::graphql {

using Json = nlohmann::ordered_json;

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_JSON_H_
