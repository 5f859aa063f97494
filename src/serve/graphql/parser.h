// A recursive-descent parser for GraphQL documents, executable and type system definitions alike
// (specification October 2021, sections 2 and 3; descriptions are allowed on executable definitions
// too, as later editions do).
#ifndef MAOOCR_SERVE_GRAPHQL_PARSER_H_
#define MAOOCR_SERVE_GRAPHQL_PARSER_H_

#include <memory>
#include <string>

#include "serve/graphql/ast.h"
#include "serve/graphql/error.h"
#include "serve/graphql/limits.h"

namespace mao::graphql {

// Null if `source` is no document or breaks a limit; then `error` says why and where. Messages are
// those of graphql-js.
std::shared_ptr<const Document> ParseDocument(std::string source, const Limits& limits,
                                              Error& error);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_PARSER_H_
