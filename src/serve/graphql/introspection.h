// The resolvers of __schema and __type (GraphQL specification October 2021, section 4).
#ifndef MAOOCR_SERVE_GRAPHQL_INTROSPECTION_H_
#define MAOOCR_SERVE_GRAPHQL_INTROSPECTION_H_

#include <map>
#include <string>

#include "serve/graphql/executor.h"

namespace mao::graphql {

// "__Schema.types" and so on; "Query.__schema" and "Query.__type" stand for the query root whatever
// its name is. They look into `schema`, which outlives them.
std::map<std::string, Resolver> IntrospectionResolvers(const Schema& schema);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_INTROSPECTION_H_
