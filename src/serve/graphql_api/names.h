// Between the names of REST (snake_case, lower case) and those of GraphQL.
#ifndef MAOOCR_SERVE_GRAPHQL_API_NAMES_H_
#define MAOOCR_SERVE_GRAPHQL_API_NAMES_H_

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace mao {

// "topP" to "top_p".
std::string SnakeCase(std::string_view name);
// "top_p" to "topP".
std::string CamelCase(std::string_view name);
// "find_ref" to "FIND_REF", and back.
std::string EnumValue(std::string_view name);
std::string FromEnumValue(std::string_view value);
// The value of FinishReason, or null.
nlohmann::ordered_json FinishReasonValue(std::string_view name);

// The same with all names of its objects, also inside one another, in camel case; what stands under
// the name `data` is a client's and stays as it is.
nlohmann::ordered_json CamelCaseNames(const nlohmann::ordered_json& json);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_NAMES_H_
