#include "engine/constraint/json_writer.h"

#include <algorithm>
#include <vector>

#include "engine/constraint/json_value.h"
#include "engine/constraint/number_range.h"
#include "engine/constraint/regex_writer.h"
#include "text/utf8.h"

namespace mao {
namespace {

constexpr int kMaxIndentSpaces = 32;
constexpr int kMaxIndentTabs = 8;

// What must be escaped in a string.
const CodePointSet& Escaped() {
  static const CodePointSet set = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  return set;
}

CodePointSet Hex() { return {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}; }

}  // namespace

JsonWriter::JsonWriter(GrammarBuilder& builder)
    : builder_(builder),
      space_(builder.AddRule("white space")),
      string_rest_(builder.AddRule("a string", /*self_contained=*/true)),
      character_(builder.AddRule("a character")) {
  const NodeId end = Grammar::kAcceptNode;
  NodeId spaces = end;
  for (int i = 0; i < kMaxIndentSpaces; ++i) {
    spaces = builder_.Optional(builder_.Literal(" ", spaces), end);
  }
  NodeId tabs = builder_.Literal("\t", end);
  for (int i = 1; i < kMaxIndentTabs; ++i) {
    tabs = builder_.Literal("\t", builder_.Optional(tabs, end));
  }
  const NodeId indented_line = builder_.Literal("\n", builder_.Choice({spaces, tabs}));
  builder_.SetEntry(space_, builder_.Choice({builder_.Literal(" ", end), indented_line}));

  builder_.SetEntry(character_, AnyCharacter(end));
  const NodeId rest = builder_.Forward();
  builder_.Resolve(rest, {AnyCharacter(rest), builder_.Literal("\"", end)});
  builder_.SetEntry(string_rest_, rest);
}

NodeId JsonWriter::Space(NodeId next) {
  return builder_.Optional(builder_.Call(space_, next), next);
}

NodeId JsonWriter::Colon(NodeId next) {
  return builder_.Literal(":", builder_.Optional(builder_.Literal(" ", next), next));
}

NodeId JsonWriter::CloseAfterSpace(char bracket, NodeId next) {
  return Space(builder_.Literal(std::string_view(&bracket, 1), next));
}

NodeId JsonWriter::Number(std::string_view regex, NodeId next) {
  const auto tree = ParseRegex(regex);
  if (!tree.ok()) return builder_.Choice({});
  const auto plain = [this](const CodePointSet& set, NodeId after) {
    return builder_.Character(set, after);
  };
  return WriteRegex(*tree, RegexMatch::kWhole, plain, builder_, next);
}

// \uXXXX of a character, or of two surrogates that are a pair.
NodeId JsonWriter::UnicodeEscape(NodeId next) {
  const NodeId hex1 = builder_.Character(Hex(), next);
  const NodeId hex2 = builder_.Character(Hex(), hex1);
  const NodeId hex3 = builder_.Character(Hex(), hex2);
  const CodePointSet d = {{'D', 'D'}, {'d', 'd'}};
  const NodeId low = builder_.Literal(
      "\\u", builder_.Character(d, builder_.Character({{'C', 'F'}, {'c', 'f'}}, hex2)));
  const NodeId low1 = builder_.Character(Hex(), low);
  const NodeId low2 = builder_.Character(Hex(), low1);
  const NodeId high = builder_.Character({{'8', '9'}, {'A', 'B'}, {'a', 'b'}}, low2);
  const NodeId below_surrogates = builder_.Character({{'0', '7'}}, hex2);
  return builder_.Literal(
      "u", builder_.Choice({builder_.Character(Hex().Minus(d), hex3),
                            builder_.Character(d, builder_.Choice({below_surrogates, high}))}));
}

NodeId JsonWriter::AnyCharacter(NodeId next) {
  const CodePointSet short_escapes = {{'"', '"'}, {'/', '/'}, {'\\', '\\'}, {'b', 'b'},
                                      {'f', 'f'}, {'n', 'n'}, {'r', 'r'},   {'t', 't'}};
  const NodeId escape = builder_.Literal(
      "\\", builder_.Choice({builder_.Character(short_escapes, next), UnicodeEscape(next)}));
  return builder_.Choice({builder_.Character(CodePointSet::All().Minus(Escaped()), next), escape});
}

NodeId JsonWriter::CharacterOf(const CodePointSet& set, NodeId next) {
  std::vector<NodeId> targets;
  const CodePointSet plain = set.Minus(Escaped());
  if (!plain.empty()) targets.push_back(builder_.Character(plain, next));
  std::vector<std::string> escapes;
  for (const CodePointRange& range : Escaped().ranges()) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      if (!set.Contains(c)) continue;
      std::string escape = WriteJsonString(std::string(1, static_cast<char>(c)));
      escapes.push_back(escape.substr(1, escape.size() - 2));
    }
  }
  if (!escapes.empty()) targets.push_back(builder_.OneOf(std::move(escapes), next));
  return builder_.Choice(targets);
}

