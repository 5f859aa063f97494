#include "serve/graphql/validate.h"

#include <fmt/core.h>

#include "serve/graphql/validation_state.h"

namespace mao::graphql {
namespace {

void ValidateExecutable(ValidationState& state) {
  for (const TypeDefinition& definition : state.document.type_definitions) {
    const std::string name = definition.kind == TypeDefinition::Kind::kSchema
                                 ? "schema"
                                 : fmt::format("\"{}\"", definition.name.text);
    state.Report(fmt::format("The {} definition is not executable.", name), {definition.offset});
  }
}

template <typename List>
void ValidateUniqueNames(ValidationState& state, const List& definitions, std::string_view what) {
  std::unordered_map<std::string_view, uint32_t> first;
  for (const auto& definition : definitions) {
    const Name& name = definition.name;
    if (name.text.empty()) continue;
    const auto [entry, inserted] = first.emplace(name.text, name.offset);
    if (inserted) continue;
    state.Report(fmt::format("There can be only one {} named \"{}\".", what, name.text),
                 {entry->second, name.offset});
  }
}

void ValidateLoneAnonymous(ValidationState& state) {
  const auto& operations = state.document.operations;
  if (operations.size() < 2) return;
  for (const OperationDefinition& operation : operations) {
    if (!operation.name.text.empty()) continue;
    state.Report("This anonymous operation must be the only defined operation.",
                 {operation.offset});
  }
}

}  // namespace

ValidationState::ValidationState(const Schema& the_schema, const Document& the_document,
                                 const Limits& the_limits)
    : schema(the_schema), document(the_document), limits(the_limits) {
  for (const FragmentDefinition& fragment : document.fragments) {
    fragments_[fragment.name.text] = &fragment;
  }
}

const FragmentDefinition* ValidationState::FindFragment(std::string_view name) const {
  const auto found = fragments_.find(name);
  return found == fragments_.end() ? nullptr : found->second;
}

void ValidationState::Report(std::string message, const std::vector<uint32_t>& offsets) {
  if (is_full()) return;
  Error& error = errors_.emplace_back();
  error.code = kValidationFailed;
  if (is_full()) {
    error.message = "Too many validation errors, error limit reached. Validation aborted.";
    return;
  }
  error.message = std::move(message);
  for (const uint32_t offset : offsets) error.locations.push_back(document.LocationOf(offset));
}

std::vector<Error> Validate(const Schema& schema, const Document& document, const Limits& limits) {
  ValidationState state(schema, document, limits);
  ValidateExecutable(state);
  ValidateUniqueNames(state, document.operations, "operation");
  ValidateUniqueNames(state, document.fragments, "fragment");
  ValidateLoneAnonymous(state);
  ValidateDefinitions(state);
  if (ValidateFragments(state)) ValidateOverlappingFields(state);
  ValidateVariables(state);
  return state.TakeErrors();
}

}  // namespace mao::graphql
