#include "serve/grpc/joined_output.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

using Output = JoinedOutput<std::string>;

TEST(JoinedOutputTest, JoinsWhatComesWhileAPieceIsOnItsWay) {
  Output output;
  EXPECT_FALSE(output.Next().has_value());
  output.Add({"a", 1});
  const auto first = output.Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->text, "a");
  EXPECT_EQ(first->num_tokens, 1);
  output.Add({"b", 1});
  output.Add({"c", 1});
  EXPECT_FALSE(output.Next().has_value());
  output.Written(true);
  const auto second = output.Next();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->text, "bc");
  EXPECT_EQ(second->num_tokens, 2);
}

TEST(JoinedOutputTest, TheEndComesAfterTheText) {
  Output output;
  output.Add({"a", 1});
  output.End(std::string("whole"));
  const auto text = output.Next();
  ASSERT_TRUE(text.has_value());
  EXPECT_FALSE(text->end.has_value());
  output.Written(true);
  const auto end = output.Next();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->text, "");
  ASSERT_TRUE(end->end.has_value());
  ASSERT_TRUE(end->end->ok());
  EXPECT_EQ(**end->end, "whole");
  EXPECT_FALSE(output.Next().has_value());
  output.Written(true);
  EXPECT_FALSE(output.Next().has_value());
}

TEST(JoinedOutputTest, MarksStandBetweenTexts) {
  JoinedOutput<std::string, int> output;
  output.Add({"", 1, 1});
  output.Add({.mark = 7});
  output.Add({"a", 1, 2});
  output.Add({"b", 1, 2});
  output.Add({.mark = 8});
  output.End(std::string("whole"));
  EXPECT_EQ(output.Next()->mark, 7);  // there was no text before it
  EXPECT_FALSE(output.Next().has_value());
  output.Written(true);
  const auto text = output.Next();
  EXPECT_EQ(text->text, "ab");
  EXPECT_EQ(text->page, 2);
  EXPECT_FALSE(text->mark.has_value());
  output.Written(true);
  EXPECT_EQ(output.Next()->mark, 8);
  output.Written(false);
  EXPECT_EQ(output.Next()->end->status().code(), StatusCode::kCancelled);
}

TEST(JoinedOutputTest, TokensWithoutTextWaitForIt) {
  Output output;
  output.Add({"", 1});
  EXPECT_FALSE(output.Next().has_value());
  output.Add({"ü", 1});
  const auto piece = output.Next();
  ASSERT_TRUE(piece.has_value());
  EXPECT_EQ(piece->num_tokens, 2);
}

TEST(JoinedOutputTest, AfterTheClientHasGoneOnlyTheEndComes) {
  Output output;
  output.Add({"a", 1});
  ASSERT_TRUE(output.Next().has_value());
  output.Add({"b", 1});
  output.Written(false);
  EXPECT_FALSE(output.Next().has_value());
  output.Add({"c", 1});
  EXPECT_FALSE(output.Next().has_value());
  output.End(std::string());
  const auto end = output.Next();
  ASSERT_TRUE(end.has_value() && end->end.has_value());
  EXPECT_EQ(end->end->status().code(), StatusCode::kCancelled);
}

TEST(JoinedOutputTest, AnEndThatWaitedBecomesCancelledWhenTheClientGoes) {
  Output output;
  output.Add({"a", 1});
  ASSERT_TRUE(output.Next().has_value());
  output.End(std::string());
  output.Written(false);
  const auto end = output.Next();
  ASSERT_TRUE(end.has_value() && end->end.has_value());
  EXPECT_EQ(end->end->status().code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace mao
