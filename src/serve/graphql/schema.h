// The type system of a service, read from its SDL text.
#ifndef MAOOCR_SERVE_GRAPHQL_SCHEMA_H_
#define MAOOCR_SERVE_GRAPHQL_SCHEMA_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "serve/graphql/ast.h"
#include "serve/graphql/scalars.h"
#include "serve/graphql/type_shape.h"

namespace mao::graphql {

struct NamedType;

struct TypeRef {
  const NamedType* type = nullptr;
  TypeShape shape;

  std::string Text() const;
};

// An argument, or a field of an input object.
struct InputValue {
  std::string name;
  std::optional<std::string> description;
  TypeRef type;
  std::shared_ptr<const Json> default_value;  // coerced; null if there is none
  std::optional<std::string> deprecation_reason;

  bool IsRequired() const { return type.shape.IsNonNull() && default_value == nullptr; }
};

struct Field {
  std::string name;
  std::optional<std::string> description;
  std::vector<InputValue> arguments;
  TypeRef type;
  std::optional<std::string> deprecation_reason;

  const InputValue* FindArgument(std::string_view argument) const;
};

struct EnumValue {
  std::string name;
  std::optional<std::string> description;
  std::optional<std::string> deprecation_reason;
};

struct NamedType {
  enum class Kind : uint8_t { kScalar, kObject, kUnion, kEnum, kInput };
  Kind kind = Kind::kScalar;
  std::string name;
  std::optional<std::string> description;
  std::optional<std::string> specified_by_url;  // a scalar's
  const ScalarCodec* codec = nullptr;           // a scalar's
  std::vector<Field> fields;                    // an object's
  std::vector<InputValue> inputs;               // an input object's
  std::vector<EnumValue> values;                // an enum's
  std::vector<const NamedType*> members;        // a union's

  bool IsLeaf() const { return kind == Kind::kScalar || kind == Kind::kEnum; }
  bool IsComposite() const { return kind == Kind::kObject || kind == Kind::kUnion; }
  bool IsInput() const { return IsLeaf() || kind == Kind::kInput; }
  bool IsOutput() const { return kind != Kind::kInput; }

  const Field* FindField(std::string_view field) const;
  const InputValue* FindInput(std::string_view input) const;
  const EnumValue* FindValue(std::string_view value) const;
  // The objects that a value of this composite type may be.
  bool CanBe(const NamedType* object) const;
};

struct DirectiveType {
  std::string name;
  std::optional<std::string> description;
  std::vector<InputValue> arguments;
  std::vector<std::string> locations;
  bool is_repeatable = false;

  bool AllowsLocation(std::string_view location) const;
};

class Schema {
 public:
  // Reads scalars, objects, enums, input objects, unions, directives and `schema`, with
  // descriptions, defaults, @deprecated and @specifiedBy. Interfaces and `extend` are not supported.
  // Every custom scalar is one of CommonScalars() or comes with a codec in `scalars`. An error says
  // what is wrong at which line of the text.
  static Result<std::shared_ptr<const Schema>> FromSdl(std::string_view sdl,
                                                       const ScalarCodecs& scalars = {});

  // Null if there is none of that name.
  const NamedType* FindType(std::string_view name) const;
  const DirectiveType* FindDirective(std::string_view name) const;
  // Null if the service has no such operations; never for queries.
  const NamedType* RootType(OperationType operation) const;
  // A field of a composite type, with __typename, and __schema and __type at the query root.
  const Field* FindField(const NamedType& parent, std::string_view name) const;

  // All types in the order of the SDL, then the built-in scalars in use and introspection's.
  const std::deque<NamedType>& types() const { return types_; }
  const std::deque<DirectiveType>& directives() const { return directives_; }
  const std::optional<std::string>& description() const { return description_; }

 private:
  friend class SchemaBuilder;
  Schema() = default;

  ScalarCodecs codecs_;
  std::deque<NamedType> types_;
  std::unordered_map<std::string_view, const NamedType*> types_by_name_;
  std::deque<DirectiveType> directives_;
  const NamedType* roots_[3] = {};
  Field typename_field_;
  Field schema_field_;
  Field type_field_;
  std::optional<std::string> description_;
};

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_SCHEMA_H_
