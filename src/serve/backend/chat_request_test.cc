#include "serve/backend/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao {
namespace {

using nlohmann::json;

GenerationRequest WithImage(std::string file, std::vector<PromptPiece> prompt) {
  GenerationRequest request;
  request.image.bytes = std::make_shared<const std::string>(std::move(file));
  request.prompt = std::move(prompt);
  return request;
}

TEST(ChatRequestTest, MediaTypes) {
  EXPECT_EQ(ImageMediaType("\x89PNG\r\n\x1A\n"), "image/png");
  EXPECT_EQ(ImageMediaType("\xFF\xD8\xFF\xE0"), "image/jpeg");
  EXPECT_EQ(ImageMediaType("GIF89a"), "image/gif");
  EXPECT_EQ(ImageMediaType("BM1234"), "image/bmp");
  EXPECT_EQ(ImageMediaType(std::string_view("II*\0", 4)), "image/tiff");
  EXPECT_EQ(ImageMediaType(std::string_view("MM\0*", 4)), "image/tiff");
  EXPECT_EQ(ImageMediaType("RIFF1234WEBPVP8 "), "image/webp");
  for (const char* other : {"", "RIFF", "RIFF1234", "RIFF1234WAVE", "text"}) {
    EXPECT_EQ(ImageMediaType(other), "application/octet-stream") << other;
  }
}

TEST(ChatRequestTest, ImageThenText) {
  const GenerationRequest request =
      WithImage("GIF8\xFF", {{"\n", true}, {"<|grounding|>", true}, {"Read \"this\".", false}});
  const json body = json::parse(MakeChatBody(request, "remote", true));
  EXPECT_EQ(body.at("model"), "remote");
  EXPECT_EQ(body.at("stream"), true);
  EXPECT_EQ(body.at("stream_options"), json({{"include_usage", true}}));
  EXPECT_EQ(body.at("messages"), json::parse(R"([{"role":"user","content":[
              {"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGOP8="}},
              {"type":"text","text":"<|grounding|>Read \"this\"."}]}])"));
}

TEST(ChatRequestTest, TextAlone) {
  GenerationRequest request;
  request.prompt = {{"\nHello", true}};
  const json body = json::parse(MakeChatBody(request, "", true));
  EXPECT_FALSE(body.contains("model"));
  EXPECT_EQ(body.at("messages"), json::parse(R"([{"role":"user","content":"\nHello"}])"));
}

TEST(ChatRequestTest, DefaultsStaySilent) {
  const json body = json::parse(MakeChatBody(WithImage("BM", {{"x", true}}), "m", true));
  EXPECT_EQ(body, json({{"model", "m"},
                        {"messages", body.at("messages")},
                        {"stream", true},
                        {"stream_options", {{"include_usage", true}}},
                        {"temperature", 0.0},
                        {"skip_special_tokens", false},
                        {"return_token_ids", true}}));
}

TEST(ChatRequestTest, EveryParameter) {
  GenerationRequest request = WithImage("BM", {{"x", true}});
  SamplingParams& sampling = request.sampling;
  sampling.temperature = 0.5;
  sampling.top_k = 40;
  sampling.top_p = 0.25;
  sampling.min_p = 0.125;
  sampling.seed = 18446744073709551615U;
  sampling.repetition_penalty = 1.5;
  sampling.presence_penalty = -0.5;
  sampling.frequency_penalty = 0.75;
  sampling.no_repeat_ngram_size = 30;
  sampling.no_repeat_ngram_window = 90;
  sampling.no_repeat_ngram_whitelist = {128821, 128822};
  sampling.detect_loops = true;
  sampling.min_tokens = 3;
  sampling.max_tokens = 100;
  sampling.stop = {"END", "\n\n"};
  sampling.stop_token_ids = {7};
  sampling.ignore_eos = true;
  sampling.skip_special_tokens = true;
  sampling.logprobs = 4;
  request.image_options = {"large", 9};
  json body = json::parse(MakeChatBody(request, "m", true));
  body.erase("messages");
  EXPECT_EQ(body, json::parse(R"({"model":"m","stream":true,
    "stream_options":{"include_usage":true,"continuous_usage_stats":true},
    "temperature":0.5,"top_p":0.25,"max_tokens":100,"seed":18446744073709551615,
    "presence_penalty":-0.5,"frequency_penalty":0.75,"stop":["END","\n\n"],
    "logprobs":true,"top_logprobs":4,
    "skip_special_tokens":true,"return_token_ids":true,"return_tokens_as_token_ids":true,
    "top_k":40,"min_p":0.125,"repetition_penalty":1.5,"min_tokens":3,"stop_token_ids":[7],
    "ignore_eos":true,
    "vllm_xargs":{"ngram_size":30,"window_size":90,"whitelist_token_ids":[128821,128822]},
    "mm_processor_kwargs":{"mode":"large","max_crops":9}})"));
  json plain = json::parse(MakeChatBody(request, "m", false));
  plain.erase("messages");
  EXPECT_EQ(plain, json::parse(R"({"model":"m","stream":true,
    "stream_options":{"include_usage":true},
    "temperature":0.5,"top_p":0.25,"max_tokens":100,"seed":18446744073709551615,
    "presence_penalty":-0.5,"frequency_penalty":0.75,"stop":["END","\n\n"],
    "logprobs":true,"top_logprobs":4})"));
}

TEST(ChatRequestTest, ABanOverTheWholeOutputIsSpelledOut) {
  GenerationRequest request;
  request.sampling.no_repeat_ngram_size = 20;
  request.sampling.no_repeat_ngram_window = 0;
  const json body = json::parse(MakeChatBody(request, "m", true));
  EXPECT_EQ(body.at("vllm_xargs").at("window_size"), kMaxNgramWindow);
}

TEST(ChatRequestTest, BrokenTextBecomesValidJson) {
  GenerationRequest request;
  request.prompt = {{"a\xFF\"\n", true}};
  EXPECT_TRUE(json::accept(MakeChatBody(request, "m", true)));
}

}  // namespace
}  // namespace mao
