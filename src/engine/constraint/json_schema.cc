#include "engine/constraint/json_schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/constraint/json_schema_merge.h"
#include "engine/constraint/json_value.h"
#include "engine/constraint/json_writer.h"
#include "engine/constraint/number_range.h"
#include "engine/constraint/string_formats.h"

namespace mao {
namespace {

using Kind = JsonValue::Kind;

constexpr int kMaxSchemaDepth = 100;    // of schemas in schemas, references followed
constexpr size_t kMaxNameBytes = 1024;  // of a property
constexpr int64_t kMaxMergedValues = 1 << 17;

// The types that keywords of a schema without `type` speak of.
std::vector<std::string> ImpliedTypes(const JsonValue& schema) {
  struct Hint {
    std::string_view type;
    std::array<std::string_view, 4> keywords;
  };
  constexpr Hint kHints[] = {
      {"object", {"properties", "required", "additionalProperties", ""}},
      {"array", {"items", "prefixItems", "minItems", "maxItems"}},
      {"string", {"minLength", "maxLength", "pattern", "format"}},
      {"number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}}};
  std::vector<std::string> types;
  for (const Hint& hint : kHints) {
    const auto has = [&](std::string_view keyword) { return schema.Find(keyword) != nullptr; };
    if (std::any_of(hint.keywords.begin(), hint.keywords.end(), has)) types.emplace_back(hint.type);
  }
  return types;
}

bool IsOfType(const JsonValue& value, std::string_view type) {
  switch (value.kind) {
    case Kind::kNull:
      return type == "null";
    case Kind::kBool:
      return type == "boolean";
    case Kind::kInteger:
      return type == "integer" || type == "number";
    case Kind::kNumber:
      return type == "number";
    case Kind::kString:
      return type == "string";
    case Kind::kArray:
      return type == "array";
    case Kind::kObject:
      return type == "object";
  }
  return false;
}

uint32_t CountOf(const JsonValue* value, uint32_t otherwise) {
  if (value == nullptr) return otherwise;
  return static_cast<uint32_t>(std::min<int64_t>(value->integer, Grammar::kUnbounded));
}

class Compiler {
 public:
  explicit Compiler(const JsonValue& root) : root_(root), json_(builder_) {}

  Result<Grammar> Compile() {
    MAO_ASSIGN_OR_RETURN(const NodeId root, Value(root_, "#", Grammar::kEndNode, 0));
    while (!open_references_.empty()) {
      const Reference reference = std::move(open_references_.back());
      open_references_.pop_back();
      MAO_ASSIGN_OR_RETURN(const NodeId entry,
                           Value(*reference.schema, reference.pointer, Grammar::kAcceptNode, 0));
      builder_.SetEntry(reference.rule, entry);
    }
    auto grammar = builder_.Finish(root);
    if (!grammar.ok()) return grammar.status().WithContext("JSON schema");
    return grammar;
  }

 private:
  struct Reference {
    RuleId rule;
    const JsonValue* schema;
    std::string pointer;
  };

  Result<NodeId> Value(const JsonValue& schema, const std::string& pointer, NodeId next,
                       int depth) {
    if (depth > kMaxSchemaDepth) {
      return SchemaError(pointer, "",
                         fmt::format("schemas nest deeper than {}, or one refers to itself beside "
                                     "other keywords",
                                     kMaxSchemaDepth));
    }
    if (builder_.over_limit()) return next;  // Finish will say so
    if (schema.kind == Kind::kBool) {
      if (schema.boolean) return json_.AnyValue(next);
      return SchemaError(pointer, "", "false allows no value");
    }
    if (!schema.is_object()) {
      return SchemaError(pointer, "", "a schema must be an object, true or false");
    }
    MAO_RETURN_IF_ERROR(CheckKeywords(schema, pointer));
    const JsonValue plain = WithoutAnnotations(schema);
    for (const std::string_view keyword : {"$ref", "allOf", "anyOf", "oneOf"}) {
      if (const JsonValue* value = plain.Find(keyword)) {
        return Combined(plain, keyword, *value, pointer, next, depth);
      }
    }
    if (plain.Find("const") != nullptr || plain.Find("enum") != nullptr) {
      return Enumerated(plain, pointer, next);
    }
    return Typed(plain, pointer, next, depth);
  }

  // References and applicators: each is taken out of the schema in turn.
  Result<NodeId> Combined(const JsonValue& schema, std::string_view keyword, const JsonValue& value,
                          const std::string& pointer, NodeId next, int depth) {
    JsonValue rest = schema;
    rest.EraseMember(keyword);
    const std::string below = fmt::format("{}/{}", pointer, keyword);
    if (keyword == "$ref") {
      if (rest.names.empty()) {
        MAO_ASSIGN_OR_RETURN(const RuleId rule, RuleOf(value.text, pointer));
        return builder_.Call(rule, next);
      }
      MAO_ASSIGN_OR_RETURN(const JsonValue* target, Resolve(value.text, pointer));
      return Both(*target, value.text, rest, pointer, next, depth);
    }
    if (keyword == "allOf") {
      // One element at a time: what is left of allOf stays in the merged schema.
      const JsonValue first = value.items[0];
      JsonValue others = value;
      others.items.erase(others.items.begin());
      if (!others.items.empty()) rest.SetMember("allOf", std::move(others));
      return Both(first, below, rest, pointer, next, depth);
    }
    std::vector<NodeId> targets;
    for (size_t i = 0; i < value.items.size(); ++i) {
      const std::string place = fmt::format("{}/{}", below, i);
      MAO_ASSIGN_OR_RETURN(const NodeId target,
                           Both(value.items[i], place, rest, place, next, depth));
      targets.push_back(target);
    }
    return builder_.Choice(targets);
  }

  // A schema that stands at `place`, and `rest`, which apply together at `pointer`.
  Result<NodeId> Both(const JsonValue& schema, const std::string& place, const JsonValue& rest,
                      const std::string& pointer, NodeId next, int depth) {
    if (rest.names.empty() || !schema.is_object()) {
      const bool says_nothing = schema.kind == Kind::kBool && schema.boolean;
      return Value(says_nothing ? rest : schema, place, next, depth + 1);
    }
    MAO_RETURN_IF_ERROR(CheckKeywords(schema, place));
    merged_values_ += static_cast<int64_t>(schema.CountValues() + rest.CountValues()) +
                      static_cast<int64_t>(schema.names.size() * rest.names.size());
    if (merged_values_ > kMaxMergedValues) {
      return OutOfRangeError(fmt::format(
          "JSON schema, {}: schemas that apply together have more than {} values in all", pointer,
          kMaxMergedValues));
    }
    MAO_ASSIGN_OR_RETURN(const JsonValue merged, MergeSchemas(rest, schema, place));
    return Value(merged, pointer, next, depth + 1);
  }

  Result<const JsonValue*> Resolve(const std::string& reference, const std::string& pointer) {
    if (!reference.starts_with('#')) {
      return SchemaError(pointer, "$ref", "only references into the same schema (#...)");
    }
    const std::string_view rest = std::string_view(reference).substr(1);
    if (!rest.empty() && rest[0] != '/') {
      return SchemaError(pointer, "$ref", "anchors are not supported");
    }
    const JsonValue* const value = FindByPointer(root_, rest);
    if (value == nullptr) {
      return SchemaError(pointer, "$ref", fmt::format("{} is not there", reference));
    }
    return value;
  }

  Result<RuleId> RuleOf(const std::string& reference, const std::string& pointer) {
    const auto known = rules_.find(reference);
    if (known != rules_.end()) return known->second;
    MAO_ASSIGN_OR_RETURN(const JsonValue* schema, Resolve(reference, pointer));
    const RuleId rule = builder_.AddRule(reference);
    rules_.emplace(reference, rule);
    open_references_.push_back({rule, schema, reference});
    return rule;
  }

  Result<NodeId> Enumerated(const JsonValue& schema, const std::string& pointer, NodeId next) {
    const JsonValue* const constant = schema.Find("const");
    const JsonValue* const values = schema.Find("enum");
    MAO_ASSIGN_OR_RETURN(const std::vector<std::string> types, TypesOf(schema, pointer));
    for (const std::string& name : schema.names) {
      if (name != "const" && name != "enum" && name != "type") {
        return SchemaError(pointer, name, "not supported beside const or enum");
      }
    }
    std::vector<std::string> texts;
    const auto take = [&](const JsonValue& value) {
      const auto fits = [&](const std::string& type) { return IsOfType(value, type); };
      const bool has_type =
          schema.Find("type") == nullptr || std::any_of(types.begin(), types.end(), fits);
      if (has_type) texts.push_back(WriteJsonValue(value));
    };
    if (constant == nullptr) {
      std::for_each(values->items.begin(), values->items.end(), take);
    } else if (values == nullptr || std::find(values->items.begin(), values->items.end(),
                                              *constant) != values->items.end()) {
      take(*constant);
    }
    if (texts.empty()) {
      return SchemaError(pointer, constant != nullptr ? "const" : "enum", "allows no value");
    }
    return builder_.OneOf(std::move(texts), next);
  }

  static Result<std::vector<std::string>> TypesOf(const JsonValue& schema,
                                                  const std::string& pointer) {
    const JsonValue* const type = schema.Find("type");
    if (type == nullptr) return ImpliedTypes(schema);
    std::vector<std::string> types;
    if (type->is_string()) types.push_back(type->text);
    for (const JsonValue& item : type->items) types.push_back(item.text);
    constexpr std::string_view kTypes[] = {"object",  "array",   "string", "number",
                                           "integer", "boolean", "null"};
    for (const std::string& name : types) {
      if (std::find(std::begin(kTypes), std::end(kTypes), name) == std::end(kTypes)) {
        return SchemaError(pointer, "type", fmt::format("\"{}\" is not a type", name));
      }
    }
    if (types.empty()) return SchemaError(pointer, "type", "no type is left");
    std::sort(types.begin(), types.end());
    types.erase(std::unique(types.begin(), types.end()), types.end());
    if (std::find(types.begin(), types.end(), "number") != types.end()) {
      std::erase(types, "integer");
    }
    return types;
  }

  Result<NodeId> Typed(const JsonValue& schema, const std::string& pointer, NodeId next,
                       int depth) {
    MAO_ASSIGN_OR_RETURN(const std::vector<std::string> types, TypesOf(schema, pointer));
    if (types.empty()) return json_.AnyValue(next);
    MAO_RETURN_IF_ERROR(CheckFormat(schema, types, pointer));
    std::vector<NodeId> targets;
    for (const std::string& type : types) {
      MAO_ASSIGN_OR_RETURN(const NodeId target, OfType(type, schema, pointer, next, depth));
      targets.push_back(target);
    }
    return builder_.Choice(targets);
  }

  Result<NodeId> OfType(std::string_view type, const JsonValue& schema, const std::string& pointer,
                        NodeId next, int depth) {
    if (type == "object") return Object(schema, pointer, next, depth);
    if (type == "array") return Array(schema, pointer, next, depth);
    if (type == "string") return String(schema, pointer, next);
    if (type == "number") return Number(schema, pointer, next);
    if (type == "integer") return Integer(schema, pointer, next);
    if (type == "boolean") return builder_.OneOf({"true", "false"}, next);
    return builder_.Literal("null", next);
  }

  // A format speaks of strings or of numbers.
  static Status CheckFormat(const JsonValue& schema, const std::vector<std::string>& types,
                            const std::string& pointer) {
    const JsonValue* const format = schema.Find("format");
    if (format == nullptr) return OkStatus();
    const auto has = [&](std::string_view type) {
      return std::find(types.begin(), types.end(), type) != types.end();
    };
    const std::string& name = format->text;
    const bool of_number =
        name == "int32" || name == "int64" || name == "float" || name == "double";
    if (of_number && (has("integer") || has("number"))) return OkStatus();
    if (!FormatRegex(name).empty()) return OkStatus();
    return SchemaError(pointer, "format",
                       fmt::format("\"{}\" is not supported; known: {}", name, kKnownFormats));
  }

  Result<NodeId> String(const JsonValue& schema, const std::string& pointer, NodeId next) {
    const JsonValue* const pattern = schema.Find("pattern");
    const JsonValue* const format = schema.Find("format");
    const JsonValue* const min = schema.Find("minLength");
    const JsonValue* const max = schema.Find("maxLength");
    const std::string format_regex = format == nullptr ? "" : FormatRegex(format->text);
    if (pattern == nullptr && format_regex.empty()) {
      const uint32_t min_length = CountOf(min, 0);
      const uint32_t max_length = CountOf(max, Grammar::kUnbounded);
      if (min_length > max_length) return SchemaError(pointer, "minLength", "above maxLength");
      return json_.String(min_length, max_length, next);
    }
    const std::string_view keyword = pattern != nullptr ? "pattern" : "format";
    if (min != nullptr || max != nullptr || (pattern != nullptr && !format_regex.empty())) {
      return SchemaError(pointer, keyword,
                         "pattern, format and minLength or maxLength exclude one another here; "
                         "write the length into the pattern");
    }
    const auto tree = ParseRegex(pattern != nullptr ? pattern->text : format_regex);
    if (!tree.ok()) return SchemaError(pointer, keyword, tree.status().message());
    return json_.StringMatching(*tree, next);
  }

  // The least integer that a lower bound allows (sign = 1), or minus the greatest that an upper one
  // allows (sign = -1); within the integers that are written.
  static int64_t IntegerBound(const JsonValue& bound, int sign, bool exclusive) {
    constexpr double kLimit = 2.0 * static_cast<double>(kMaxConstrainedInteger);
    const double value = std::clamp(sign * bound.number, -kLimit, kLimit);
    if (bound.kind == Kind::kInteger && std::abs(bound.number) < kLimit) {
      return sign * bound.integer + (exclusive ? 1 : 0);
    }
    const auto rounded = static_cast<int64_t>(std::ceil(value));
    return exclusive && static_cast<double>(rounded) == value ? rounded + 1 : rounded;
  }

  Result<NodeId> Integer(const JsonValue& schema, const std::string& pointer, NodeId next) {
    int64_t min = -kMaxConstrainedInteger;
    int64_t max = kMaxConstrainedInteger;
    const JsonValue* const format = schema.Find("format");
    if (format != nullptr && format->text == "int32") {
      min = INT32_MIN;
      max = INT32_MAX;
    }
    for (const bool exclusive : {false, true}) {
      if (const auto* low = schema.Find(exclusive ? "exclusiveMinimum" : "minimum")) {
        min = std::max(min, IntegerBound(*low, 1, exclusive));
      }
      if (const auto* high = schema.Find(exclusive ? "exclusiveMaximum" : "maximum")) {
        max = std::min(max, -IntegerBound(*high, -1, exclusive));
      }
    }
    const std::string regex = IntegerRangeRegex(min, max);
    if (regex.empty()) {
      return SchemaError(pointer, "",
                         fmt::format("no integer between the bounds (integers are written with up "
                                     "to 18 digits); they are {} and {}",
                                     min, max));
    }
    return json_.Number(regex, next);
  }

  Result<NodeId> Number(const JsonValue& schema, const std::string& pointer, NodeId next) {
    NumberRange range;
    for (const std::string_view keyword :
         {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
      const JsonValue* const bound = schema.Find(keyword);
      if (bound == nullptr) continue;
      if (bound->kind != Kind::kInteger || std::abs(bound->integer) > kMaxConstrainedInteger) {
        return SchemaError(pointer, keyword,
                           "of a number only whole bounds of up to 18 digits are supported");
      }
      const bool exclusive = keyword[0] == 'e';
      if (keyword.ends_with("inimum")) {
        if (range.has_min && bound->integer < range.min) continue;
        range.without_min = exclusive;
        range.min = bound->integer;
        range.has_min = true;
      } else {
        if (range.has_max && bound->integer > range.max) continue;
        range.without_max = exclusive;
        range.max = bound->integer;
        range.has_max = true;
      }
    }
    const std::string regex = NumberRangeRegex(range);
    if (regex.empty()) return SchemaError(pointer, "", "no number between minimum and maximum");
    return json_.Number(regex, next);
  }

  Result<NodeId> Array(const JsonValue& schema, const std::string& pointer, NodeId next,
                       int depth) {
    const JsonValue* const prefix = schema.Find("prefixItems");
    const JsonValue* const items = schema.Find("items");
    const uint32_t min = CountOf(schema.Find("minItems"), 0);
    const uint32_t max = CountOf(schema.Find("maxItems"), Grammar::kUnbounded);
    if (min > max) return SchemaError(pointer, "minItems", "above maxItems");
    if (max == 0) return builder_.Literal("[]", next);
    // All of prefixItems are written, then what `items` allows.
    const uint32_t num_prefix =
        std::min(max, prefix == nullptr ? 0 : static_cast<uint32_t>(prefix->items.size()));
    const bool no_items = items != nullptr && items->kind == Kind::kBool && !items->boolean;
    if (no_items && min > num_prefix) {
      return SchemaError(pointer, "minItems", "more than prefixItems, and items is false");
    }
    const bool more =
        max > num_prefix && !no_items && (items != nullptr || num_prefix == 0 || min > num_prefix);
    const NodeId close = json_.CloseAfterSpace(']', next);
    NodeId rest = close;
    if (more) {
      const uint32_t min_more = min > num_prefix ? min - num_prefix : 0;
      const uint32_t max_more = max == Grammar::kUnbounded ? max : max - num_prefix;
      MAO_ASSIGN_OR_RETURN(rest, MoreItems(items, pointer + "/items", min_more, max_more,
                                           num_prefix == 0, close, depth));
    }
    for (uint32_t i = num_prefix; i > 0; --i) {
      MAO_ASSIGN_OR_RETURN(
          rest, Value(prefix->items[i - 1], fmt::format("{}/prefixItems/{}", pointer, i - 1), rest,
                      depth + 1));
      rest = i > 1 ? builder_.Literal(",", json_.Space(rest)) : json_.Space(rest);
    }
    const bool may_be_empty = num_prefix == 0 && (!more || min == 0);
    if (may_be_empty) {
      const NodeId empty = builder_.Literal("]", next);
      rest = more ? builder_.Choice({empty, rest}) : empty;
    }
    return builder_.Literal("[", rest);
  }

  // Items between commas, the first of the array among them or not, then `close`. If the array may
  // be empty the caller offers that.
  Result<NodeId> MoreItems(const JsonValue* items, const std::string& pointer, uint32_t min,
                           uint32_t max, bool is_start, NodeId close, int depth) {
    const auto item = [&](NodeId next) -> Result<NodeId> {
      if (items == nullptr) return json_.AnyValue(next);
      return Value(*items, pointer, next, depth + 1);
    };
    if (max == Grammar::kUnbounded && min <= (is_start ? 1 : 0)) {  // a plain loop
      const NodeId after_item = builder_.Forward();
      MAO_ASSIGN_OR_RETURN(const NodeId one, item(after_item));
      const NodeId another = builder_.Literal(",", json_.Space(one));
      builder_.Resolve(after_item, {another, close});
      return is_start ? json_.Space(one) : after_item;
    }
    const RuleId item_rule = builder_.AddRule("an item of " + pointer);
    MAO_ASSIGN_OR_RETURN(const NodeId entry, item(Grammar::kAcceptNode));
    builder_.SetEntry(item_rule, entry);
    const RuleId another_rule = builder_.AddRule("another item of " + pointer);
    builder_.SetEntry(
        another_rule,
        builder_.Literal(",", json_.Space(builder_.Call(item_rule, Grammar::kAcceptNode))));
    if (!is_start) return builder_.Repeat(another_rule, min, max, close);
    const NodeId others = builder_.Repeat(another_rule, min > 0 ? min - 1 : 0,
                                          max == Grammar::kUnbounded ? max : max - 1, close);
    return json_.Space(builder_.Call(item_rule, others));
  }

  struct Member {
    std::string name;
    const JsonValue* schema;  // null: any value
    std::string pointer;
    bool required;
  };

  Result<std::vector<Member>> Members(const JsonValue& schema, const std::string& pointer,
                                      const JsonValue* additional) {
    std::unordered_set<std::string> required;
    if (const JsonValue* names = schema.Find("required")) {
      for (const JsonValue& name : names->items) required.insert(name.text);
    }
    std::vector<Member> members;
    std::unordered_set<std::string> declared;
    if (const JsonValue* properties = schema.Find("properties")) {
      for (size_t i = 0; i < properties->names.size(); ++i) {
        const std::string& name = properties->names[i];
        declared.insert(name);
        members.push_back({name, &properties->items[i],
                           fmt::format("{}/properties/{}", pointer, PointerPart(name)),
                           required.contains(name)});
      }
    }
    const bool closed =
        additional != nullptr && additional->kind == Kind::kBool && !additional->boolean;
    if (const JsonValue* names = schema.Find("required")) {
      for (const JsonValue& name : names->items) {
        if (!declared.insert(name.text).second) continue;
        if (closed) {
          return SchemaError(pointer, "required",
                             fmt::format("\"{}\" is not among the properties, and "
                                         "additionalProperties is false",
                                         name.text));
        }
        members.push_back({name.text, additional, pointer + "/additionalProperties", true});
      }
    }
    for (const Member& member : members) {
      if (member.name.size() <= kMaxNameBytes) continue;
      return OutOfRangeError(fmt::format("JSON schema, {}: a name of {} bytes; the limit is {}",
                                         pointer, member.name.size(), kMaxNameBytes));
    }
    return members;
  }

  Result<NodeId> Object(const JsonValue& schema, const std::string& pointer, NodeId next,
                        int depth) {
    const JsonValue* const additional = schema.Find("additionalProperties");
    MAO_ASSIGN_OR_RETURN(const std::vector<Member> members, Members(schema, pointer, additional));
    const bool is_open = additional != nullptr
                             ? additional->kind != Kind::kBool || additional->boolean
                             : schema.Find("properties") == nullptr && members.empty();
    // What may follow in front of a member, if none has been written (`first`) or one has.
    NodeId later = json_.CloseAfterSpace('}', next);
    NodeId first = builder_.Literal("}", next);
    if (is_open) {
      MAO_ASSIGN_OR_RETURN(const NodeId other,
                           OtherMembers(members, additional, pointer, later, depth));
      later = builder_.Choice({later, builder_.Literal(",", json_.Space(other))});
      first = builder_.Choice({first, json_.Space(other)});
    }
    for (size_t i = members.size(); i > 0; --i) {
      const Member& member = members[i - 1];
      const bool is_false =
          member.schema != nullptr && member.schema->kind == Kind::kBool && !member.schema->boolean;
      if (is_false && !member.required) continue;
      NodeId value = 0;
      if (member.schema == nullptr) {
        value = json_.AnyValue(later);
      } else {
        MAO_ASSIGN_OR_RETURN(value, Value(*member.schema, member.pointer, later, depth + 1));
      }
      const NodeId node = builder_.Literal(WriteJsonString(member.name), json_.Colon(value));
      const NodeId after_comma = builder_.Literal(",", json_.Space(node));
      const NodeId after_brace = json_.Space(node);
      later = member.required ? after_comma : builder_.Choice({after_comma, later});
      first = member.required ? after_brace : builder_.Choice({after_brace, first});
    }
    return builder_.Literal("{", first);
  }

  // Members with other names, then `close`.
  Result<NodeId> OtherMembers(const std::vector<Member>& members, const JsonValue* additional,
                              const std::string& pointer, NodeId close, int depth) {
    const NodeId after_value = builder_.Forward();
    NodeId value = 0;
    if (additional == nullptr) {
      value = json_.AnyValue(after_value);
    } else {
      MAO_ASSIGN_OR_RETURN(
          value, Value(*additional, pointer + "/additionalProperties", after_value, depth + 1));
    }
    std::vector<std::string> names(members.size());
    std::transform(members.begin(), members.end(), names.begin(),
                   [](const Member& member) { return member.name; });
    const NodeId node = names.empty() ? json_.AnyString(json_.Colon(value))
                                      : json_.OtherName(names, json_.Colon(value));
    builder_.Resolve(after_value, {builder_.Literal(",", json_.Space(node)), close});
    return node;
  }

  const JsonValue& root_;
  GrammarBuilder builder_;
  JsonWriter json_;
  std::map<std::string, RuleId> rules_;  // by reference
  std::vector<Reference> open_references_;
  int64_t merged_values_ = 0;
};

}  // namespace

Result<Grammar> CompileJsonSchema(std::string_view schema) {
  auto root = ParseJsonValue(schema);
  if (!root.ok()) return root.status().WithContext("JSON schema");
  return Compiler(*root).Compile();
}

Result<Grammar> CompileAnyJsonObject() {
  GrammarBuilder builder;
  JsonWriter json(builder);
  return builder.Finish(json.AnyObject(Grammar::kEndNode));
}

}  // namespace mao
