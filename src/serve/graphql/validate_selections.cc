// The walk over operations and fragments: fields, arguments, directives, types.
#include <algorithm>

#include <fmt/core.h>

#include "serve/graphql/suggestion.h"
#include "serve/graphql/validation_state.h"

namespace mao::graphql {
namespace {

std::string_view OperationLocation(OperationType type) {
  switch (type) {
    case OperationType::kQuery:
      return "QUERY";
    case OperationType::kMutation:
      return "MUTATION";
    case OperationType::kSubscription:
      return "SUBSCRIPTION";
  }
  return "";
}

bool TypesOverlap(const NamedType& a, const NamedType& b) {
  if (a.kind == NamedType::Kind::kObject) return b.CanBe(&a);
  return a.CanBe(&b) || std::any_of(a.members.begin(), a.members.end(),
                                    [&](const NamedType* member) { return b.CanBe(member); });
}

class DefinitionWalk {
 public:
  DefinitionWalk(ValidationState& state, DefinitionFacts& facts) : state_(state), facts_(facts) {}

  void VisitOperation(const OperationDefinition& operation) {
    for (const VariableDefinition& variable : operation.variables) VisitVariable(variable);
    VisitDirectives(operation.directives, OperationLocation(operation.type));
    VisitSelections(operation.selection_set, state_.schema.RootType(operation.type));
  }

  void VisitFragment(const FragmentDefinition& fragment) {
    const NamedType* const type = FindType(fragment.type_condition);
    if (type != nullptr && !type->IsComposite()) {
      state_.Report(fmt::format("Fragment \"{}\" cannot condition on non composite type \"{}\".",
                                fragment.name.text, type->name),
                    {fragment.type_condition.offset});
    }
    VisitDirectives(fragment.directives, "FRAGMENT_DEFINITION");
    VisitSelections(fragment.selection_set, CompositeOrNull(type));
  }

 private:
  static const NamedType* CompositeOrNull(const NamedType* type) {
    return type != nullptr && type->IsComposite() ? type : nullptr;
  }

  // Null, and an error, if there is no such type.
  const NamedType* FindType(const Name& name) {
    const NamedType* const type = state_.schema.FindType(name.text);
    if (type == nullptr) {
      state_.Report(fmt::format("Unknown type \"{}\".{}", name.text,
                                SuggestFrom(name.text, state_.schema.types())),
                    {name.offset});
    }
    return type;
  }

  void VisitVariable(const VariableDefinition& variable) {
    TypeRef type = {FindType(variable.type.name), variable.type.shape};
    if (type.type != nullptr && !type.type->IsInput()) {
      state_.Report(fmt::format("Variable \"${}\" cannot be non-input type \"{}\".",
                                variable.name.text, type.Text()),
                    {variable.type.offset});
      type.type = nullptr;
    }
    if (variable.default_value) {
      ValidateValue(state_, *variable.default_value, type, false, facts_);
    }
    VisitDirectives(variable.directives, "VARIABLE_DEFINITION");
  }

  void VisitSelections(const SelectionSet& set, const NamedType* parent) {
    for (const Selection& selection : set.selections) {
      if (state_.is_full()) return;
      switch (selection.kind) {
        case Selection::Kind::kField:
          VisitField(selection, parent);
          break;
        case Selection::Kind::kFragmentSpread:
          VisitSpread(selection, parent);
          break;
        case Selection::Kind::kInlineFragment:
          VisitInlineFragment(selection, parent);
          break;
      }
    }
  }

  void VisitField(const Selection& node, const NamedType* parent) {
    const Field* const field =
        parent != nullptr ? state_.schema.FindField(*parent, node.name.text) : nullptr;
    if (parent != nullptr && field == nullptr) ReportUnknownField(node, *parent);
    if (field != nullptr) {
      CheckLeaf(node, *field);
      CheckKnownArguments(node.arguments, field->arguments, [&] {
        return fmt::format("field \"{}.{}\"", parent->name, field->name);
      });
    }
    VisitArguments(node.arguments, field != nullptr ? &field->arguments : nullptr);
    VisitDirectives(node.directives, "FIELD");
    VisitSelections(node.selection_set,
                    field != nullptr ? CompositeOrNull(field->type.type) : nullptr);
    if (field != nullptr) {
      CheckRequiredArguments(node.offset, node.arguments, field->arguments,
                             [&] { return fmt::format("Field \"{}\"", field->name); });
    }
  }

