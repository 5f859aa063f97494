#include "serve/graphql/parser.h"

#include <algorithm>

#include <fmt/core.h>

#include "serve/graphql/parser_state.h"
#include "text/utf8.h"

namespace mao::graphql {

bool Parser::Fail(uint32_t offset, std::string message) {
  error_offset_ = offset;
  error_message_ = std::move(message);
  return false;
}

bool Parser::Unexpected(const Token& token) {
  return Fail(token.offset, fmt::format("Unexpected {}.", TokenText(token)));
}

bool Parser::Advance() {
  if (!lexer_.Next(token_)) return Fail(lexer_.error_offset(), lexer_.error_message());
  if (token_.kind != TokenKind::kEof && ++num_tokens_ > limits_.max_tokens) {
    return Fail(
        token_.offset,
        fmt::format("Document contains more than {} tokens. Parsing aborted.", limits_.max_tokens));
  }
  if (Peek(TokenKind::kName) && token_.text.size() > limits_.max_name_bytes) {
    return Fail(token_.offset, fmt::format("Name has {} bytes; the limit is {}. Parsing aborted.",
                                           token_.text.size(), limits_.max_name_bytes));
  }
  return true;
}

bool Parser::Expect(TokenKind kind) {
  if (Peek(kind)) return Advance();
  return Fail(token_.offset,
              fmt::format("Expected {}, found {}.", TokenKindText(kind), TokenText(token_)));
}

bool Parser::ExpectKeyword(std::string_view word) {
  if (PeekKeyword(word)) return Advance();
  return Fail(token_.offset, fmt::format("Expected \"{}\", found {}.", word, TokenText(token_)));
}

bool Parser::Skip(TokenKind kind, bool& found) {
  found = Peek(kind);
  return !found || Advance();
}

bool Parser::SkipKeyword(std::string_view word, bool& found) {
  found = PeekKeyword(word);
  return !found || Advance();
}

bool Parser::EnterNesting(uint32_t offset) {
  if (++depth_ <= limits_.max_depth) return true;
  return Fail(offset, fmt::format("Document is nested deeper than {} levels. Parsing aborted.",
                                  limits_.max_depth));
}

bool Parser::ParseDefinitions() {
  if (!Advance()) return false;
  do {
    if (!ParseDefinition()) return false;
  } while (!Peek(TokenKind::kEof));
  return true;
}

bool Parser::ParseDefinition() {
  const Token start = token_;
  std::optional<std::string_view> description;
  if (!ParseDescription(description)) return false;
  if (Peek(TokenKind::kBraceL)) {
    if (!description) return ParseOperation(start.offset);
    return Fail(start.offset,
                "Unexpected description, descriptions are not supported on shorthand queries.");
  }
  if (const auto kind = PeekTypeSystemKeyword()) {
    TypeDefinition definition;
    definition.kind = *kind;
    definition.offset = start.offset;
    definition.description = description;
    return ParseTypeSystemDefinition(std::move(definition));
  }
  if (PeekKeyword("query") || PeekKeyword("mutation") || PeekKeyword("subscription")) {
    return ParseOperation(start.offset);
  }
  if (PeekKeyword("fragment")) return ParseFragmentDefinition(start.offset);
  if (description && Peek(TokenKind::kName)) {
    return Fail(start.offset,
                "Unexpected description, only GraphQL definitions support descriptions.");
  }
  if (PeekKeyword("extend")) return ParseExtension();
  return Unexpected();
}

bool Parser::ParseName(Name& name) {
  name = {token_.text, token_.offset};
  return Expect(TokenKind::kName);
}

bool Parser::ParseDescription(std::optional<std::string_view>& description) {
  if (!PeekDescription()) return true;
  description = token_.text;
  return Advance();
}

bool Parser::ParseOperationType(OperationType& type) {
  const Token token = token_;
  if (!Expect(TokenKind::kName)) return false;
  for (const auto known :
       {OperationType::kQuery, OperationType::kMutation, OperationType::kSubscription}) {
    if (token.text == OperationTypeName(known)) {
      type = known;
      return true;
    }
  }
  return Unexpected(token);
}

bool Parser::ParseOperation(uint32_t offset) {
  OperationDefinition operation;
  operation.offset = offset;
  if (!Peek(TokenKind::kBraceL)) {
    if (!ParseOperationType(operation.type)) return false;
    if (Peek(TokenKind::kName) && !ParseName(operation.name)) return false;
    if (!OptionalMany(TokenKind::kParenL, TokenKind::kParenR,
                      [&] { return ParseVariableDefinition(operation.variables); }) ||
        !ParseDirectives(Constness::kVariable, operation.directives)) {
      return false;
    }
  }
  if (!ParseSelectionSet(operation.selection_set)) return false;
  document_.operations.push_back(std::move(operation));
  return true;
}

bool Parser::ParseVariableDefinition(std::vector<VariableDefinition>& variables) {
  VariableDefinition variable;
  variable.offset = token_.offset;
  std::optional<std::string_view> description;
  bool has_default = false;
  if (!ParseDescription(description) || !Expect(TokenKind::kDollar) || !ParseName(variable.name) ||
      !Expect(TokenKind::kColon) || !ParseType(variable.type) ||
      !Skip(TokenKind::kEquals, has_default)) {
    return false;
  }
  if (has_default && !ParseValue(Constness::kConst, variable.default_value.emplace())) return false;
  if (!ParseDirectives(Constness::kConst, variable.directives)) return false;
  variables.push_back(std::move(variable));
  return true;
}

bool Parser::ParseFragmentDefinition(uint32_t offset) {
  FragmentDefinition fragment;
  fragment.offset = offset;
  if (!ExpectKeyword("fragment") || !ParseFragmentName(fragment.name) || !ExpectKeyword("on") ||
      !ParseName(fragment.type_condition) ||
      !ParseDirectives(Constness::kVariable, fragment.directives) ||
      !ParseSelectionSet(fragment.selection_set)) {
    return false;
  }
  document_.fragments.push_back(std::move(fragment));
  return true;
}

bool Parser::ParseFragmentName(Name& name) {
  return PeekKeyword("on") ? Unexpected() : ParseName(name);
}

bool Parser::ParseSelectionSet(SelectionSet& set) {
  set.offset = token_.offset;
  if (!EnterNesting(token_.offset) || !Many(TokenKind::kBraceL, TokenKind::kBraceR,
                                            [&] { return ParseSelection(set.selections); })) {
    return false;
  }
  LeaveNesting();
  return true;
}

bool Parser::ParseSelection(std::vector<Selection>& selections) {
  Selection selection;
  selection.offset = token_.offset;
  if (!(Peek(TokenKind::kSpread) ? ParseFragment(selection) : ParseField(selection))) return false;
  selections.push_back(std::move(selection));
  return true;
}

bool Parser::ParseField(Selection& field) {
  bool has_alias = false;
  if (!ParseName(field.name) || !Skip(TokenKind::kColon, has_alias)) return false;
  if (has_alias) {
    field.alias = field.name;
    if (!ParseName(field.name)) return false;
  }
  return ParseArguments(Constness::kVariable, field.arguments) &&
         ParseDirectives(Constness::kVariable, field.directives) &&
         (!Peek(TokenKind::kBraceL) || ParseSelectionSet(field.selection_set));
}

bool Parser::ParseFragment(Selection& fragment) {
  bool has_condition = false;
  if (!Expect(TokenKind::kSpread) || !SkipKeyword("on", has_condition)) return false;
  if (!has_condition && Peek(TokenKind::kName)) {
    fragment.kind = Selection::Kind::kFragmentSpread;
    return ParseName(fragment.name) && ParseDirectives(Constness::kVariable, fragment.directives);
  }
  fragment.kind = Selection::Kind::kInlineFragment;
  return (!has_condition || ParseName(fragment.name)) &&
         ParseDirectives(Constness::kVariable, fragment.directives) &&
         ParseSelectionSet(fragment.selection_set);
}

bool Parser::ParseArguments(Constness constness, std::vector<NamedValue>& arguments) {
  return OptionalMany(TokenKind::kParenL, TokenKind::kParenR,
                      [&] { return ParseNamedValue(constness, arguments); });
}

bool Parser::ParseNamedValue(Constness constness, std::vector<NamedValue>& values) {
  NamedValue named;
  if (!ParseName(named.name) || !Expect(TokenKind::kColon) || !ParseValue(constness, named.value)) {
    return false;
  }
  values.push_back(std::move(named));
  return true;
}

bool Parser::ParseDirectives(Constness constness, std::vector<Directive>& directives) {
  while (Peek(TokenKind::kAt)) {
    Directive directive;
    directive.offset = token_.offset;
    if (++num_directives_ > limits_.max_directives) {
      return Fail(token_.offset,
                  fmt::format("Document contains more than {} directives. Parsing aborted.",
                              limits_.max_directives));
    }
    if (!Advance() || !ParseName(directive.name) ||
        !ParseArguments(constness, directive.arguments)) {
      return false;
    }
    directives.push_back(std::move(directive));
  }
  return true;
}

bool Parser::ParseValue(Constness constness, Value& value) {
  value.offset = token_.offset;
  value.text = token_.text;
  switch (token_.kind) {
    case TokenKind::kBracketL:
      value.kind = Value::Kind::kList;
      return Nested(TokenKind::kBracketR,
                    [&] { return ParseValue(constness, value.items.emplace_back()); });
    case TokenKind::kBraceL:
      value.kind = Value::Kind::kObject;
      return Nested(TokenKind::kBraceR, [&] { return ParseNamedValue(constness, value.fields); });
    case TokenKind::kInt:
      value.kind = Value::Kind::kInt;
      return Advance();
    case TokenKind::kFloat:
      value.kind = Value::Kind::kFloat;
      return Advance();
    case TokenKind::kString:
    case TokenKind::kBlockString:
      value.kind = Value::Kind::kString;
      value.is_block = token_.kind == TokenKind::kBlockString;
      return Advance();
    case TokenKind::kName:
      value.kind = token_.text == "null"                             ? Value::Kind::kNull
                   : token_.text == "true" || token_.text == "false" ? Value::Kind::kBoolean
                                                                     : Value::Kind::kEnum;
      return Advance();
    case TokenKind::kDollar:
      return ParseVariableValue(constness, value);
    default:
      return Unexpected();
  }
}

bool Parser::ParseVariableValue(Constness constness, Value& value) {
  const Token dollar = token_;
  Name name;
  if (constness == Constness::kVariable) {
    if (!Advance() || !ParseName(name)) return false;
    value.kind = Value::Kind::kVariable;
    value.text = name.text;
    return true;
  }
  if (!Advance()) return false;
  if (!Peek(TokenKind::kName)) return Unexpected(dollar);
  return Fail(dollar.offset,
              fmt::format("Unexpected variable \"${}\" in constant value.", token_.text));
}

bool Parser::ParseType(TypeNode& type) {
  type.offset = token_.offset;
  return ParseTypeBelow(0, type);
}

// Sets the shape from the named type outwards.
bool Parser::ParseTypeBelow(uint32_t lists_around, TypeNode& type) {
  if (Peek(TokenKind::kBracketL)) {
    if (lists_around >= std::min<size_t>(limits_.max_depth, TypeShape::kMaxListDepth)) {
      return Fail(token_.offset, "Type is a list of too many lists. Parsing aborted.");
    }
    if (!Advance() || !ParseTypeBelow(lists_around + 1, type) || !Expect(TokenKind::kBracketR)) {
      return false;
    }
    ++type.shape.list_depth;
  } else if (!ParseName(type.name)) {
    return false;
  }
  bool non_null = false;
  if (!Skip(TokenKind::kBang, non_null)) return false;
  if (non_null) type.shape.non_null |= 1u << type.shape.list_depth;
  return true;
}

std::shared_ptr<const Document> ParseDocument(std::string source, const Limits& limits,
                                              Error& error) {
  error = {};
  error.code = kParseFailed;
  if (source.size() > limits.max_document_bytes) {
    error.message = fmt::format("Document has {} bytes; the limit is {}.", source.size(),
                                limits.max_document_bytes);
    return nullptr;
  }
  auto document = std::make_shared<Document>();
  document->source = std::move(source);
  document->IndexSource();
  const size_t well_formed = ValidUtf8Prefix(document->source);
  if (well_formed < document->source.size()) {
    error.message = "Syntax Error: Document is not valid UTF-8.";
    error.locations = {document->LocationOf(static_cast<uint32_t>(well_formed))};
    return nullptr;
  }
  Parser parser(*document, limits);
  if (!parser.ParseDefinitions()) {
    error.message = "Syntax Error: " + parser.error_message();
    error.locations = {document->LocationOf(parser.error_offset())};
    return nullptr;
  }
  return document;
}

}  // namespace mao::graphql
