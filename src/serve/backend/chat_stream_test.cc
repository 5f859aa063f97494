#include "serve/backend/chat_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ChatStreamTest, Deltas) {
  ChatStream stream(false);
  GenerationOutput output;
  ASSERT_TRUE(
      stream.Take(R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})", output)
          .ok());
  EXPECT_EQ(output.text, "");
  ASSERT_TRUE(stream
                  .Take(R"({"choices":[{"delta":{"content":"a\u00e4"},"finish_reason":null,)"
                        R"("token_ids":[5,6]}]})",
                        output)
                  .ok());
  ASSERT_TRUE(stream.Take(R"({"choices":[{"delta":{"content":null}}],"usage":null})", output).ok());
  EXPECT_EQ(output.text, "a\xC3\xA4");
  EXPECT_THAT(output.token_ids, ElementsAre(5, 6));
  EXPECT_FALSE(stream.is_finished());
  ASSERT_TRUE(
      stream.Take(R"({"choices":[{"delta":{"content":"!"},"finish_reason":"stop"}]})", output)
          .ok());
  EXPECT_TRUE(stream.is_finished());
  ASSERT_TRUE(stream
                  .Take(R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,)"
                        R"("prompt_tokens_details":{"cached_tokens":4}}})",
                        output)
                  .ok());
  EXPECT_FALSE(stream.is_done());
  ASSERT_TRUE(stream.Take("[DONE]", output).ok());
  EXPECT_TRUE(stream.is_done());
  ASSERT_TRUE(stream.Take("anything", output).ok());
  EXPECT_EQ(output.text, "a\xC3\xA4!");
  EXPECT_EQ(stream.num_prompt_tokens(), 7);
  EXPECT_EQ(stream.num_output_tokens(), 3);
  EXPECT_EQ(stream.num_cached_tokens(), 4);
}

TEST(ChatStreamTest, StopReasons) {
  const struct {
    const char* choice;
    StopReason reason;
  } rows[] = {
      {R"("finish_reason":"stop")", StopReason::kEndOfText},
      {R"("finish_reason":"stop","stop_reason":null)", StopReason::kEndOfText},
      {R"("finish_reason":"stop","stop_reason":"END")", StopReason::kStopString},
      {R"("finish_reason":"stop","stop_reason":128799)", StopReason::kStopToken},
      {R"("finish_reason":"length")", StopReason::kMaxTokens},
      {R"("finish_reason":"length","stop_reason":"repetition")", StopReason::kRepetition},
      {R"("finish_reason":"stop","stop_reason":"repetition")", StopReason::kStopString},
      {R"("finish_reason":"repetition")", StopReason::kRepetition},
      {R"("finish_reason":"content_filter")", StopReason::kEndOfText},
  };
  for (const auto& row : rows) {
    ChatStream stream(false);
    GenerationOutput output;
    const std::string event = std::string(R"({"choices":[{"delta":{},)") + row.choice + "}]}";
    ASSERT_TRUE(stream.Take(event, output).ok());
    EXPECT_TRUE(stream.is_finished());
    EXPECT_EQ(stream.stop_reason(), row.reason) << row.choice;
  }
}

TEST(ChatStreamTest, Failures) {
  for (const char* event :
       {"", "{", "[]", "null", "12", R"({"error":{"message":"out of memory","code":500}})",
        R"({"object":"error","message":"x"})", R"({"choices":[{"finish_reason":"abort"}]})",
        R"({"error":"x"})"}) {
    ChatStream stream(false);
    GenerationOutput output;
    EXPECT_EQ(stream.Take(event, output).code(), StatusCode::kUnavailable) << event;
    EXPECT_FALSE(stream.is_finished());
  }
  ChatStream stream(false);
  GenerationOutput output;
  EXPECT_THAT(stream.Take(R"({"error":{"message":"out of memory"}})", output).message(),
              HasSubstr("out of memory"));
}

TEST(ChatStreamTest, StrangeShapesAreNoText) {
  for (const char* event :
       {"{}", R"({"choices":null})", R"({"choices":7})", R"({"choices":[]})", R"({"choices":[7]})",
        R"({"choices":[{"delta":"x"}]})", R"({"choices":[{"delta":{"content":["x"]}}]})",
        R"({"choices":[{"token_ids":["x",null]}]})", R"({"usage":[],"choices":[]})",
        R"({"usage":{"prompt_tokens":-5,"completion_tokens":"x"}})",
        R"({"choices":[{"logprobs":{"content":"x"}}]})"}) {
    ChatStream stream(true);
    GenerationOutput output;
    EXPECT_TRUE(stream.Take(event, output).ok()) << event;
    EXPECT_EQ(output.text, "");
    EXPECT_TRUE(output.token_ids.empty());
    EXPECT_FALSE(stream.is_finished());
    EXPECT_EQ(stream.num_prompt_tokens(), 0);
  }
}

TEST(ChatStreamTest, LogProbabilitiesNeedIds) {
  const std::string with_ids =
      R"({"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"token_id:17",)"
      R"("logprob":-0.5,"top_logprobs":[{"token":"token_id:17","logprob":-0.5},)"
      R"({"token":"token_id:9","logprob":-1.5}]}]}}]})";
  ChatStream stream(true);
  GenerationOutput output;
  ASSERT_TRUE(stream.Take(with_ids, output).ok());
  ASSERT_EQ(output.logprobs.size(), 1);
  EXPECT_EQ(output.logprobs[0].chosen.id, 17);
  EXPECT_EQ(output.logprobs[0].chosen.logprob, -0.5F);
  ASSERT_EQ(output.logprobs[0].top.size(), 2);
  EXPECT_EQ(output.logprobs[0].top[1].id, 9);
  for (const char* token :
       {"a", "token_id:", "token_id:x", "token_id:1x", "token_id:99999999999"}) {
    const std::string event = std::string(R"({"choices":[{"logprobs":{"content":[{"token":")") +
                              token + R"(","logprob":-1}]}}]})";
    EXPECT_EQ(stream.Take(event, output).code(), StatusCode::kUnimplemented) << token;
    EXPECT_TRUE(ChatStream(false).Take(event, output).ok());  // nobody asked for them
  }
}

TEST(ChatStreamTest, ErrorMessages) {
  EXPECT_EQ(RemoteErrorMessage(R"({"error":{"message":"a\nb"}})"), "a b");
  EXPECT_EQ(RemoteErrorMessage(R"({"error":"plain"})"), "plain");
  EXPECT_EQ(RemoteErrorMessage(R"({"message":"top"})"), "top");
  EXPECT_EQ(RemoteErrorMessage(R"({"detail":"fast"})"), "fast");
  EXPECT_EQ(RemoteErrorMessage("<html>no</html>"), "");
  EXPECT_EQ(RemoteErrorMessage("[]"), "");
  EXPECT_EQ(RemoteErrorMessage(R"({"error":{"message":")" + std::string(1000, 'x') + "\"}}"),
            std::string(500, 'x'));
  EXPECT_EQ(RemoteErrorMessage(R"({"error":"x)" + std::string(498, 'y') + "\xC3\xA4\"}"),
            "x" + std::string(498, 'y'));
}

}  // namespace
}  // namespace mao