  void ReportUnknownField(const Selection& node, const NamedType& parent) {
    std::string suggestion;
    if (parent.kind == NamedType::Kind::kUnion) {
      std::vector<std::string_view> types;
      for (const NamedType* member : parent.members) {
        if (member->FindField(node.name.text) != nullptr) types.push_back(member->name);
      }
      std::sort(types.begin(), types.end());
      suggestion = DidYouMean(types, "to use an inline fragment on");
    } else {
      suggestion = SuggestFrom(node.name.text, parent.fields);
    }
    state_.Report(fmt::format("Cannot query field \"{}\" on type \"{}\".{}", node.name.text,
                              parent.name, suggestion),
                  {node.offset});
  }

  void CheckLeaf(const Selection& node, const Field& field) {
    const bool has_selections = !node.selection_set.selections.empty();
    if (field.type.type->IsLeaf() != has_selections) return;
    if (has_selections) {
      state_.Report(fmt::format("Field \"{}\" must not have a selection since type \"{}\" has no "
                                "subfields.",
                                node.name.text, field.type.Text()),
                    {node.selection_set.offset});
    } else {
      state_.Report(fmt::format("Field \"{0}\" of type \"{1}\" must have a selection of subfields. "
                                "Did you mean \"{0} {{ ... }}\"?",
                                node.name.text, field.type.Text()),
                    {node.offset});
    }
  }

  void VisitSpread(const Selection& node, const NamedType* parent) {
    facts_.spreads.push_back(&node);
    VisitDirectives(node.directives, "FRAGMENT_SPREAD");
    const FragmentDefinition* const fragment = state_.FindFragment(node.name.text);
    if (fragment == nullptr) {
      state_.Report(fmt::format("Unknown fragment \"{}\".", node.name.text), {node.name.offset});
      return;
    }
    const NamedType* const type =
        CompositeOrNull(state_.schema.FindType(fragment->type_condition.text));
    if (type == nullptr || parent == nullptr || TypesOverlap(*type, *parent)) return;
    state_.Report(fmt::format("Fragment \"{}\" cannot be spread here as objects of type \"{}\" can "
                              "never be of type \"{}\".",
                              node.name.text, parent->name, type->name),
                  {node.offset});
  }

  void VisitInlineFragment(const Selection& node, const NamedType* parent) {
    const NamedType* type = parent;
    if (!node.name.text.empty()) {
      type = FindType(node.name);
      if (type != nullptr && !type->IsComposite()) {
        state_.Report(
            fmt::format("Fragment cannot condition on non composite type \"{}\".", type->name),
            {node.name.offset});
        type = nullptr;
      }
    }
    if (type != nullptr && parent != nullptr && !TypesOverlap(*type, *parent)) {
      state_.Report(fmt::format("Fragment cannot be spread here as objects of type \"{}\" can "
                                "never be of type \"{}\".",
                                parent->name, type->name),
                    {node.offset});
    }
    VisitDirectives(node.directives, "INLINE_FRAGMENT");
    VisitSelections(node.selection_set, type);
  }

  void VisitDirectives(const std::vector<Directive>& directives, std::string_view location) {
    std::unordered_map<std::string_view, uint32_t> seen;
    for (const Directive& node : directives) {
      const DirectiveType* const directive = state_.schema.FindDirective(node.name.text);
      if (directive == nullptr) {
        state_.Report(fmt::format("Unknown directive \"@{}\".", node.name.text), {node.offset});
      } else {
        CheckDirective(node, *directive, location, seen);
      }
      VisitArguments(node.arguments, directive != nullptr ? &directive->arguments : nullptr);
    }
  }

