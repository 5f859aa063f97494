// The syntax tree of a document (GraphQL specification October 2021, section 2 and 3). Texts are
// views into the document's source or into its decoded strings, so nodes live as long as it does.
#ifndef MAOOCR_SERVE_GRAPHQL_AST_H_
#define MAOOCR_SERVE_GRAPHQL_AST_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/graphql/error.h"
#include "serve/graphql/type_shape.h"

namespace mao::graphql {

struct Name {
  std::string_view text;  // empty where the name is optional and absent
  uint32_t offset = 0;
};

struct NamedValue;

struct Value {
  enum class Kind : uint8_t {
    kVariable,
    kInt,
    kFloat,
    kString,
    kBoolean,
    kNull,
    kEnum,
    kList,
    kObject,
  };
  Kind kind = Kind::kNull;
  bool is_block = false;  // a string written with """
  uint32_t offset = 0;
  // A variable's or enum value's name, a number as it is written, a decoded string, true or false.
  std::string_view text;
  std::vector<Value> items;
  std::vector<NamedValue> fields;
};

// An argument or a field of an input object.
struct NamedValue {
  Name name;
  Value value;
};

struct Directive {
  uint32_t offset = 0;
  Name name;
  std::vector<NamedValue> arguments;
};

struct TypeNode {
  Name name;
  TypeShape shape;
  uint32_t offset = 0;
};

struct Selection;

struct SelectionSet {
  uint32_t offset = 0;
  std::vector<Selection> selections;  // empty only where there is no set
};

struct Selection {
  enum class Kind : uint8_t { kField, kFragmentSpread, kInlineFragment };
  Kind kind = Kind::kField;
  uint32_t offset = 0;
  Name alias;
  Name name;  // of the field or fragment; an inline fragment's type condition, which may be absent
  std::vector<NamedValue> arguments;
  std::vector<Directive> directives;
  SelectionSet selection_set;

  std::string_view response_key() const { return alias.text.empty() ? name.text : alias.text; }
};

enum class OperationType : uint8_t { kQuery, kMutation, kSubscription };

// "query" and so on.
std::string_view OperationTypeName(OperationType type);

struct VariableDefinition {
  uint32_t offset = 0;
  Name name;
  TypeNode type;
  std::optional<Value> default_value;
  std::vector<Directive> directives;
};

struct OperationDefinition {
  OperationType type = OperationType::kQuery;
  uint32_t offset = 0;
  Name name;
  std::vector<VariableDefinition> variables;
  std::vector<Directive> directives;
  SelectionSet selection_set;
};

struct FragmentDefinition {
  uint32_t offset = 0;
  Name name;
  Name type_condition;
  std::vector<Directive> directives;
  SelectionSet selection_set;
};

// An argument of a field or directive, or a field of an input object.
struct InputValueDefinition {
  std::optional<std::string_view> description;
  Name name;
  TypeNode type;
  std::optional<Value> default_value;
  std::vector<Directive> directives;
};

struct FieldDefinition {
  std::optional<std::string_view> description;
  Name name;
  std::vector<InputValueDefinition> arguments;
  TypeNode type;
  std::vector<Directive> directives;
};

struct EnumValueDefinition {
  std::optional<std::string_view> description;
  Name name;
  std::vector<Directive> directives;
};

struct RootTypeDefinition {
  OperationType operation = OperationType::kQuery;
  Name type;
};

// A definition or extension of the type system; which lists are filled depends on its kind.
struct TypeDefinition {
  enum class Kind : uint8_t {
    kSchema,
    kScalar,
    kObject,
    kInterface,
    kUnion,
    kEnum,
    kInput,
    kDirective,
  };
  Kind kind = Kind::kSchema;
  bool is_extension = false;
  bool is_repeatable = false;  // a directive
  uint32_t offset = 0;
  std::optional<std::string_view> description;
  Name name;  // absent for a schema
  std::vector<Directive> directives;
  std::vector<Name> names;  // interfaces implemented, members of a union, locations of a directive
  std::vector<FieldDefinition> fields;
  std::vector<InputValueDefinition> inputs;  // fields of an input object, arguments of a directive
  std::vector<EnumValueDefinition> values;
  std::vector<RootTypeDefinition> root_types;
};

struct Document {
  Document() = default;
  Document(const Document&) = delete;  // nodes point into it
  Document& operator=(const Document&) = delete;

  std::string source;
  std::deque<std::string> strings;  // decoded strings that differ from what the source says
  std::vector<OperationDefinition> operations;
  std::vector<FragmentDefinition> fragments;
  std::vector<TypeDefinition> type_definitions;

  // Once `source` is there, and before LocationOf.
  void IndexSource();
  Location LocationOf(uint32_t offset) const;

 private:
  // Known places every few kilobytes, so that a hundred errors in one long line cost no hundred
  // walks along it.
  std::vector<std::pair<uint32_t, Location>> places_;
};

// The value as it is written in a document, on one line, abbreviated when it is long.
std::string PrintValue(const Value& value);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_AST_H_
