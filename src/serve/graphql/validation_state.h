// What the rules of validation share: the document, the errors found, and the facts that one walk
// over the document gathers for the rules that look at definitions as a whole.
#ifndef MAOOCR_SERVE_GRAPHQL_VALIDATION_STATE_H_
#define MAOOCR_SERVE_GRAPHQL_VALIDATION_STATE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "serve/graphql/ast.h"
#include "serve/graphql/error.h"
#include "serve/graphql/limits.h"
#include "serve/graphql/schema.h"

namespace mao::graphql {

struct VariableUsage {
  const Value* node = nullptr;
  TypeRef type;  // what its place expects; without a type if that is unknown
  bool has_location_default = false;
};

// One operation or fragment.
struct DefinitionFacts {
  std::vector<const Selection*> spreads;
  std::vector<VariableUsage> usages;
};

class ValidationState {
 public:
  ValidationState(const Schema& schema, const Document& document, const Limits& limits);

  // Keeps the first 100 errors; the 101st says that there are more.
  void Report(std::string message, const std::vector<uint32_t>& offsets);
  bool is_full() const { return errors_.size() > kMaxErrors; }
  std::vector<Error> TakeErrors() { return std::move(errors_); }
  bool has_errors() const { return !errors_.empty(); }

  // Null if there is none of that name.
  const FragmentDefinition* FindFragment(std::string_view name) const;
  DefinitionFacts& FactsOf(const void* definition) { return facts_[definition]; }

  const Schema& schema;
  const Document& document;
  const Limits& limits;

 private:
  static constexpr size_t kMaxErrors = 100;

  std::vector<Error> errors_;
  std::unordered_map<std::string_view, const FragmentDefinition*> fragments_;
  std::unordered_map<const void*, DefinitionFacts> facts_;
};

// Fields, arguments, values, directives and types of the whole document (validate_selections.cc);
// fills the facts.
void ValidateDefinitions(ValidationState& state);

// A literal where `type` is expected (validate_values.cc). `facts` gets the variables in it.
// Without a type nothing is known of its place.
void ValidateValue(ValidationState& state, const Value& value, const TypeRef& type,
                   bool has_location_default, DefinitionFacts& facts);

// Unused, unknown and cyclic fragments, and what operations become when they are expanded
// (validate_fragments.cc). False if the document cannot be expanded within the limits.
[[nodiscard]] bool ValidateFragments(ValidationState& state);

// Definitions and uses of variables (validate_variables.cc).
void ValidateVariables(ValidationState& state);

// Specification 5.3.2 (overlapping_fields.cc). Only if ValidateFragments() returned true.
void ValidateOverlappingFields(ValidationState& state);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_VALIDATION_STATE_H_
