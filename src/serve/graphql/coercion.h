// Input values: what a literal or a client's JSON means for a type (specification October 2021, 3.x
// "Input Coercion" and 6.1.2, 6.4.1).
#ifndef MAOOCR_SERVE_GRAPHQL_COERCION_H_
#define MAOOCR_SERVE_GRAPHQL_COERCION_H_

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/graphql/ast.h"
#include "serve/graphql/error.h"
#include "serve/graphql/json.h"
#include "serve/graphql/schema.h"

namespace mao::graphql {

// A literal of an enum or scalar type; variables inside stand for `variables`' members (an object,
// or null if there can be none). Not for null.
Result<Json> ParseLeafLiteral(const NamedType& type, const Value& value, const Json* variables);

// A literal as a resolver will see it. Nothing if it does not fit, which validation finds for all
// but the values of variables.
std::optional<Json> CoerceLiteral(const Value& value, const TypeRef& type, const Json* variables);

// The values of an operation's variables from the client's JSON object, defaults filled in.
// Messages are those of graphql-js; there are at most 50.
Json CoerceVariables(const Schema& schema, const Document& document,
                     const OperationDefinition& operation, const Json& input,
                     std::vector<Error>& errors);

// The arguments of a field or directive. InvalidArgument names the argument; `offset` then says
// where in the document.
Result<Json> CoerceArguments(const std::vector<InputValue>& definitions,
                             const std::vector<NamedValue>& arguments, uint32_t node_offset,
                             const Json& variables, uint32_t& offset);

// An input value of the schema, already coerced, as SDL writes it.
std::string PrintInput(const Json& value, const TypeRef& type);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_COERCION_H_
