// Schema::FromSdl: from definitions to types. Names come first, then members, then default values,
// which need the types of all members; last the rules that look at the whole.
#include <map>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/coercion.h"
#include "serve/graphql/introspection_sdl.h"
#include "serve/graphql/parser.h"
#include "serve/graphql/schema.h"

namespace mao::graphql {
namespace {

// SDL is ours, not a client's.
constexpr Limits kSdlLimits = {
    .max_document_bytes = 4 << 20, .max_tokens = 1'000'000, .max_directives = 100'000};

std::optional<std::string> Owned(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<NamedType::Kind> KindOf(const TypeDefinition& definition) {
  switch (definition.kind) {
    case TypeDefinition::Kind::kScalar:
      return NamedType::Kind::kScalar;
    case TypeDefinition::Kind::kObject:
      return NamedType::Kind::kObject;
    case TypeDefinition::Kind::kUnion:
      return NamedType::Kind::kUnion;
    case TypeDefinition::Kind::kEnum:
      return NamedType::Kind::kEnum;
    case TypeDefinition::Kind::kInput:
      return NamedType::Kind::kInput;
    default:
      return std::nullopt;
  }
}

}  // namespace

class SchemaBuilder {
 public:
  explicit SchemaBuilder(const ScalarCodecs& scalars) : schema_(new Schema) {
    schema_->codecs_ = scalars;
    schema_->codecs_.insert(CommonScalars().begin(), CommonScalars().end());
  }

  Result<std::shared_ptr<const Schema>> Build(std::string_view sdl) {
    MAO_RETURN_IF_ERROR(ParseInto(sdl, user_));
    MAO_RETURN_IF_ERROR(ParseInto(kIntrospectionSdl, builtin_));
    MAO_RETURN_IF_ERROR(DeclareAll(*user_));
    MAO_RETURN_IF_ERROR(DeclareAll(*builtin_));
    MAO_RETURN_IF_ERROR(DefineAll(*user_));
    MAO_RETURN_IF_ERROR(DefineAll(*builtin_));
    for (const NamedType& type : schema_->types_) MAO_RETURN_IF_ERROR(FillInputDefaults(type));
    for (const Default& pending : other_defaults_) MAO_RETURN_IF_ERROR(FillDefault(pending));
    MAO_RETURN_IF_ERROR(SetRoots());
    MAO_RETURN_IF_ERROR(CheckInputCycles());
    AddMetaFields();
    return std::shared_ptr<const Schema>(schema_);
  }

 private:
  struct Default {
    InputValue* input;
    const Value* literal;
  };

  Status Refuse(uint32_t offset, std::string_view reason) const {
    const Location at = current_->LocationOf(offset);
    return InvalidArgumentError(fmt::format("schema:{}:{}: {}", at.line, at.column, reason));
  }

  Status ParseInto(std::string_view sdl, std::shared_ptr<const Document>& document) {
    Error error;
    document = ParseDocument(std::string(sdl), kSdlLimits, error);
    if (document == nullptr) {
      const Location at = error.locations.empty() ? Location() : error.locations[0];
      return InvalidArgumentError(
          fmt::format("schema:{}:{}: {}", at.line, at.column, error.message));
    }
    current_ = document.get();
    if (!document->operations.empty()) {
      return Refuse(document->operations[0].offset, "operations are no part of a schema");
    }
    if (!document->fragments.empty()) {
      return Refuse(document->fragments[0].offset, "fragments are no part of a schema");
    }
    return OkStatus();
  }

  // Names that the specification keeps for itself.
  Status CheckName(const Name& name) const {
    if (current_ == builtin_.get() || !name.text.starts_with("__")) return OkStatus();
    return Refuse(name.offset,
                  fmt::format("\"{}\": names with __ in front are reserved", name.text));
  }

  template <typename List>
  Status CheckUnique(const List& named, std::string_view what) const {
    std::set<std::string_view> seen;
    for (const auto& item : named) {
      MAO_RETURN_IF_ERROR(CheckName(item.name));
      if (!seen.insert(item.name.text).second) {
        return Refuse(item.name.offset,
                      fmt::format("there is more than one {} \"{}\"", what, item.name.text));
      }
    }
    return OkStatus();
  }

  NamedType& AddType(NamedType::Kind kind, std::string_view name) {
    NamedType& type = schema_->types_.emplace_back();
    type.kind = kind;
    type.name = name;
    schema_->types_by_name_.emplace(type.name, &type);
    return type;
  }

  Status DeclareAll(const Document& document) {
    current_ = &document;
    for (const TypeDefinition& definition : document.type_definitions) {
      if (definition.is_extension) {
        return Refuse(definition.offset, "extensions are not supported");
      }
      if (definition.kind == TypeDefinition::Kind::kInterface) {
        return Refuse(definition.offset, "interfaces are not supported");
      }
      if (const auto kind = KindOf(definition)) {
        MAO_RETURN_IF_ERROR(DeclareType(definition, *kind));
      }
    }
    return OkStatus();
  }

  Status DeclareType(const TypeDefinition& definition, NamedType::Kind kind) {
    const Name& name = definition.name;
    MAO_RETURN_IF_ERROR(CheckName(name));
    if (schema_->FindType(name.text) != nullptr || BuiltinScalars().contains(name.text)) {
      return Refuse(name.offset, fmt::format("there is more than one type \"{}\"", name.text));
    }
    NamedType& type = AddType(kind, name.text);
    type.description = Owned(definition.description);
    definitions_.emplace(&definition, &type);
    if (kind != NamedType::Kind::kScalar) return OkStatus();
    const auto codec = schema_->codecs_.find(name.text);
    if (codec == schema_->codecs_.end()) {
      return Refuse(name.offset, fmt::format("there is no codec for scalar \"{}\"", name.text));
    }
    type.codec = &codec->second;
    return OkStatus();
  }

  Status DefineAll(const Document& document) {
    current_ = &document;
    for (const TypeDefinition& definition : document.type_definitions) {
      MAO_RETURN_IF_ERROR(Define(definition));
    }
    return OkStatus();
  }

  Status Define(const TypeDefinition& definition) {
    switch (definition.kind) {
      case TypeDefinition::Kind::kSchema:
        return DefineSchema(definition);
      case TypeDefinition::Kind::kScalar:
        return DefineScalar(definition);
      case TypeDefinition::Kind::kObject:
        return DefineObject(definition);
      case TypeDefinition::Kind::kUnion:
        return DefineUnion(definition);
      case TypeDefinition::Kind::kEnum:
        return DefineEnum(definition);
      case TypeDefinition::Kind::kInput:
        return DefineInput(definition);
      case TypeDefinition::Kind::kDirective:
        return DefineDirective(definition);
      case TypeDefinition::Kind::kInterface:
        break;  // refused before
    }
    return OkStatus();
  }

  Status DefineSchema(const TypeDefinition& definition) {
    if (schema_definition_ != nullptr) {
      return Refuse(definition.offset, "there is more than one schema definition");
    }
    MAO_RETURN_IF_ERROR(ReadDirectives(definition.directives, {}));
    schema_definition_ = &definition;
    schema_->description_ = Owned(definition.description);
    return OkStatus();
  }

  Status DefineScalar(const TypeDefinition& definition) {
    return ReadDirectives(definition.directives,
                          {{"specifiedBy", &definitions_.at(&definition)->specified_by_url}});
  }

  Status DefineObject(const TypeDefinition& definition) {
    NamedType& type = *definitions_.at(&definition);
    MAO_RETURN_IF_ERROR(ReadDirectives(definition.directives, {}));
    if (!definition.names.empty()) {
      return Refuse(definition.names[0].offset, "interfaces are not supported");
    }
    if (definition.fields.empty()) {
      return Refuse(definition.offset, fmt::format("type \"{}\" has no fields", type.name));
    }
    MAO_RETURN_IF_ERROR(CheckUnique(definition.fields, "field"));
    type.fields.reserve(definition.fields.size());
    for (const FieldDefinition& node : definition.fields) {
      Field& field = type.fields.emplace_back();
      field.name = node.name.text;
      field.description = Owned(node.description);
      MAO_RETURN_IF_ERROR(
          ReadDirectives(node.directives, {{"deprecated", &field.deprecation_reason}}));
      MAO_ASSIGN_OR_RETURN(field.type, ResolveType(node.type));
      if (!field.type.type->IsOutput()) {
        return Refuse(node.type.offset, fmt::format("\"{}\" is no output type", field.type.Text()));
      }
      MAO_RETURN_IF_ERROR(ReadInputs(node.arguments, "argument", field.arguments));
      KeepDefaults(node.arguments, field.arguments, other_defaults_);
    }
    return OkStatus();
  }

  Status DefineUnion(const TypeDefinition& definition) {
    NamedType& type = *definitions_.at(&definition);
    MAO_RETURN_IF_ERROR(ReadDirectives(definition.directives, {}));
    if (definition.names.empty()) {
      return Refuse(definition.offset, fmt::format("union \"{}\" has no members", type.name));
    }
    for (const Name& name : definition.names) {
      const NamedType* const member = schema_->FindType(name.text);
      if (member == nullptr || member->kind != NamedType::Kind::kObject) {
        return Refuse(name.offset, fmt::format("\"{}\" is no object type", name.text));
      }
      if (type.CanBe(member)) {
        return Refuse(name.offset, fmt::format("\"{}\" is a member twice", name.text));
      }
      type.members.push_back(member);
    }
    return OkStatus();
  }

  Status DefineEnum(const TypeDefinition& definition) {
    NamedType& type = *definitions_.at(&definition);
    MAO_RETURN_IF_ERROR(ReadDirectives(definition.directives, {}));
    if (definition.values.empty()) {
      return Refuse(definition.offset, fmt::format("enum \"{}\" has no values", type.name));
    }
    MAO_RETURN_IF_ERROR(CheckUnique(definition.values, "value"));
    for (const EnumValueDefinition& node : definition.values) {
      EnumValue& value = type.values.emplace_back();
      value.name = node.name.text;
      value.description = Owned(node.description);
      MAO_RETURN_IF_ERROR(
          ReadDirectives(node.directives, {{"deprecated", &value.deprecation_reason}}));
    }
    return OkStatus();
  }

  Status DefineInput(const TypeDefinition& definition) {
    NamedType& type = *definitions_.at(&definition);
    MAO_RETURN_IF_ERROR(ReadDirectives(definition.directives, {}));
    if (definition.inputs.empty()) {
      return Refuse(definition.offset, fmt::format("input \"{}\" has no fields", type.name));
    }
    MAO_RETURN_IF_ERROR(ReadInputs(definition.inputs, "field", type.inputs));
    KeepDefaults(definition.inputs, type.inputs, input_defaults_[&type]);
    return OkStatus();
  }

  Status DefineDirective(const TypeDefinition& definition) {
    MAO_RETURN_IF_ERROR(CheckName(definition.name));
    if (schema_->FindDirective(definition.name.text) != nullptr) {
      return Refuse(definition.name.offset,
                    fmt::format("there is more than one directive \"@{}\"", definition.name.text));
    }
    DirectiveType& directive = schema_->directives_.emplace_back();
    directive.name = definition.name.text;
    directive.description = Owned(definition.description);
    directive.is_repeatable = definition.is_repeatable;
    for (const Name& location : definition.names) directive.locations.emplace_back(location.text);
    MAO_RETURN_IF_ERROR(ReadInputs(definition.inputs, "argument", directive.arguments));
    KeepDefaults(definition.inputs, directive.arguments, other_defaults_);
    return OkStatus();
  }

  Result<TypeRef> ResolveType(const TypeNode& node) {
    const NamedType* type = schema_->FindType(node.name.text);
    const auto scalar = BuiltinScalars().find(node.name.text);
    if (type == nullptr && scalar != BuiltinScalars().end()) {
      // Only built-in scalars that are used are part of a schema (specification 3.5).
      NamedType& added = AddType(NamedType::Kind::kScalar, node.name.text);
      added.codec = &scalar->second;
      type = &added;
    }
    if (type == nullptr) {
      return Refuse(node.name.offset, fmt::format("there is no type \"{}\"", node.name.text));
    }
    return TypeRef{type, node.shape};
  }

  Status ReadInputs(const std::vector<InputValueDefinition>& nodes, std::string_view what,
                    std::vector<InputValue>& inputs) {
    MAO_RETURN_IF_ERROR(CheckUnique(nodes, what));
    inputs.reserve(nodes.size());
    for (const InputValueDefinition& node : nodes) {
      InputValue& input = inputs.emplace_back();
      input.name = node.name.text;
      input.description = Owned(node.description);
      MAO_RETURN_IF_ERROR(
          ReadDirectives(node.directives, {{"deprecated", &input.deprecation_reason}}));
      MAO_ASSIGN_OR_RETURN(input.type, ResolveType(node.type));
      if (!input.type.type->IsInput()) {
        return Refuse(node.type.offset, fmt::format("\"{}\" is no input type", input.type.Text()));
      }
      const bool is_required = input.type.shape.IsNonNull() && !node.default_value;
      if (is_required && input.deprecation_reason) {
        return Refuse(node.name.offset,
                      fmt::format("\"{}\" is required, so it cannot be deprecated", input.name));
      }
    }
    return OkStatus();
  }

  // `inputs` does not grow any more.
  static void KeepDefaults(const std::vector<InputValueDefinition>& nodes,
                           std::vector<InputValue>& inputs, std::vector<Default>& defaults) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].default_value) defaults.push_back({&inputs[i], &*nodes[i].default_value});
    }
  }

  // The directives that mean something at this place; each sets a text from its only argument.
  Status ReadDirectives(const std::vector<Directive>& directives,
                        const std::map<std::string_view, std::optional<std::string>*>& known) {
    for (const Directive& directive : directives) {
      const auto found = known.find(directive.name.text);
      if (found == known.end()) {
        return Refuse(directive.offset,
                      fmt::format("directive \"@{}\" means nothing here", directive.name.text));
      }
      const bool is_deprecated = directive.name.text == "deprecated";
      const std::string_view argument = is_deprecated ? "reason" : "url";
      if (directive.arguments.empty() && is_deprecated) {
        *found->second = "No longer supported";
        continue;
      }
      if (directive.arguments.size() != 1 || directive.arguments[0].name.text != argument ||
          directive.arguments[0].value.kind != Value::Kind::kString) {
        return Refuse(directive.offset, fmt::format("directive \"@{}\" takes one string, \"{}\"",
                                                    directive.name.text, argument));
      }
      *found->second = std::string(directive.arguments[0].value.text);
    }
    return OkStatus();
  }

  // The defaults of an input object's fields; first those of the objects in these defaults.
  Status FillInputDefaults(const NamedType& type) {
    const auto pending = input_defaults_.find(&type);
    if (pending == input_defaults_.end() || !filled_.insert(&type).second) return OkStatus();
    filling_.insert(&type);
    for (const Default& field : pending->second) {
      MAO_RETURN_IF_ERROR(FillWhatIsIn(*field.literal, *field.input->type.type));
      MAO_RETURN_IF_ERROR(FillDefault(field));
    }
    filling_.erase(&type);
    return OkStatus();
  }

  Status FillWhatIsIn(const Value& literal, const NamedType& type) {
    for (const Value& item : literal.items) MAO_RETURN_IF_ERROR(FillWhatIsIn(item, type));
    if (literal.kind != Value::Kind::kObject) return OkStatus();
    if (filling_.contains(&type)) {
      return InvalidArgumentError(
          fmt::format("schema: a default of input \"{}\" contains itself", type.name));
    }
    MAO_RETURN_IF_ERROR(FillInputDefaults(type));
    for (const NamedValue& field : literal.fields) {
      const InputValue* const input = type.FindInput(field.name.text);
      if (input != nullptr) MAO_RETURN_IF_ERROR(FillWhatIsIn(field.value, *input->type.type));
    }
    return OkStatus();
  }

  Status FillDefault(const Default& pending) const {
    auto value = CoerceLiteral(*pending.literal, pending.input->type, nullptr);
    if (!value) {
      return InvalidArgumentError(fmt::format("schema: the default of \"{}\", {}, is no {}",
                                              pending.input->name, PrintValue(*pending.literal),
                                              pending.input->type.Text()));
    }
    pending.input->default_value = std::make_shared<const Json>(*std::move(value));
    return OkStatus();
  }

  Status SetRoots() {
    current_ = user_.get();
    if (schema_definition_ == nullptr) {
      schema_->roots_[0] = schema_->FindType("Query");
      schema_->roots_[1] = schema_->FindType("Mutation");
      schema_->roots_[2] = schema_->FindType("Subscription");
    } else {
      for (const RootTypeDefinition& root : schema_definition_->root_types) {
        const NamedType*& slot = schema_->roots_[static_cast<size_t>(root.operation)];
        if (slot != nullptr) return Refuse(root.type.offset, "there is a second root of this kind");
        slot = schema_->FindType(root.type.text);
        if (slot == nullptr) {
          return Refuse(root.type.offset, fmt::format("there is no type \"{}\"", root.type.text));
        }
      }
    }
    std::set<const NamedType*> seen;
    for (const NamedType* root : schema_->roots_) {
      if (root == nullptr) continue;
      if (root->kind != NamedType::Kind::kObject) {
        return InvalidArgumentError(
            fmt::format("schema: root type \"{}\" is no object type", root->name));
      }
      if (!seen.insert(root).second) {
        return InvalidArgumentError(fmt::format("schema: \"{}\" is a root twice", root->name));
      }
    }
    if (schema_->roots_[0] == nullptr)
      return InvalidArgumentError("schema: there is no query root");
    return OkStatus();
  }

  // No value could ever fit an input object that requires itself (specification 3.10).
  Status CheckInputCycles() const {
    std::set<const NamedType*> checked;
    for (const NamedType& type : schema_->types_) {
      std::set<const NamedType*> path;
      MAO_RETURN_IF_ERROR(CheckInputCycle(type, path, checked));
    }
    return OkStatus();
  }

  static Status CheckInputCycle(const NamedType& type, std::set<const NamedType*>& path,
                                std::set<const NamedType*>& checked) {
    if (checked.contains(&type)) return OkStatus();
    if (!path.insert(&type).second) {
      return InvalidArgumentError(fmt::format("schema: input \"{}\" requires itself", type.name));
    }
    for (const InputValue& input : type.inputs) {
      if (!input.type.shape.IsList() && input.type.shape.IsNonNull()) {
        MAO_RETURN_IF_ERROR(CheckInputCycle(*input.type.type, path, checked));
      }
    }
    path.erase(&type);
    checked.insert(&type);
    return OkStatus();
  }

  // What every composite type, and the query root, has besides its own fields.
  void AddMetaFields() {
    const TypeRef string = {schema_->FindType("String"), {0, 1}};
    schema_->typename_field_ = {"__typename", std::nullopt, {}, string, std::nullopt};
    const TypeRef schema = {schema_->FindType("__Schema"), {0, 1}};
    schema_->schema_field_ = {"__schema", std::nullopt, {}, schema, std::nullopt};
    const TypeRef type = {schema_->FindType("__Type"), {}};
    schema_->type_field_ = {"__type", std::nullopt, {}, type, std::nullopt};
    schema_->type_field_.arguments.push_back({"name", std::nullopt, string, nullptr, std::nullopt});
  }

  std::shared_ptr<Schema> schema_;
  std::shared_ptr<const Document> user_;
  std::shared_ptr<const Document> builtin_;
  const Document* current_ = nullptr;  // whose offsets Refuse() is given
  std::map<const TypeDefinition*, NamedType*> definitions_;
  const TypeDefinition* schema_definition_ = nullptr;
  std::map<const NamedType*, std::vector<Default>> input_defaults_;
  std::vector<Default> other_defaults_;
  std::set<const NamedType*> filled_;
  std::set<const NamedType*> filling_;
};

Result<std::shared_ptr<const Schema>> Schema::FromSdl(std::string_view sdl,
                                                      const ScalarCodecs& scalars) {
  return SchemaBuilder(scalars).Build(sdl);
}

}  // namespace mao::graphql
