#include "engine/constraint/json_schema_merge.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace mao {
namespace {

using Kind = JsonValue::Kind;

constexpr std::array<std::string_view, 18> kAnnotations = {
    "$comment", "$defs",        "$id",        "$schema",     "contentEncoding", "contentMediaType",
    "default",  "definitions",  "deprecated", "description", "discriminator",   "example",
    "examples", "externalDocs", "readOnly",   "title",       "writeOnly",       "xml"};

enum class Form {
  kString,
  kObject,
  kArray,
  kSchemas,
  kSchema,
  kNumber,
  kCount,
  kBool,
  kAny,
  kType
};

struct Keyword {
  std::string_view name;
  Form form;
};

constexpr std::array<Keyword, 24> kKeywords = {{{"$ref", Form::kString},
                                                {"additionalProperties", Form::kSchema},
                                                {"allOf", Form::kSchemas},
                                                {"anyOf", Form::kSchemas},
                                                {"const", Form::kAny},
                                                {"enum", Form::kArray},
                                                {"exclusiveMaximum", Form::kNumber},
                                                {"exclusiveMinimum", Form::kNumber},
                                                {"format", Form::kString},
                                                {"items", Form::kSchema},
                                                {"maxItems", Form::kCount},
                                                {"maxLength", Form::kCount},
                                                {"maximum", Form::kNumber},
                                                {"minItems", Form::kCount},
                                                {"minLength", Form::kCount},
                                                {"minimum", Form::kNumber},
                                                {"nullable", Form::kBool},
                                                {"oneOf", Form::kSchemas},
                                                {"pattern", Form::kString},
                                                {"prefixItems", Form::kSchemas},
                                                {"properties", Form::kObject},
                                                {"required", Form::kArray},
                                                {"type", Form::kType},
                                                {"uniqueItems", Form::kBool}}};

const Keyword* FindKeyword(std::string_view name) {
  const auto* it = std::find_if(kKeywords.begin(), kKeywords.end(),
                                [name](const Keyword& keyword) { return keyword.name == name; });
  return it == kKeywords.end() ? nullptr : it;
}

std::string_view FormText(Form form) {
  switch (form) {
    case Form::kString:
      return "a string";
    case Form::kObject:
      return "an object";
    case Form::kArray:
      return "an array";
    case Form::kSchemas:
      return "an array of at least one schema";
    case Form::kSchema:
      return "a schema: an object, true or false";
    case Form::kNumber:
      return "a number";
    case Form::kCount:
      return "a whole number from 0 on";
    case Form::kBool:
      return "true or false";
    case Form::kType:
      return "a type's name or an array of them";
    case Form::kAny:
      break;
  }
  return "a value";
}

bool AllOf(const std::vector<JsonValue>& items, bool (*test)(const JsonValue&)) {
  return std::all_of(items.begin(), items.end(), test);
}
bool IsSchema(const JsonValue& value) { return value.is_object() || value.kind == Kind::kBool; }
bool IsString(const JsonValue& value) { return value.is_string(); }

bool HasForm(const JsonValue& value, Form form) {
  switch (form) {
    case Form::kString:
      return value.is_string();
    case Form::kObject:
      return value.is_object();
    case Form::kArray:
      return value.is_array();
    case Form::kSchemas:
      return value.is_array() && !value.items.empty() && AllOf(value.items, IsSchema);
    case Form::kSchema:
      return IsSchema(value);
    case Form::kNumber:
      return value.is_number();
    case Form::kCount:
      return value.kind == Kind::kInteger && value.integer >= 0;
    case Form::kBool:
      return value.kind == Kind::kBool;
    case Form::kType:
      return value.is_string() || (value.is_array() && AllOf(value.items, IsString));
    case Form::kAny:
      return true;
  }
  return false;
}

JsonValue ArrayOf(std::vector<JsonValue> items) {
  JsonValue value;
  value.kind = Kind::kArray;
  value.items = std::move(items);
  return value;
}

JsonValue BothOf(const JsonValue& a, const JsonValue& b) {
  JsonValue value;
  value.kind = Kind::kObject;
  value.SetMember("allOf", ArrayOf({a, b}));
  return value;
}

JsonValue False() {
  JsonValue value;
  value.kind = Kind::kBool;
  return value;
}

bool Holds(const std::vector<JsonValue>& items, const JsonValue& value) {
  return std::find(items.begin(), items.end(), value) != items.end();
}

JsonValue AsArray(const JsonValue& value) { return value.is_array() ? value : ArrayOf({value}); }

JsonValue String(std::string_view text) {
  JsonValue value;
  value.kind = Kind::kString;
  value.text = text;
  return value;
}

JsonValue CommonTypes(const JsonValue& a, const JsonValue& b) {
  std::vector<JsonValue> common;
  const JsonValue b_types = AsArray(b);
  const JsonValue a_types = AsArray(a);
  for (const JsonValue& type : a_types.items) {
    if (Holds(b_types.items, type) ||
        (type.text == "integer" && Holds(b_types.items, String("number")))) {
      common.push_back(type);
    } else if (type.text == "number" && Holds(b_types.items, String("integer"))) {
      common.push_back(String("integer"));
    }
  }
  return ArrayOf(std::move(common));
}

// Properties of `from` that the other schema does not name fall under its additionalProperties.
void AddProperties(const JsonValue& from, const JsonValue* own, const JsonValue* additional,
                   JsonValue& out) {
  for (size_t i = 0; i < from.names.size(); ++i) {
    const std::string& name = from.names[i];
    if (own != nullptr && own->Find(name) != nullptr) continue;
    if (additional == nullptr || (additional->kind == Kind::kBool && additional->boolean)) {
      out.SetMember(name, from.items[i]);
    } else {
      out.SetMember(name,
                    additional->kind == Kind::kBool ? False() : BothOf(from.items[i], *additional));
    }
  }
}

void MergeProperties(const JsonValue& a, const JsonValue& b, JsonValue& merged) {
  const JsonValue* const of_a = a.Find("properties");
  const JsonValue* const of_b = b.Find("properties");
  if (of_a == nullptr && of_b == nullptr) return;
  JsonValue properties;
  properties.kind = Kind::kObject;
  if (of_a != nullptr) {
    for (size_t i = 0; i < of_a->names.size(); ++i) {
      const JsonValue* other = of_b == nullptr ? nullptr : of_b->Find(of_a->names[i]);
      if (other == nullptr) continue;
      properties.SetMember(of_a->names[i],
                           *other == of_a->items[i] ? *other : BothOf(of_a->items[i], *other));
    }
    AddProperties(*of_a, of_b, b.Find("additionalProperties"), properties);
  }
  if (of_b != nullptr) AddProperties(*of_b, of_a, a.Find("additionalProperties"), properties);
  merged.SetMember("properties", std::move(properties));
}

std::vector<JsonValue> Union(const JsonValue& a, const JsonValue& b) {
  std::vector<JsonValue> items = a.items;
  for (const JsonValue& item : b.items) {
    if (!Holds(a.items, item)) items.push_back(item);
  }
  return items;
}

std::vector<JsonValue> Intersection(const JsonValue& a, const JsonValue& b) {
  std::vector<JsonValue> items;
  for (const JsonValue& item : a.items) {
    if (Holds(b.items, item)) items.push_back(item);
  }
  return items;
}

// What both values of a keyword say together, if that can be said.
Result<JsonValue> MergeKeyword(std::string_view keyword, const JsonValue& a, const JsonValue& b,
                               const std::string& pointer) {
  if (a == b) return a;
  if (keyword == "type") return CommonTypes(a, b);
  if (keyword == "required") return ArrayOf(Union(a, b));
  if (keyword == "enum") return ArrayOf(Intersection(a, b));
  if (keyword == "items") return BothOf(a, b);
  if (keyword == "additionalProperties") {
    const bool forbidden =
        (a.kind == Kind::kBool && !a.boolean) || (b.kind == Kind::kBool && !b.boolean);
    return forbidden ? False() : BothOf(a, b);
  }
  if (keyword == "allOf") {
    JsonValue all = a;
    all.items.insert(all.items.end(), b.items.begin(), b.items.end());
    return all;
  }
  if (keyword.starts_with("min") || keyword == "exclusiveMinimum") {
    return a.number > b.number ? a : b;
  }
  if (keyword.starts_with("max") || keyword == "exclusiveMaximum") {
    return a.number < b.number ? a : b;
  }
  return SchemaError(pointer, keyword,
                     "two schemas that apply together (allOf, anyOf or $ref beside other keywords) "
                     "give it differently, which is not supported");
}

}  // namespace

