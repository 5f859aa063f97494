// The parser's state, shared by parser.cc (executable definitions) and type_system_parser.cc.
//
// Every Parse function reads one construct from the current token on and returns false after the
// first error, which stops everything.
#ifndef MAOOCR_SERVE_GRAPHQL_PARSER_STATE_H_
#define MAOOCR_SERVE_GRAPHQL_PARSER_STATE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/graphql/ast.h"
#include "serve/graphql/lexer.h"
#include "serve/graphql/limits.h"

namespace mao::graphql {

class Parser {
 public:
  Parser(Document& document, const Limits& limits)
      : document_(document), limits_(limits), lexer_(document.source, document.strings) {}

  [[nodiscard]] bool ParseDefinitions();

  const std::string& error_message() const { return error_message_; }
  uint32_t error_offset() const { return error_offset_; }

 private:
  enum class Constness : uint8_t { kVariable, kConst };

  // Tokens.
  bool Fail(uint32_t offset, std::string message);
  bool Unexpected() { return Unexpected(token_); }
  bool Unexpected(const Token& token);
  bool Advance();
  bool Peek(TokenKind kind) const { return token_.kind == kind; }
  bool PeekKeyword(std::string_view word) const {
    return token_.kind == TokenKind::kName && token_.text == word;
  }
  bool PeekDescription() const { return Peek(TokenKind::kString) || Peek(TokenKind::kBlockString); }
  bool Expect(TokenKind kind);
  bool ExpectKeyword(std::string_view word);
  // Sets `found`, and goes on behind the token if it is there.
  bool Skip(TokenKind kind, bool& found);
  bool SkipKeyword(std::string_view word, bool& found);
  bool EnterNesting(uint32_t offset);
  void LeaveNesting() { --depth_; }

  // `open` item+ `close`, each item by `parse`, which appends to a list.
  template <typename Parse>
  bool Many(TokenKind open, TokenKind close, const Parse& parse) {
    if (!Expect(open)) return false;
    for (bool closed = false; !closed;) {
      if (!parse() || !Skip(close, closed)) return false;
    }
    return true;
  }
  template <typename Parse>
  bool OptionalMany(TokenKind open, TokenKind close, const Parse& parse) {
    return !Peek(open) || Many(open, close, parse);
  }

  // item* `close`, nested one level deeper; the current token opens.
  template <typename Parse>
  bool Nested(TokenKind close, const Parse& parse) {
    if (!EnterNesting(token_.offset) || !Advance()) return false;
    for (bool closed = false; Skip(close, closed);) {
      if (closed) {
        LeaveNesting();
        return true;
      }
      if (!parse()) return false;
    }
    return false;
  }

  // Executable definitions (parser.cc).
  bool ParseDefinition();
  bool ParseName(Name& name);
  bool ParseDescription(std::optional<std::string_view>& description);
  bool ParseOperationType(OperationType& type);
  bool ParseOperation(uint32_t offset);
  bool ParseVariableDefinition(std::vector<VariableDefinition>& variables);
  bool ParseFragmentDefinition(uint32_t offset);
  bool ParseFragmentName(Name& name);
  bool ParseSelectionSet(SelectionSet& set);
  bool ParseSelection(std::vector<Selection>& selections);
  bool ParseField(Selection& field);
  bool ParseFragment(Selection& fragment);
  bool ParseArguments(Constness constness, std::vector<NamedValue>& arguments);
  bool ParseDirectives(Constness constness, std::vector<Directive>& directives);
  bool ParseNamedValue(Constness constness, std::vector<NamedValue>& values);
  bool ParseValue(Constness constness, Value& value);
  bool ParseVariableValue(Constness constness, Value& value);
  bool ParseType(TypeNode& type);
  bool ParseTypeBelow(uint32_t lists_around, TypeNode& type);

  // Type system definitions (type_system_parser.cc).
  std::optional<TypeDefinition::Kind> PeekTypeSystemKeyword() const;
  bool ParseTypeSystemDefinition(TypeDefinition definition);
  bool ParseExtension();
  bool ParseTypeSystemBody(TypeDefinition& definition);
  bool ParseDirectiveDefinition(TypeDefinition& definition);
  bool ParseDirectiveLocation(std::vector<Name>& locations);
  bool ParseRootType(std::vector<RootTypeDefinition>& root_types);
  bool ParseImplements(std::vector<Name>& interfaces);
  // name (separator name)*, with an optional separator in front.
  bool ParseNames(TokenKind separator, std::vector<Name>& names);
  bool ParseFieldDefinition(std::vector<FieldDefinition>& fields);
  bool ParseInputValueDefinition(std::vector<InputValueDefinition>& inputs);
  bool ParseEnumValueDefinition(std::vector<EnumValueDefinition>& values);

  Document& document_;
  const Limits& limits_;
  Lexer lexer_;
  Token token_;
  size_t num_tokens_ = 0;
  size_t num_directives_ = 0;
  size_t depth_ = 0;
  std::string error_message_;
  uint32_t error_offset_ = 0;
};

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_PARSER_STATE_H_
