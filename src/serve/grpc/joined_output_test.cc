#include "serve/grpc/joined_output.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

GenerationOutput Output(const std::string& text) { return {text, {1}, {}}; }

TEST(JoinedOutputTest, JoinsWhatComesWhileAPieceIsOnItsWay) {
  JoinedOutput output;
  EXPECT_FALSE(output.Next().has_value());
  output.Add(Output("a"));
  const auto first = output.Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->text, "a");
  EXPECT_EQ(first->num_tokens, 1);
  output.Add(Output("b"));
  output.Add(Output("c"));
  EXPECT_FALSE(output.Next().has_value());
  output.Written(true);
  const auto second = output.Next();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->text, "bc");
  EXPECT_EQ(second->num_tokens, 2);
}

TEST(JoinedOutputTest, TheEndComesAfterTheText) {
  JoinedOutput output;
  output.Add(Output("a"));
  Generation answer;
  answer.text = "a";
  output.End(answer);
  const auto text = output.Next();
  ASSERT_TRUE(text.has_value());
  EXPECT_FALSE(text->end.has_value());
  output.Written(true);
  const auto end = output.Next();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->text, "");
  ASSERT_TRUE(end->end.has_value());
  ASSERT_TRUE(end->end->ok());
  EXPECT_EQ((*end->end)->text, "a");
  EXPECT_FALSE(output.Next().has_value());
  output.Written(true);
  EXPECT_FALSE(output.Next().has_value());
}

TEST(JoinedOutputTest, TokensWithoutTextWaitForIt) {
  JoinedOutput output;
  output.Add(Output(""));
  EXPECT_FALSE(output.Next().has_value());
  output.Add(Output("ü"));
  const auto piece = output.Next();
  ASSERT_TRUE(piece.has_value());
  EXPECT_EQ(piece->num_tokens, 2);
}

TEST(JoinedOutputTest, AfterTheClientHasGoneOnlyTheEndComes) {
  JoinedOutput output;
  output.Add(Output("a"));
  ASSERT_TRUE(output.Next().has_value());
  output.Add(Output("b"));
  output.Written(false);
  EXPECT_FALSE(output.Next().has_value());
  output.Add(Output("c"));
  EXPECT_FALSE(output.Next().has_value());
  output.End(Generation());
  const auto end = output.Next();
  ASSERT_TRUE(end.has_value() && end->end.has_value());
  EXPECT_EQ(end->end->status().code(), StatusCode::kCancelled);
}

TEST(JoinedOutputTest, AnEndThatWaitedBecomesCancelledWhenTheClientGoes) {
  JoinedOutput output;
  output.Add(Output("a"));
  ASSERT_TRUE(output.Next().has_value());
  output.End(Generation());
  output.Written(false);
  const auto end = output.Next();
  ASSERT_TRUE(end.has_value() && end->end.has_value());
  EXPECT_EQ(end->end->status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace mao
