// For tests: grammars as yes-or-no questions about texts.
#ifndef MAOOCR_ENGINE_CONSTRAINT_GRAMMAR_FOR_TEST_H_
#define MAOOCR_ENGINE_CONSTRAINT_GRAMMAR_FOR_TEST_H_

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "engine/constraint/pushdown.h"
#include "engine/constraint/regex_writer.h"

namespace mao {

inline Grammar GrammarOfRegex(std::string_view regex) {
  const auto tree = ParseRegex(regex);
  EXPECT_TRUE(tree.ok()) << regex << ": " << tree.status().ToString();
  if (!tree.ok()) return {};
  GrammarBuilder builder;
  const auto plain = [&builder](const CodePointSet& set, NodeId next) {
    return builder.Character(set, next);
  };
  auto grammar =
      builder.Finish(WriteRegex(*tree, RegexMatch::kWhole, plain, builder, Grammar::kEndNode));
  EXPECT_TRUE(grammar.ok()) << regex << ": " << grammar.status().ToString();
  return grammar.ok() ? *std::move(grammar) : Grammar();
}

// One grammar and the states met so far.
class Matcher {
 public:
  explicit Matcher(Grammar grammar) : grammar_(std::move(grammar)), pushdown_(grammar_, 16) {
    pushdown_.set_budget(int64_t{1} << 40);
  }

  // Bytes that are the beginning of an allowed text; all of `text` if it is one itself.
  size_t LongestPrefix(std::string_view text) {
    Pushdown::StateId state = pushdown_.start();
    for (size_t i = 0; i < text.size(); ++i) {
      state = pushdown_.Step(state, static_cast<uint8_t>(text[i]));
      if (state == Pushdown::kDead) return i;
      largest_state_ = std::max(largest_state_, pushdown_.items(state).size());
    }
    return text.size();
  }
  bool IsPrefix(std::string_view text) { return LongestPrefix(text) == text.size(); }
  bool Matches(std::string_view text) {
    Pushdown::StateId state = pushdown_.start();
    for (const char c : text) state = pushdown_.Step(state, static_cast<uint8_t>(c));
    return pushdown_.IsComplete(state);
  }
  // Items of the largest state met by LongestPrefix.
  size_t LargestState() const { return largest_state_; }

 private:
  Grammar grammar_;
  Pushdown pushdown_;
  size_t largest_state_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_GRAMMAR_FOR_TEST_H_