  void CheckDirective(const Directive& node, const DirectiveType& directive,
                      std::string_view location,
                      std::unordered_map<std::string_view, uint32_t>& seen) {
    if (!directive.AllowsLocation(location)) {
      state_.Report(
          fmt::format("Directive \"@{}\" may not be used on {}.", directive.name, location),
          {node.offset});
    }
    const auto [first, inserted] = seen.emplace(node.name.text, node.offset);
    if (!inserted && !directive.is_repeatable) {
      state_.Report(fmt::format("The directive \"@{}\" can only be used once at this location.",
                                directive.name),
                    {first->second, node.offset});
    }
    CheckKnownArguments(node.arguments, directive.arguments,
                        [&] { return fmt::format("directive \"@{}\"", directive.name); });
    CheckRequiredArguments(node.offset, node.arguments, directive.arguments,
                           [&] { return fmt::format("Directive \"@{}\"", directive.name); });
  }

  // `definitions` is null if the field or directive is unknown.
  void VisitArguments(const std::vector<NamedValue>& arguments,
                      const std::vector<InputValue>* definitions) {
    CheckUniqueArguments(arguments);
    for (const NamedValue& argument : arguments) {
      const InputValue* definition = nullptr;
      if (definitions != nullptr) {
        const auto found =
            std::find_if(definitions->begin(), definitions->end(),
                         [&](const InputValue& input) { return input.name == argument.name.text; });
        if (found != definitions->end()) definition = &*found;
      }
      ValidateValue(state_, argument.value, definition != nullptr ? definition->type : TypeRef{},
                    definition != nullptr && definition->default_value != nullptr, facts_);
    }
  }

  void CheckUniqueArguments(const std::vector<NamedValue>& arguments) {
    std::unordered_map<std::string_view, std::vector<uint32_t>> places;
    if (arguments.size() < 2) return;
    for (const NamedValue& argument : arguments) {
      places[argument.name.text].push_back(argument.name.offset);
    }
    for (const auto& [name, offsets] : places) {
      if (offsets.size() < 2) continue;
      state_.Report(fmt::format("There can be only one argument named \"{}\".", name), offsets);
    }
  }

  template <typename Owner>
  void CheckKnownArguments(const std::vector<NamedValue>& arguments,
                           const std::vector<InputValue>& definitions, const Owner& owner) {
    for (const NamedValue& argument : arguments) {
      const bool is_known =
          std::any_of(definitions.begin(), definitions.end(),
                      [&](const InputValue& input) { return input.name == argument.name.text; });
      if (is_known || state_.is_full()) continue;
      state_.Report(fmt::format("Unknown argument \"{}\" on {}.{}", argument.name.text, owner(),
                                SuggestFrom(argument.name.text, definitions)),
                    {argument.name.offset});
    }
  }

  template <typename Owner>
  void CheckRequiredArguments(uint32_t offset, const std::vector<NamedValue>& arguments,
                              const std::vector<InputValue>& definitions, const Owner& owner) {
    for (const InputValue& definition : definitions) {
      if (!definition.IsRequired()) continue;
      const bool is_given = std::any_of(
          arguments.begin(), arguments.end(),
          [&](const NamedValue& argument) { return argument.name.text == definition.name; });
      if (is_given) continue;
      state_.Report(fmt::format("{} argument \"{}\" of type \"{}\" is required, but it was not "
                                "provided.",
                                owner(), definition.name, definition.type.Text()),
                    {offset});
    }
  }

  ValidationState& state_;
  DefinitionFacts& facts_;
};

}  // namespace

void ValidateDefinitions(ValidationState& state) {
  for (const OperationDefinition& operation : state.document.operations) {
    DefinitionWalk(state, state.FactsOf(&operation)).VisitOperation(operation);
  }
  for (const FragmentDefinition& fragment : state.document.fragments) {
    DefinitionWalk(state, state.FactsOf(&fragment)).VisitFragment(fragment);
  }
}

}  // namespace mao::graphql
