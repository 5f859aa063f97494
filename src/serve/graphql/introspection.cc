#include "serve/graphql/introspection.h"

#include <functional>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/coercion.h"

namespace mao::graphql {
namespace {

// The parent of __Type's fields: which type this is, {"of": name, "depth": …, "nonNull": …}.
Json TypeToJson(const TypeRef& type) {
  return {
      {"of", type.type->name}, {"depth", type.shape.list_depth}, {"nonNull", type.shape.non_null}};
}

Json TypeToJson(const NamedType* type) { return type == nullptr ? Json() : TypeToJson({type, {}}); }

TypeRef TypeFromJson(const Schema& schema, const Json& json) {
  return {schema.FindType(json["of"].get_ref<const std::string&>()),
          {json["depth"].get<uint8_t>(), json["nonNull"].get<uint32_t>()}};
}

Json OrNull(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

// What fields, input values and enum values have in common.
template <typename Element>
Json ElementToJson(const Element& element) {
  return {{"name", element.name},
          {"description", OrNull(element.description)},
          {"isDeprecated", element.deprecation_reason.has_value()},
          {"deprecationReason", OrNull(element.deprecation_reason)}};
}

Json ToJson(const EnumValue& value) { return ElementToJson(value); }

Json ToJson(const InputValue& input) {
  Json json = ElementToJson(input);
  json["type"] = TypeToJson(input.type);
  json["defaultValue"] =
      input.default_value == nullptr ? Json() : Json(PrintInput(*input.default_value, input.type));
  return json;
}

Json ToJson(const Field& field);
Json ToJson(const DirectiveType& directive);

template <typename List>
Json ListToJson(const List& list) {
  Json json = Json::array();
  for (const auto& element : list) json.push_back(ToJson(element));
  return json;
}

Json ToJson(const Field& field) {
  Json json = ElementToJson(field);
  json["type"] = TypeToJson(field.type);
  json["args"] = ListToJson(field.arguments);
  return json;
}

Json ToJson(const DirectiveType& directive) {
  return {{"name", directive.name},
          {"description", OrNull(directive.description)},
          {"isRepeatable", directive.is_repeatable},
          {"locations", directive.locations},
          {"args", ListToJson(directive.arguments)}};
}

// Without what is deprecated, unless the argument includeDeprecated asks for it.
Json Filtered(Json list, const Json& arguments) {
  const auto include = arguments.find("includeDeprecated");
  if (include != arguments.end() && *include == true) return list;
  Json kept = Json::array();
  for (Json& element : list) {
    if (!element["isDeprecated"].get<bool>()) kept.push_back(std::move(element));
  }
  return kept;
}

std::string_view KindName(const TypeRef& type) {
  if (type.shape.IsNonNull()) return "NON_NULL";
  if (type.shape.IsList()) return "LIST";
  switch (type.type->kind) {
    case NamedType::Kind::kScalar:
      return "SCALAR";
    case NamedType::Kind::kObject:
      return "OBJECT";
    case NamedType::Kind::kUnion:
      return "UNION";
    case NamedType::Kind::kEnum:
      return "ENUM";
    case NamedType::Kind::kInput:
      return "INPUT_OBJECT";
  }
  return "";
}

Json InnerType(const TypeRef& type) {
  if (type.shape.IsNonNull()) return TypeToJson({type.type, type.shape.Nullable()});
  if (type.shape.IsList()) return TypeToJson({type.type, type.shape.Item()});
  return nullptr;
}

Json TypesToJson(const Schema& schema) {
  Json types = Json::array();
  for (const NamedType& type : schema.types()) types.push_back(TypeToJson(&type));
  return types;
}

Json MembersToJson(const NamedType& type) {
  if (type.kind != NamedType::Kind::kUnion) return nullptr;
  Json members = Json::array();
  for (const NamedType* member : type.members) members.push_back(TypeToJson(member));
  return members;
}

// A list that only one kind of type has, null for the others.
template <typename List>
Json ListOfKind(const NamedType& type, NamedType::Kind kind, const List& list,
                const Json& arguments) {
  return type.kind == kind ? Filtered(ListToJson(list), arguments) : Json();
}

using ResolverTable = std::map<std::string, Resolver>;

void AddSchemaResolvers(const Schema& schema, ResolverTable& resolvers) {
  resolvers["Query.__schema"] = [](const FieldCall&) -> Result<Json> { return Json::object(); };
  resolvers["Query.__type"] = [&schema](const FieldCall& call) -> Result<Json> {
    return TypeToJson(schema.FindType(call.arguments["name"].get_ref<const std::string&>()));
  };
  resolvers["__Schema.description"] = [&schema](const FieldCall&) -> Result<Json> {
    return OrNull(schema.description());
  };
  resolvers["__Schema.types"] = [&schema](const FieldCall&) -> Result<Json> {
    return TypesToJson(schema);
  };
  resolvers["__Schema.directives"] = [&schema](const FieldCall&) -> Result<Json> {
    return ListToJson(schema.directives());
  };
  for (const auto& [field, operation] :
       {std::pair("queryType", OperationType::kQuery),
        std::pair("mutationType", OperationType::kMutation),
        std::pair("subscriptionType", OperationType::kSubscription)}) {
    resolvers[fmt::format("__Schema.{}", field)] =
        [&schema, type = operation](const FieldCall&) -> Result<Json> {
      return TypeToJson(schema.RootType(type));
    };
  }
}

// A field of __Type that only named types have: `named` is not called for lists and non-nulls.
Resolver OfNamedType(const Schema& schema,
                     std::function<Json(const NamedType&, const Json& arguments)> named) {
  return [&schema, named = std::move(named)](const FieldCall& call) -> Result<Json> {
    const TypeRef type = TypeFromJson(schema, call.parent);
    return type.shape == TypeShape() ? named(*type.type, call.arguments) : Json();
  };
}

void AddTypeResolvers(const Schema& schema, ResolverTable& resolvers) {
  resolvers["__Type.kind"] = [&schema](const FieldCall& call) -> Result<Json> {
    return Json(KindName(TypeFromJson(schema, call.parent)));
  };
  resolvers["__Type.ofType"] = [&schema](const FieldCall& call) -> Result<Json> {
    return InnerType(TypeFromJson(schema, call.parent));
  };
  const auto add = [&](const char* field,
                       std::function<Json(const NamedType&, const Json& arguments)> named) {
    resolvers[fmt::format("__Type.{}", field)] = OfNamedType(schema, std::move(named));
  };
  using Kind = NamedType::Kind;
  add("name", [](const NamedType& type, const Json&) { return Json(type.name); });
  add("description", [](const NamedType& type, const Json&) { return OrNull(type.description); });
  add("specifiedByURL",
      [](const NamedType& type, const Json&) { return OrNull(type.specified_by_url); });
  add("fields", [](const NamedType& type, const Json& arguments) {
    return ListOfKind(type, Kind::kObject, type.fields, arguments);
  });
  add("inputFields", [](const NamedType& type, const Json& arguments) {
    return ListOfKind(type, Kind::kInput, type.inputs, arguments);
  });
  add("enumValues", [](const NamedType& type, const Json& arguments) {
    return ListOfKind(type, Kind::kEnum, type.values, arguments);
  });
  add("possibleTypes", [](const NamedType& type, const Json&) { return MembersToJson(type); });
  add("interfaces", [](const NamedType& type, const Json&) {
    return type.kind == Kind::kObject ? Json::array() : Json();
  });
}

}  // namespace

std::map<std::string, Resolver> IntrospectionResolvers(const Schema& schema) {
  ResolverTable resolvers;
  AddSchemaResolvers(schema, resolvers);
  AddTypeResolvers(schema, resolvers);
  for (const char* owner : {"__Field.args", "__Directive.args"}) {
    resolvers[owner] = [](const FieldCall& call) -> Result<Json> {
      return Filtered(call.parent["args"], call.arguments);
    };
  }
  return resolvers;
}

}  // namespace mao::graphql
