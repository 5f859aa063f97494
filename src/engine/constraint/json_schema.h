// JSON Schema (draft 2020-12) into a grammar. docs/structured_output.md lists what is supported.
#ifndef MAOOCR_ENGINE_CONSTRAINT_JSON_SCHEMA_H_
#define MAOOCR_ENGINE_CONSTRAINT_JSON_SCHEMA_H_

#include <string_view>

#include "base/status.h"
#include "engine/constraint/grammar.h"

namespace mao {

// Every text of the grammar is a JSON value that the schema allows (of oneOf: one that at least one
// alternative allows). Not every such value is a text of the grammar: members come in the order of
// `properties`, and those the schema does not name only if it says additionalProperties.
// Errors: InvalidArgument naming the keyword and its JSON pointer for what is wrong, contradictory
// or not supported; OutOfRange for a limit.
Result<Grammar> CompileJsonSchema(std::string_view schema);

// Any JSON object.
Result<Grammar> CompileAnyJsonObject();

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_JSON_SCHEMA_H_
