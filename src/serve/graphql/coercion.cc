#include "serve/graphql/coercion.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/suggestion.h"
#include "serve/graphql/utf8.h"

namespace mao::graphql {
namespace {

constexpr size_t kMaxVariableErrors = 50;

// Null if the variable has no value.
const Json* VariableValue(const Json* variables, std::string_view name) {
  if (variables == nullptr) return nullptr;
  const auto found = variables->find(name);
  return found == variables->end() ? nullptr : &*found;
}

bool IsMissingVariable(const Value& value, const Json* variables) {
  return value.kind == Value::Kind::kVariable && VariableValue(variables, value.text) == nullptr;
}

const NamedValue* FindNamed(const std::vector<NamedValue>& values, std::string_view name) {
  // The last one counts, as in graphql-js; validation refuses a second one anyway.
  const auto found = std::find_if(values.rbegin(), values.rend(),
                                  [name](const NamedValue& v) { return v.name.text == name; });
  return found == values.rend() ? nullptr : &*found;
}

void Append(Json& object, const std::string& key, Json value) {
  object.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
}

// A literal as JSON, for custom scalars.
Json UntypedLiteral(const Value& value, const Json* variables) {
  switch (value.kind) {
    case Value::Kind::kVariable: {
      const Json* const found = VariableValue(variables, value.text);
      return found != nullptr ? *found : Json();
    }
    case Value::Kind::kInt:
    case Value::Kind::kFloat: {
      // A number's grammar is JSON's.
      Json number = Json::parse(value.text, nullptr, /*allow_exceptions=*/false);
      return number.is_discarded() ? Json() : number;
    }
    case Value::Kind::kString:
    case Value::Kind::kEnum:
      return value.text;
    case Value::Kind::kBoolean:
      return value.text == "true";
    case Value::Kind::kNull:
      return nullptr;
    case Value::Kind::kList: {
      Json list = Json::array();
      for (const Value& item : value.items) list.push_back(UntypedLiteral(item, variables));
      return list;
    }
    case Value::Kind::kObject: {
      Json object = Json::object();
      for (const NamedValue& field : value.fields) {
        if (IsMissingVariable(field.value, variables)) continue;
        object[field.name.text] = UntypedLiteral(field.value, variables);
      }
      return object;
    }
  }
  return nullptr;
}

std::string SuggestEnumValue(std::string_view text, const NamedType& type) {
  return DidYouMean(SimilarNames(text, NamesOf(type.values)), "the enum value");
}

Result<Json> ParseEnumLiteral(const NamedType& type, const Value& value) {
  const bool is_enum = value.kind == Value::Kind::kEnum;
  if (is_enum && type.FindValue(value.text) != nullptr) return Json(value.text);
  const std::string text = PrintValue(value);
  if (!is_enum) {
    return InvalidArgumentError(fmt::format("Enum \"{}\" cannot represent non-enum value: {}.{}",
                                            type.name, text, SuggestEnumValue(text, type)));
  }
  return InvalidArgumentError(fmt::format("Value \"{}\" does not exist in \"{}\" enum.{}", text,
                                          type.name, SuggestEnumValue(text, type)));
}

Result<Json> ParseEnumJson(const NamedType& type, const Json& value) {
  if (!value.is_string()) {
    const std::string text = InspectJson(value);
    return InvalidArgumentError(fmt::format("Enum \"{}\" cannot represent non-string value: {}.{}",
                                            type.name, text, SuggestEnumValue(text, type)));
  }
  const auto& name = value.get_ref<const std::string&>();
  if (type.FindValue(name) != nullptr) return value;
  return InvalidArgumentError(fmt::format("Value \"{}\" does not exist in \"{}\" enum.{}",
                                          Abbreviate(name), type.name,
                                          SuggestEnumValue(name, type)));
}

std::optional<Json> CoerceListLiteral(const Value& value, const TypeRef& type,
                                      const Json* variables) {
  const TypeRef item_type = {type.type, type.shape.Item()};
  Json list = Json::array();
  if (value.kind != Value::Kind::kList) {
    auto item = CoerceLiteral(value, item_type, variables);
    if (!item) return std::nullopt;
    list.push_back(*std::move(item));
    return list;
  }
  for (const Value& item : value.items) {
    auto coerced = IsMissingVariable(item, variables) && !item_type.shape.IsNonNull()
                       ? std::optional<Json>(Json())
                       : CoerceLiteral(item, item_type, variables);
    if (!coerced) return std::nullopt;
    list.push_back(*std::move(coerced));
  }
  return list;
}

std::optional<Json> CoerceObjectLiteral(const Value& value, const NamedType& type,
                                        const Json* variables) {
  if (value.kind != Value::Kind::kObject) return std::nullopt;
  Json object = Json::object();
  for (const InputValue& input : type.inputs) {
    const NamedValue* const field = FindNamed(value.fields, input.name);
    if (field == nullptr || IsMissingVariable(field->value, variables)) {
      if (input.IsRequired()) return std::nullopt;
      if (input.default_value != nullptr) Append(object, input.name, *input.default_value);
      continue;
    }
    auto coerced = CoerceLiteral(field->value, input.type, variables);
    if (!coerced) return std::nullopt;
    Append(object, input.name, *std::move(coerced));
  }
  return object;
}

// Reads one variable's JSON and reports what does not fit, with the path to it.
class VariableReader {
 public:
  VariableReader(const VariableDefinition& variable, Location location, std::vector<Error>& errors)
      : variable_(variable), location_(location), errors_(errors) {}

