// The type system half of the parser (specification October 2021, section 3).
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "serve/graphql/parser_state.h"

namespace mao::graphql {
namespace {

constexpr std::array<std::string_view, 8> kKeywords = {"schema", "scalar", "type",  "interface",
                                                       "union",  "enum",   "input", "directive"};

constexpr std::array<std::string_view, 19> kDirectiveLocations = {"QUERY",
                                                                  "MUTATION",
                                                                  "SUBSCRIPTION",
                                                                  "FIELD",
                                                                  "FRAGMENT_DEFINITION",
                                                                  "FRAGMENT_SPREAD",
                                                                  "INLINE_FRAGMENT",
                                                                  "VARIABLE_DEFINITION",
                                                                  "SCHEMA",
                                                                  "SCALAR",
                                                                  "OBJECT",
                                                                  "FIELD_DEFINITION",
                                                                  "ARGUMENT_DEFINITION",
                                                                  "INTERFACE",
                                                                  "UNION",
                                                                  "ENUM",
                                                                  "ENUM_VALUE",
                                                                  "INPUT_OBJECT",
                                                                  "INPUT_FIELD_DEFINITION"};

// An extension has to say something.
bool IsEmpty(const TypeDefinition& definition) {
  return definition.directives.empty() && definition.names.empty() && definition.fields.empty() &&
         definition.inputs.empty() && definition.values.empty() && definition.root_types.empty();
}

}  // namespace

std::optional<TypeDefinition::Kind> Parser::PeekTypeSystemKeyword() const {
  if (!Peek(TokenKind::kName)) return std::nullopt;
  const auto* const found = std::find(kKeywords.begin(), kKeywords.end(), token_.text);
  if (found == kKeywords.end()) return std::nullopt;
  return static_cast<TypeDefinition::Kind>(found - kKeywords.begin());
}

bool Parser::ParseTypeSystemDefinition(TypeDefinition definition) {
  if (!Advance()) return false;
  if (definition.kind == TypeDefinition::Kind::kDirective) {
    if (!ParseDirectiveDefinition(definition)) return false;
  } else {
    if (definition.kind != TypeDefinition::Kind::kSchema && !ParseName(definition.name)) {
      return false;
    }
    if (!ParseTypeSystemBody(definition)) return false;
    if (definition.is_extension && IsEmpty(definition)) return Unexpected();
  }
  document_.type_definitions.push_back(std::move(definition));
  return true;
}

bool Parser::ParseExtension() {
  TypeDefinition definition;
  definition.offset = token_.offset;
  definition.is_extension = true;
  if (!Advance()) return false;
  const auto kind = PeekTypeSystemKeyword();
  if (!kind || *kind == TypeDefinition::Kind::kDirective) return Unexpected();
  definition.kind = *kind;
  return ParseTypeSystemDefinition(std::move(definition));
}

// What follows the name: interfaces, directives and members.
bool Parser::ParseTypeSystemBody(TypeDefinition& definition) {
  using Kind = TypeDefinition::Kind;
  const bool has_fields = definition.kind == Kind::kObject || definition.kind == Kind::kInterface;
  if (has_fields && !ParseImplements(definition.names)) return false;
  if (!ParseDirectives(Constness::kConst, definition.directives)) return false;
  const auto in_braces = [this](const auto& parse) {
    return OptionalMany(TokenKind::kBraceL, TokenKind::kBraceR, parse);
  };
  switch (definition.kind) {
    case Kind::kSchema: {
      const auto parse = [&] { return ParseRootType(definition.root_types); };
      return definition.is_extension ? in_braces(parse)
                                     : Many(TokenKind::kBraceL, TokenKind::kBraceR, parse);
    }
    case Kind::kObject:
    case Kind::kInterface:
      return in_braces([&] { return ParseFieldDefinition(definition.fields); });
    case Kind::kInput:
      return in_braces([&] { return ParseInputValueDefinition(definition.inputs); });
    case Kind::kEnum:
      return in_braces([&] { return ParseEnumValueDefinition(definition.values); });
    case Kind::kUnion: {
      bool has_members = false;
      return Skip(TokenKind::kEquals, has_members) &&
             (!has_members || ParseNames(TokenKind::kPipe, definition.names));
    }
    case Kind::kScalar:
    case Kind::kDirective:
      return true;
  }
  return true;
}

bool Parser::ParseDirectiveDefinition(TypeDefinition& definition) {
  bool found = false;
  if (!Expect(TokenKind::kAt) || !ParseName(definition.name) ||
      !OptionalMany(TokenKind::kParenL, TokenKind::kParenR,
                    [&] { return ParseInputValueDefinition(definition.inputs); }) ||
      !SkipKeyword("repeatable", definition.is_repeatable) || !ExpectKeyword("on") ||
      !Skip(TokenKind::kPipe, found)) {
    return false;
  }
  do {
    if (!ParseDirectiveLocation(definition.names) || !Skip(TokenKind::kPipe, found)) return false;
  } while (found);
  return true;
}

bool Parser::ParseDirectiveLocation(std::vector<Name>& locations) {
  const Token token = token_;
  if (!ParseName(locations.emplace_back())) return false;
  const bool is_known = std::find(kDirectiveLocations.begin(), kDirectiveLocations.end(),
                                  token.text) != kDirectiveLocations.end();
  return is_known || Unexpected(token);
}

bool Parser::ParseRootType(std::vector<RootTypeDefinition>& root_types) {
  RootTypeDefinition root;
  if (!ParseOperationType(root.operation) || !Expect(TokenKind::kColon) || !ParseName(root.type)) {
    return false;
  }
  root_types.push_back(root);
  return true;
}

bool Parser::ParseImplements(std::vector<Name>& interfaces) {
  bool found = false;
  return SkipKeyword("implements", found) && (!found || ParseNames(TokenKind::kAmp, interfaces));
}

bool Parser::ParseNames(TokenKind separator, std::vector<Name>& names) {
  bool found = false;
  if (!Skip(separator, found)) return false;
  do {
    if (!ParseName(names.emplace_back()) || !Skip(separator, found)) return false;
  } while (found);
  return true;
}

bool Parser::ParseFieldDefinition(std::vector<FieldDefinition>& fields) {
  FieldDefinition field;
  if (!ParseDescription(field.description) || !ParseName(field.name) ||
      !OptionalMany(TokenKind::kParenL, TokenKind::kParenR,
                    [&] { return ParseInputValueDefinition(field.arguments); }) ||
      !Expect(TokenKind::kColon) || !ParseType(field.type) ||
      !ParseDirectives(Constness::kConst, field.directives)) {
    return false;
  }
  fields.push_back(std::move(field));
  return true;
}

bool Parser::ParseInputValueDefinition(std::vector<InputValueDefinition>& inputs) {
  InputValueDefinition input;
  bool has_default = false;
  if (!ParseDescription(input.description) || !ParseName(input.name) ||
      !Expect(TokenKind::kColon) || !ParseType(input.type) ||
      !Skip(TokenKind::kEquals, has_default)) {
    return false;
  }
  if (has_default && !ParseValue(Constness::kConst, input.default_value.emplace())) return false;
  if (!ParseDirectives(Constness::kConst, input.directives)) return false;
  inputs.push_back(std::move(input));
  return true;
}

bool Parser::ParseEnumValueDefinition(std::vector<EnumValueDefinition>& values) {
  EnumValueDefinition value;
  if (!ParseDescription(value.description)) return false;
  if (PeekKeyword("true") || PeekKeyword("false") || PeekKeyword("null")) {
    return Fail(token_.offset, fmt::format("{} is reserved and cannot be used for an enum value.",
                                           TokenText(token_)));
  }
  if (!ParseName(value.name) || !ParseDirectives(Constness::kConst, value.directives)) return false;
  values.push_back(std::move(value));
  return true;
}

}  // namespace mao::graphql
