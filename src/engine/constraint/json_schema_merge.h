// JSON Schema: which keywords there are, and one schema that says what two say.
#ifndef MAOOCR_ENGINE_CONSTRAINT_JSON_SCHEMA_MERGE_H_
#define MAOOCR_ENGINE_CONSTRAINT_JSON_SCHEMA_MERGE_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/constraint/json_value.h"

namespace mao {

// Keywords that say something about a schema, not about the values: ignored.
bool IsAnnotation(std::string_view keyword);

// InvalidArgument "<pointer>/<keyword>: ..." for a keyword that is not supported or whose value has
// the wrong form. `schema` is an object.
Status CheckKeywords(const JsonValue& schema, const std::string& pointer);
Status SchemaError(const std::string& pointer, std::string_view keyword, std::string_view what);

// Without annotations; `nullable` becomes a type.
JsonValue WithoutAnnotations(const JsonValue& schema);

// The schema of what both allow (objects that CheckKeywords has passed). InvalidArgument names a
// keyword that the two give differently and that cannot be joined.
Result<JsonValue> MergeSchemas(const JsonValue& a, const JsonValue& b, const std::string& pointer);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_JSON_SCHEMA_MERGE_H_