  Json Read(const Json& value, const TypeRef& type) {
    if (errors_.size() >= kMaxVariableErrors) return nullptr;
    if (value.is_null()) {
      if (type.shape.IsNonNull()) {
        Report(value,
               fmt::format("Expected non-nullable type \"{}\" not to be null.", type.Text()));
      }
      return nullptr;
    }
    if (type.shape.IsList()) return ReadList(value, {type.type, type.shape.Item()});
    if (type.type->kind == NamedType::Kind::kInput) return ReadObject(value, *type.type);
    auto parsed = type.type->kind == NamedType::Kind::kEnum ? ParseEnumJson(*type.type, value)
                                                            : type.type->codec->parse(value);
    if (parsed.ok()) return *std::move(parsed);
    const bool is_custom =
        type.type->kind == NamedType::Kind::kScalar && !type.type->codec->parse_literal;
    Report(value, is_custom ? fmt::format("Expected type \"{}\". {}", type.type->name,
                                          parsed.status().message())
                            : parsed.status().message());
    return nullptr;
  }

 private:
  Json ReadList(const Json& value, const TypeRef& item_type) {
    Json list = Json::array();
    if (!value.is_array()) {
      list.push_back(Read(value, item_type));  // one value stands for a list of one
      return list;
    }
    const size_t path_size = path_.size();
    for (size_t i = 0; i < value.size(); ++i) {
      path_ += fmt::format("[{}]", i);
      list.push_back(Read(value[i], item_type));
      path_.resize(path_size);
    }
    return list;
  }

  Json ReadObject(const Json& value, const NamedType& type) {
    if (!value.is_object()) {
      Report(value, fmt::format("Expected type \"{}\" to be an object.", type.name));
      return nullptr;
    }
    Json object = Json::object();
    const size_t path_size = path_.size();
    for (const InputValue& input : type.inputs) {
      const auto field = value.find(input.name);
      if (field != value.end()) {
        path_.append(".").append(input.name);
        Append(object, input.name, Read(*field, input.type));
        path_.resize(path_size);
      } else if (input.default_value != nullptr) {
        Append(object, input.name, *input.default_value);
      } else if (input.IsRequired()) {
        Report(value, fmt::format("Field \"{}\" of required type \"{}\" was not provided.",
                                  input.name, input.type.Text()));
      }
    }
    for (const auto& [name, unused] : value.items()) {
      if (errors_.size() >= kMaxVariableErrors) break;
      if (type.FindInput(name) != nullptr) continue;
      Report(value, fmt::format("Field \"{}\" is not defined by type \"{}\".{}", Abbreviate(name),
                                type.name, SuggestFrom(name, type.inputs)));
    }
    return object;
  }

  void Report(const Json& value, std::string_view reason) {
    if (errors_.size() >= kMaxVariableErrors) return;
    const std::string at =
        path_.empty() ? "" : fmt::format(" at \"{}{}\"", variable_.name.text, path_);
    errors_.push_back({fmt::format("Variable \"${}\" got invalid value {}{}; {}",
                                   variable_.name.text, InspectJson(value), at, reason),
                       {location_},
                       {},
                       std::string(kBadUserInput)});
  }