NodeId JsonWriter::AnyString(NodeId next) {
  return builder_.Literal("\"", builder_.Call(string_rest_, next));
}

NodeId JsonWriter::String(uint32_t min_length, uint32_t max_length, NodeId next) {
  if (min_length == 0 && max_length == Grammar::kUnbounded) return AnyString(next);
  const RuleId rule = builder_.AddRule("a string of limited length", /*self_contained=*/true);
  builder_.SetEntry(rule, builder_.Repeat(character_, min_length, max_length,
                                          builder_.Literal("\"", Grammar::kAcceptNode)));
  return builder_.Literal("\"", builder_.Call(rule, next));
}

NodeId JsonWriter::StringMatching(const RegexTree& tree, NodeId next) {
  const RuleId rule = builder_.AddRule("a string with a pattern", /*self_contained=*/true);
  const auto in_string = [this](const CodePointSet& set, NodeId after) {
    return CharacterOf(set, after);
  };
  builder_.SetEntry(rule, WriteRegex(tree, RegexMatch::kAnywhere, in_string, builder_,
                                     builder_.Literal("\"", Grammar::kAcceptNode)));
  return builder_.Literal("\"", builder_.Call(rule, next));
}

NodeId JsonWriter::OtherName(std::span<const std::string> names, NodeId next) {
  std::vector<std::u32string> forbidden;
  for (const std::string& name : names) {
    std::u32string& characters = forbidden.emplace_back();
    for (size_t pos = 0; pos < name.size();) {
      const Utf8Char c = DecodeUtf8(name, pos);
      characters.push_back(c.code_point);
      pos += c.size;
    }
  }
  std::sort(forbidden.begin(), forbidden.end());
  forbidden.erase(std::unique(forbidden.begin(), forbidden.end()), forbidden.end());
  const RuleId rule = builder_.AddRule("another member's name", /*self_contained=*/true);
  const NodeId quote = builder_.Literal("\"", Grammar::kAcceptNode);
  const NodeId rest = builder_.Forward();
  builder_.Resolve(rest, {builder_.Character(CodePointSet::All().Minus(Escaped()), rest), quote});
  builder_.SetEntry(rule, NameWithout(forbidden, 0, rest, quote));
  return builder_.Literal("\"", builder_.Call(rule, next));
}

// The names that agree with all of `names` (sorted, distinct) in `depth` characters and are none of
// them; any_rest: what follows once a name differs from all.
NodeId JsonWriter::NameWithout(std::span<const std::u32string> names, size_t depth, NodeId any_rest,
                               NodeId quote) {
  if (builder_.over_limit()) return quote;
  if (names.empty()) return any_rest;
  std::vector<NodeId> targets;
  size_t begin = 0;
  if (names[0].size() == depth) {
    begin = 1;
  } else {
    targets.push_back(quote);
  }
  std::vector<CodePointRange> taken;
  while (begin < names.size()) {
    const char32_t c = names[begin][depth];
    size_t end = begin + 1;
    while (end < names.size() && names[end][depth] == c) ++end;
    if (!Escaped().Contains(c)) {
      taken.push_back({c, c});
      targets.push_back(builder_.Character(
          {{c, c}}, NameWithout(names.subspan(begin, end - begin), depth + 1, any_rest, quote)));
    }
    begin = end;
  }
  const CodePointSet others =
      CodePointSet::All().Minus(Escaped()).Minus(CodePointSet(std::move(taken)));
  targets.push_back(builder_.Character(others, any_rest));
  return builder_.Choice(targets);
}

NodeId JsonWriter::AnyObject(NodeId next) {
  const NodeId after_value = builder_.Forward();
  const NodeId member = AnyString(Colon(AnyValue(after_value)));
  builder_.Resolve(after_value, {CloseAfterSpace('}', next), builder_.Literal(",", Space(member))});
  return builder_.Literal("{", builder_.Choice({builder_.Literal("}", next), Space(member)}));
}

NodeId JsonWriter::AnyArray(NodeId next) {
  const NodeId after_value = builder_.Forward();
  const NodeId value = AnyValue(after_value);
  builder_.Resolve(after_value, {CloseAfterSpace(']', next), builder_.Literal(",", Space(value))});
  return builder_.Literal("[", builder_.Choice({builder_.Literal("]", next), Space(value)}));
}

NodeId JsonWriter::AnyValue(NodeId next) {
  if (!any_value_) {
    any_value_ = builder_.AddRule("any value");
    const NodeId end = Grammar::kAcceptNode;
    builder_.SetEntry(*any_value_,
                      builder_.Choice({AnyObject(end), AnyArray(end), AnyString(end),
                                       Number(NumberRangeRegex({}), end),
                                       builder_.OneOf({"true", "false", "null"}, end)}));
  }
  return builder_.Call(*any_value_, next);
}

}  // namespace mao
