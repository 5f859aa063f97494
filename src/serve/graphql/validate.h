// Whether a document may be executed (GraphQL specification October 2021, section 5).
//
// The rules are those of graphql-js without interfaces: ExecutableDefinitions, UniqueOperationNames,
// LoneAnonymousOperation, SingleFieldSubscriptions, KnownTypeNames, FragmentsOnCompositeTypes,
// VariablesAreInputTypes, ScalarLeafs, FieldsOnCorrectType, UniqueFragmentNames, KnownFragmentNames,
// NoUnusedFragments, PossibleFragmentSpreads, NoFragmentCycles, UniqueVariableNames,
// NoUndefinedVariables, NoUnusedVariables, KnownDirectives, UniqueDirectivesPerLocation,
// KnownArgumentNames, UniqueArgumentNames, ValuesOfCorrectType, ProvidedRequiredArguments,
// VariablesInAllowedPosition, OverlappingFieldsCanBeMerged, UniqueInputFieldNames and
// MaxIntrospectionDepth; messages are graphql-js's too. To these come the limits of an operation's
// size once its fragments are expanded.
#ifndef MAOOCR_SERVE_GRAPHQL_VALIDATE_H_
#define MAOOCR_SERVE_GRAPHQL_VALIDATE_H_

#include <vector>

#include "serve/graphql/ast.h"
#include "serve/graphql/error.h"
#include "serve/graphql/limits.h"
#include "serve/graphql/schema.h"

namespace mao::graphql {

// Empty if the document is valid. At most 101 errors: the last then says that there are more.
std::vector<Error> Validate(const Schema& schema, const Document& document, const Limits& limits);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_VALIDATE_H_