  const VariableDefinition& variable_;
  Location location_;
  std::vector<Error>& errors_;
  std::string path_;  // ".pages[3]"
};

// The value of an argument, or nothing if it is absent. `offset` is where it stands.
Result<std::optional<Json>> CoerceArgument(const InputValue& definition, const NamedValue* argument,
                                           const Json& variables, uint32_t& offset) {
  const auto refuse = [&](std::string_view reason) {
    return InvalidArgumentError(fmt::format("Argument \"{}\" {}", definition.name, reason));
  };
  if (argument != nullptr) offset = argument->value.offset;
  if (argument == nullptr || IsMissingVariable(argument->value, &variables)) {
    if (definition.default_value != nullptr) return std::optional<Json>(*definition.default_value);
    if (!definition.type.shape.IsNonNull()) return std::optional<Json>();
    const std::string type = definition.type.Text();
    if (argument == nullptr) {
      return refuse(fmt::format("of required type \"{}\" was not provided.", type));
    }
    return refuse(fmt::format(
        "of required type \"{}\" was provided the variable \"${}\" which was not provided a "
        "runtime value.",
        type, argument->value.text));
  }
  auto coerced = CoerceLiteral(argument->value, definition.type, &variables);
  if (coerced) return std::optional<Json>(*std::move(coerced));
  const Json* const variable = argument->value.kind == Value::Kind::kVariable
                                   ? VariableValue(&variables, argument->value.text)
                                   : nullptr;
  if (variable != nullptr && variable->is_null()) {
    return refuse(fmt::format("of non-null type \"{}\" must not be null.", definition.type.Text()));
  }
  return refuse(fmt::format("has invalid value {}.", PrintValue(argument->value)));
}

}  // namespace

Result<Json> ParseLeafLiteral(const NamedType& type, const Value& value, const Json* variables) {
  if (type.kind == NamedType::Kind::kEnum) return ParseEnumLiteral(type, value);
  if (type.codec->parse_literal) return type.codec->parse_literal(value);
  return type.codec->parse(UntypedLiteral(value, variables));
}

std::optional<Json> CoerceLiteral(const Value& value, const TypeRef& type, const Json* variables) {
  if (value.kind == Value::Kind::kVariable) {
    const Json* const found = VariableValue(variables, value.text);
    if (found == nullptr || (found->is_null() && type.shape.IsNonNull())) return std::nullopt;
    return *found;  // coerced for its own type, which validation has compared with this one
  }
  if (value.kind == Value::Kind::kNull) {
    return type.shape.IsNonNull() ? std::nullopt : std::optional<Json>(Json());
  }
  if (type.shape.IsList()) return CoerceListLiteral(value, type, variables);
  if (type.type->kind == NamedType::Kind::kInput) {
    return CoerceObjectLiteral(value, *type.type, variables);
  }
  auto parsed = ParseLeafLiteral(*type.type, value, variables);
  return parsed.ok() ? std::optional<Json>(*std::move(parsed)) : std::nullopt;
}

Json CoerceVariables(const Schema& schema, const Document& document,
                     const OperationDefinition& operation, const Json& input,
                     std::vector<Error>& errors) {
  Json values = Json::object();
  const auto report = [&](const VariableDefinition& variable, std::string message) {
    errors.push_back({std::move(message),
                      {document.LocationOf(variable.offset)},
                      {},
                      std::string(kBadUserInput)});
  };
  for (const VariableDefinition& variable : operation.variables) {
    if (errors.size() >= kMaxVariableErrors) break;
    const TypeRef type = {schema.FindType(variable.type.name.text), variable.type.shape};
    const std::string name(variable.name.text);
    const auto given = input.find(name);
    if (given == input.end()) {
      if (variable.default_value) {
        auto value = CoerceLiteral(*variable.default_value, type, nullptr);
        if (value) Append(values, name, *std::move(value));
      } else if (type.shape.IsNonNull()) {
        report(variable, fmt::format("Variable \"${}\" of required type \"{}\" was not provided.",
                                     name, type.Text()));
      }
    } else if (given->is_null() && type.shape.IsNonNull()) {
      report(variable, fmt::format("Variable \"${}\" of non-null type \"{}\" must not be null.",
                                   name, type.Text()));
    } else {
      VariableReader reader(variable, document.LocationOf(variable.offset), errors);
      Append(values, name, reader.Read(*given, type));
    }
  }
  return values;
}

Result<Json> CoerceArguments(const std::vector<InputValue>& definitions,
                             const std::vector<NamedValue>& arguments, uint32_t node_offset,
                             const Json& variables, uint32_t& offset) {
  Json values = Json::object();
  for (const InputValue& definition : definitions) {
    offset = node_offset;
    MAO_ASSIGN_OR_RETURN(
        std::optional<Json> value,
        CoerceArgument(definition, FindNamed(arguments, definition.name), variables, offset));
    if (value) Append(values, definition.name, *std::move(value));
  }
  return values;
}

std::string PrintInput(const Json& value, const TypeRef& type) {
  if (value.is_null()) return "null";
  if (type.shape.IsList() && value.is_array()) {
    std::string text;
    for (const Json& item : value) {
      if (!text.empty()) text += ", ";
      text += PrintInput(item, {type.type, type.shape.Item()});
    }
    return "[" + text + "]";
  }
  if (type.type->kind == NamedType::Kind::kInput) {
    std::string text;
    for (const InputValue& input : type.type->inputs) {
      const auto field = value.find(input.name);
      if (field == value.end()) continue;
      if (!text.empty()) text += ", ";
      text += input.name + ": " + PrintInput(*field, input.type);
    }
    return "{" + text + "}";
  }
  if (type.type->kind == NamedType::Kind::kEnum) return value.get<std::string>();
  return DumpJson(value);
}

}  // namespace mao::graphql
