// Variables: what operations define against what they and their fragments use.
#include <unordered_set>

#include <fmt/core.h>

#include "serve/graphql/validation_state.h"

namespace mao::graphql {
namespace {

class VariableCheck {
 public:
  VariableCheck(ValidationState& state, const OperationDefinition& operation)
      : state_(state), operation_(operation) {}

  void Run() {
    ReadDefinitions();
    VisitUsages(&operation_);
    ReportUnused();
  }

 private:
  void ReadDefinitions() {
    std::unordered_map<std::string_view, std::vector<uint32_t>> places;
    for (const VariableDefinition& variable : operation_.variables) {
      definitions_[variable.name.text] = &variable;
      // A variable's name stands behind its $.
      places[variable.name.text].push_back(variable.name.offset);
    }
    for (const VariableDefinition& variable : operation_.variables) {
      const auto& offsets = places[variable.name.text];
      if (offsets.size() < 2 || offsets[0] != variable.name.offset) continue;
      state_.Report(
          fmt::format("There can be only one variable named \"${}\".", variable.name.text),
          offsets);
    }
  }

  // Of the operation and of all fragments that it reaches, each once.
  void VisitUsages(const void* definition) {
    std::unordered_set<const void*> visited = {definition};
    std::vector<const void*> pending = {definition};
    while (!pending.empty() && !state_.is_full()) {
      const DefinitionFacts& facts = state_.FactsOf(pending.back());
      pending.pop_back();
      for (const VariableUsage& usage : facts.usages) VisitUsage(usage);
      for (const Selection* spread : facts.spreads) {
        const FragmentDefinition* const fragment = state_.FindFragment(spread->name.text);
        if (fragment != nullptr && visited.insert(fragment).second) pending.push_back(fragment);
      }
    }
  }

  void VisitUsage(const VariableUsage& usage) {
    const std::string_view name = usage.node->text;
    const auto found = definitions_.find(name);
    if (found == definitions_.end()) {
      state_.Report(fmt::format("Variable \"${}\" is not defined{}.", name, ByOperation("by")),
                    {usage.node->offset, operation_.offset});
      return;
    }
    used_.insert(name);
    CheckPosition(usage, *found->second);
  }

  // Specification 5.8.5, IsVariableUsageAllowed.
  void CheckPosition(const VariableUsage& usage, const VariableDefinition& variable) {
    const NamedType* const type = state_.schema.FindType(variable.type.name.text);
    if (usage.type.type == nullptr || type == nullptr) return;
    TypeShape expected = usage.type.shape;
    const TypeShape shape = variable.type.shape;
    if (expected.IsNonNull() && !shape.IsNonNull()) {
      const bool has_default =
          variable.default_value && variable.default_value->kind != Value::Kind::kNull;
      if (has_default || usage.has_location_default) expected = expected.Nullable();
    }
    if (type == usage.type.type && shape.FitsInto(expected)) return;
    state_.Report(fmt::format("Variable \"${}\" of type \"{}\" used in position expecting type "
                              "\"{}\".",
                              variable.name.text, TypeText(type->name, shape), usage.type.Text()),
                  {variable.offset, usage.node->offset});
  }

  void ReportUnused() {
    for (const VariableDefinition& variable : operation_.variables) {
      if (used_.contains(variable.name.text)) continue;
      state_.Report(
          fmt::format("Variable \"${}\" is never used{}.", variable.name.text, ByOperation("in")),
          {variable.offset});
    }
  }

  std::string ByOperation(std::string_view preposition) const {
    if (operation_.name.text.empty()) return "";
    return fmt::format(" {} operation \"{}\"", preposition, operation_.name.text);
  }

  ValidationState& state_;
  const OperationDefinition& operation_;
  std::unordered_map<std::string_view, const VariableDefinition*> definitions_;
  std::unordered_set<std::string_view> used_;
};

}  // namespace

void ValidateVariables(ValidationState& state) {
  for (const OperationDefinition& operation : state.document.operations) {
    VariableCheck(state, operation).Run();
  }
}

}  // namespace mao::graphql
