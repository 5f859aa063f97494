#include "serve/graphql/schema.h"

#include <algorithm>

namespace mao::graphql {
namespace {

// Types have few members, so a search along the list is as fast as a table.
template <typename List>
auto* FindByName(const List& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [name](const auto& item) { return item.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

std::string TypeRef::Text() const { return TypeText(type->name, shape); }

const InputValue* Field::FindArgument(std::string_view argument) const {
  return FindByName(arguments, argument);
}

const Field* NamedType::FindField(std::string_view field) const {
  return FindByName(fields, field);
}

const InputValue* NamedType::FindInput(std::string_view input) const {
  return FindByName(inputs, input);
}

const EnumValue* NamedType::FindValue(std::string_view value) const {
  return FindByName(values, value);
}

bool NamedType::CanBe(const NamedType* object) const {
  return this == object || std::find(members.begin(), members.end(), object) != members.end();
}

bool DirectiveType::AllowsLocation(std::string_view location) const {
  return std::find(locations.begin(), locations.end(), location) != locations.end();
}

const NamedType* Schema::FindType(std::string_view name) const {
  const auto found = types_by_name_.find(name);
  return found == types_by_name_.end() ? nullptr : found->second;
}

const DirectiveType* Schema::FindDirective(std::string_view name) const {
  return FindByName(directives_, name);
}

const NamedType* Schema::RootType(OperationType operation) const {
  return roots_[static_cast<size_t>(operation)];
}

const Field* Schema::FindField(const NamedType& parent, std::string_view name) const {
  if (name.starts_with("__")) {
    if (name == typename_field_.name && parent.IsComposite()) return &typename_field_;
    if (&parent == RootType(OperationType::kQuery)) {
      if (name == schema_field_.name) return &schema_field_;
      if (name == type_field_.name) return &type_field_;
    }
  }
  return parent.FindField(name);
}

}  // namespace mao::graphql
