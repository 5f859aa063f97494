// Which fields an object is asked for: CollectFields of the specification (October 2021, 6.3.2).
#include <fmt/core.h>

#include "serve/graphql/coercion.h"
#include "serve/graphql/execution.h"

namespace mao::graphql {

std::unique_ptr<FieldPlan> Execution::MakePlan(const NamedType& type,
                                               const std::vector<const Selection*>& nodes) {
  auto plan = std::make_unique<FieldPlan>();
  std::unordered_map<std::string_view, size_t> index;
  std::unordered_set<const FragmentDefinition*> visited;
  if (nodes.empty()) Collect(operation_.selection_set, type, *plan, index, visited);
  for (const Selection* node : nodes) Collect(node->selection_set, type, *plan, index, visited);
  return plan;
}

void Execution::Collect(const SelectionSet& set, const NamedType& type, FieldPlan& plan,
                        std::unordered_map<std::string_view, size_t>& index,
                        std::unordered_set<const FragmentDefinition*>& visited) {
  for (const Selection& selection : set.selections) {
    if (!IsIncluded(selection, plan.error)) continue;
    switch (selection.kind) {
      case Selection::Kind::kField:
        AddField(selection, type, plan, index);
        break;
      case Selection::Kind::kInlineFragment:
        if (FragmentApplies(selection.name.text, type)) {
          Collect(selection.selection_set, type, plan, index, visited);
        }
        break;
      case Selection::Kind::kFragmentSpread: {
        const FragmentDefinition* const fragment = FindFragment(selection.name.text);
        if (fragment != nullptr && visited.insert(fragment).second &&
            FragmentApplies(fragment->type_condition.text, type)) {
          Collect(fragment->selection_set, type, plan, index, visited);
        }
        break;
      }
    }
  }
}

void Execution::AddField(const Selection& node, const NamedType& type, FieldPlan& plan,
                         std::unordered_map<std::string_view, size_t>& index) {
  const auto [entry, inserted] = index.emplace(node.response_key(), plan.fields.size());
  if (!inserted) {
    plan.fields[entry->second].nodes.push_back(&node);
    return;
  }
  PlannedField& field = plan.fields.emplace_back();
  field.key = node.response_key();
  field.definition = executor_.schema_->FindField(type, node.name.text);
  field.nodes.push_back(&node);
  const auto resolver = executor_.resolver_of_.find(field.definition);
  if (resolver != executor_.resolver_of_.end()) field.resolver = resolver->second;
  const auto slow = executor_.slow_resolver_of_.find(field.definition);
  if (slow != executor_.slow_resolver_of_.end()) field.slow_resolver = slow->second;
  uint32_t offset = 0;
  auto arguments =
      CoerceArguments(field.definition->arguments, node.arguments, node.offset, variables_, offset);
  if (arguments.ok()) {
    field.arguments = *std::move(arguments);
  } else {
    field.arguments_error = Error{arguments.status().message(),
                                  {document_.LocationOf(offset)},
                                  {},
                                  std::string(kBadUserInput)};
  }
}

bool Execution::IsIncluded(const Selection& selection, std::optional<Error>& error) const {
  for (const Directive& node : selection.directives) {
    const bool is_skip = node.name.text == "skip";
    if (!is_skip && node.name.text != "include") continue;
    const DirectiveType& directive = *executor_.schema_->FindDirective(node.name.text);
    uint32_t offset = 0;
    const auto arguments =
        CoerceArguments(directive.arguments, node.arguments, node.offset, variables_, offset);
    if (!arguments.ok()) {
      error = Error{arguments.status().message(),
                    {document_.LocationOf(offset)},
                    {},
                    std::string(kBadUserInput)};
      return false;
    }
    if ((*arguments)["if"].get<bool>() == is_skip) return false;
  }
  return true;
}

bool Execution::FragmentApplies(std::string_view condition, const NamedType& type) const {
  if (condition.empty()) return true;
  const NamedType* const wanted = executor_.schema_->FindType(condition);
  return wanted != nullptr && wanted->CanBe(&type);
}

const FragmentDefinition* Execution::FindFragment(std::string_view name) const {
  const auto found = fragments_.find(name);
  return found == fragments_.end() ? nullptr : found->second;
}

}  // namespace mao::graphql