Status SchemaError(const std::string& pointer, std::string_view keyword, std::string_view what) {
  return InvalidArgumentError(
      fmt::format("JSON schema, {}{}{}: {}", pointer, keyword.empty() ? "" : "/", keyword, what));
}

bool IsAnnotation(std::string_view keyword) {
  return keyword.starts_with("x-") ||
         std::find(kAnnotations.begin(), kAnnotations.end(), keyword) != kAnnotations.end();
}

Status CheckKeywords(const JsonValue& schema, const std::string& pointer) {
  for (size_t i = 0; i < schema.names.size(); ++i) {
    const std::string& name = schema.names[i];
    if (IsAnnotation(name)) continue;
    const Keyword* keyword = FindKeyword(name);
    if (keyword == nullptr) {
      return SchemaError(pointer, name, "this keyword is not supported");
    }
    const JsonValue& value = schema.items[i];
    if (!HasForm(value, keyword->form)) {
      return SchemaError(pointer, name, fmt::format("must be {}", FormText(keyword->form)));
    }
    if (name == "required" && !AllOf(value.items, IsString)) {
      return SchemaError(pointer, name, "must be an array of strings");
    }
    if (name == "uniqueItems" && value.boolean) {
      return SchemaError(pointer, name, "only false is supported");
    }
  }
  return OkStatus();
}

JsonValue WithoutAnnotations(const JsonValue& schema) {
  JsonValue result;
  result.kind = Kind::kObject;
  for (size_t i = 0; i < schema.names.size(); ++i) {
    const std::string& name = schema.names[i];
    if (IsAnnotation(name) || name == "nullable" || name == "uniqueItems") continue;
    result.names.push_back(name);
    result.items.push_back(schema.items[i]);
  }
  const JsonValue* nullable = schema.Find("nullable");
  const JsonValue* type = schema.Find("type");
  if (nullable != nullptr && nullable->boolean && type != nullptr) {
    JsonValue types = AsArray(*type);
    if (!Holds(types.items, String("null"))) types.items.push_back(String("null"));
    result.SetMember("type", std::move(types));
  }
  return result;
}

Result<JsonValue> MergeSchemas(const JsonValue& a, const JsonValue& b, const std::string& pointer) {
  JsonValue merged = WithoutAnnotations(a);
  const JsonValue other = WithoutAnnotations(b);
  const JsonValue first = merged;
  for (size_t i = 0; i < other.names.size(); ++i) {
    const std::string& name = other.names[i];
    if (name == "properties") continue;
    const JsonValue* mine = first.Find(name);
    JsonValue value = other.items[i];
    if (mine != nullptr) {
      MAO_ASSIGN_OR_RETURN(value, MergeKeyword(name, *mine, other.items[i], pointer));
    }
    merged.SetMember(name, std::move(value));
  }
  MergeProperties(first, other, merged);
  return merged;
}

}  // namespace mao
