// Literals: ValuesOfCorrectType and UniqueInputFieldNames.
#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/coercion.h"
#include "serve/graphql/suggestion.h"
#include "serve/graphql/validation_state.h"

namespace mao::graphql {
namespace {

bool ContainsVariable(const Value& value) {
  return value.kind == Value::Kind::kVariable ||
         std::any_of(value.items.begin(), value.items.end(), ContainsVariable) ||
         std::any_of(value.fields.begin(), value.fields.end(),
                     [](const NamedValue& field) { return ContainsVariable(field.value); });
}

class ValueValidator {
 public:
  ValueValidator(ValidationState& state, DefinitionFacts& facts) : state_(state), facts_(facts) {}

  void Visit(const Value& value, const TypeRef& type, bool has_location_default) {
    switch (value.kind) {
      case Value::Kind::kVariable:
        facts_.usages.push_back({&value, type, has_location_default});
        return;
      case Value::Kind::kNull:
        if (type.type != nullptr && type.shape.IsNonNull()) ReportUnfit(value, type);
        return;
      case Value::Kind::kList:
        VisitList(value, type);
        return;
      case Value::Kind::kObject:
        VisitObject(value, type);
        return;
      default:
        CheckLeaf(value, type);
    }
  }

 private:
  void ReportUnfit(const Value& value, const TypeRef& type, std::string_view reason = "") {
    const std::string suffix = reason.empty() ? "." : fmt::format("; {}", reason);
    state_.Report(fmt::format("Expected value of type \"{}\", found {}{}", type.Text(),
                              PrintValue(value), suffix),
                  {value.offset});
  }

  void CheckLeaf(const Value& value, const TypeRef& type) {
    if (type.type == nullptr) return;
    if (!type.type->IsLeaf()) {
      ReportUnfit(value, type);
      return;
    }
    if (ContainsVariable(value)) return;  // its value is checked when it is known
    const auto parsed = ParseLeafLiteral(*type.type, value, nullptr);
    if (parsed.ok()) return;
    const bool is_custom =
        type.type->kind == NamedType::Kind::kScalar && !type.type->codec->parse_literal;
    if (is_custom) {
      ReportUnfit(value, type, parsed.status().message());
    } else {
      state_.Report(parsed.status().message(), {value.offset});
    }
  }

  void VisitList(const Value& value, const TypeRef& type) {
    const bool is_list = type.type != nullptr && type.shape.IsList();
    if (!is_list) CheckLeaf(value, type);
    const TypeRef item_type = is_list ? TypeRef{type.type, type.shape.Item()} : TypeRef{};
    for (const Value& item : value.items) Visit(item, item_type, false);
  }

  void VisitObject(const Value& value, const TypeRef& type) {
    ReportDuplicates(value);
    const bool is_input = type.type != nullptr && type.type->kind == NamedType::Kind::kInput;
    if (!is_input) CheckLeaf(value, type);
    for (const NamedValue& field : value.fields) {
      const InputValue* const input = is_input ? type.type->FindInput(field.name.text) : nullptr;
      if (is_input && input == nullptr && !state_.is_full()) {
        state_.Report(fmt::format("Field \"{}\" is not defined by type \"{}\".{}", field.name.text,
                                  type.type->name, SuggestFrom(field.name.text, type.type->inputs)),
                      {field.name.offset});
      }
      Visit(field.value, input != nullptr ? input->type : TypeRef{},
            input != nullptr && input->default_value != nullptr);
    }
    if (is_input) ReportMissing(value, *type.type);
  }

  void ReportMissing(const Value& value, const NamedType& type) {
    for (const InputValue& input : type.inputs) {
      if (!input.IsRequired()) continue;
      const bool is_given =
          std::any_of(value.fields.begin(), value.fields.end(),
                      [&](const NamedValue& field) { return field.name.text == input.name; });
      if (is_given) continue;
      state_.Report(fmt::format("Field \"{}.{}\" of required type \"{}\" was not provided.",
                                type.name, input.name, input.type.Text()),
                    {value.offset});
    }
  }

  void ReportDuplicates(const Value& value) {
    std::unordered_map<std::string_view, uint32_t> first;
    for (const NamedValue& field : value.fields) {
      const auto [entry, inserted] = first.emplace(field.name.text, field.name.offset);
      if (inserted) continue;
      state_.Report(fmt::format("There can be only one input field named \"{}\".", field.name.text),
                    {entry->second, field.name.offset});
    }
  }

  ValidationState& state_;
  DefinitionFacts& facts_;
};

}  // namespace

void ValidateValue(ValidationState& state, const Value& value, const TypeRef& type,
                   bool has_location_default, DefinitionFacts& facts) {
  ValueValidator(state, facts).Visit(value, type, has_location_default);
}

}  // namespace mao::graphql
