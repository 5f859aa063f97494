#include "text/decoder.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

Decoder MakeDecoder(auto... steps) {
  std::vector<Decoder::Step> pipeline;
  (pipeline.emplace_back(steps), ...);
  Result<Decoder> decoder = Decoder::Create(std::move(pipeline));
  EXPECT_TRUE(decoder.ok()) << decoder.status().ToString();
  return *std::move(decoder);
}

std::string Decode(const std::vector<std::string>& tokens, auto... steps) {
  const Decoder decoder = MakeDecoder(steps...);
  DecodeStream stream(decoder);
  std::string text;
  for (const std::string& token : tokens) stream.Push(token, text);
  stream.Finish(text);
  return text;
}

TEST(DecoderTest, JoinWithSpaces) {
  EXPECT_EQ(Decode({"a", "", "b"}, Decoder::JoinWithSpaces{}), "a  b");
}

TEST(DecoderTest, ByteLevelKeepsTokensOutsideItsAlphabet) {
  EXPECT_EQ(Decode({"Ġa", "Ċ", "<｜Ġ｜>", "ä½", "ł"}, Decoder::ByteLevel{}), " a\n<｜Ġ｜>你");
  EXPECT_EQ(Decode({"ä", "a"}, Decoder::ByteLevel{}), "\uFFFDa");
}

TEST(DecoderTest, ByteFallback) {
  const Decoder::ByteFallback step;
  EXPECT_EQ(Decode({"<0xE5>", "<0x8f>", "<0xab>", "a"}, step), "叫a");
  EXPECT_EQ(Decode({"<0xE5>", "<0x8f>", "a"}, step), "\uFFFD\uFFFDa");
  EXPECT_EQ(Decode({"<0x61>", "<0x6G>", "<0x611>"}, step), "a<0x6G><0x611>");
}

TEST(DecoderTest, StripWorksOnEachTokenUnlessFused) {
  const Decoder::Strip strip{U'H', 1, 1};
  const std::vector<std::string> tokens = {"Hey", " friend!", "HHH", "H", "xHH"};
  EXPECT_EQ(Decode(tokens, strip), "ey friend!HxH");
  EXPECT_EQ(Decode(tokens, Decoder::Fuse{}, strip), "ey friend!HHHHxH");
}

TEST(DecoderTest, MetaspaceDropsItsCharacterInTheFirstToken) {
  const std::vector<std::string> tokens = {"▁Hey▁", "▁you"};
  EXPECT_EQ(Decode(tokens, Decoder::Metaspace{U'▁', true}), "Hey you");
  EXPECT_EQ(Decode(tokens, Decoder::Metaspace{U'▁', false}), " Hey  you");
  EXPECT_EQ(Decode(tokens, Decoder::Fuse{}, Decoder::Metaspace{U'▁', true}), "Heyyou");
}

std::string Bytes(const std::vector<std::string>& tokens, auto... steps) {
  const Decoder decoder = MakeDecoder(steps...);
  EXPECT_TRUE(decoder.CheckTokenBytes().ok());
  std::string bytes;
  for (size_t i = 0; i < tokens.size(); ++i) bytes += decoder.TokenBytes(tokens[i], i == 0);
  return bytes;
}

TEST(DecoderTest, TokenBytesJoinedAreTheText) {
  const auto expect_equal = [](const std::vector<std::string>& tokens, auto... steps) {
    EXPECT_EQ(Bytes(tokens, steps...), Decode(tokens, steps...));
  };
  expect_equal({"a", "", "b"}, Decoder::JoinWithSpaces{});
  expect_equal({"Ġa", "ä½", "ł", "<｜Ġ｜>", "Ċ"}, Decoder::ByteLevel{});
  expect_equal({"<0xE5>", "<0x8f>", "<0xab>", "a"}, Decoder::ByteFallback{});
  for (const std::vector<std::string>& tokens : {std::vector<std::string>{"▁a", "▁b"},
                                                 {" ", " ", "a"},
                                                 {"<0x20>", "<0x20>a", "a"},
                                                 {"a▁"}}) {
    expect_equal(tokens, Decoder::ByteFallback{}, Decoder::Fuse{}, Decoder::Strip{U' ', 1, 0});
    expect_equal(tokens, Decoder::Metaspace{U'▁', true});
    expect_equal(tokens, Decoder::Metaspace{U'▁', false});
    expect_equal(tokens, Decoder::Fuse{}, Decoder::Metaspace{U'▁', true});
    expect_equal(tokens, Decoder::Strip{U'a', 1, 1});
  }
}

TEST(DecoderTest, TokenBytesNeedADecoderThatDoesNotLookAtNeighbours) {
  const auto code = [](auto... steps) { return MakeDecoder(steps...).CheckTokenBytes().code(); };
  const Decoder::Fuse fuse;
  EXPECT_EQ(code(fuse, Decoder::Strip{U' ', 1, 0}), StatusCode::kOk);
  EXPECT_EQ(code(fuse, Decoder::Strip{U' ', 2, 0}), StatusCode::kUnimplemented);
  EXPECT_EQ(code(fuse, Decoder::Strip{U' ', 0, 1}), StatusCode::kUnimplemented);
  EXPECT_EQ(code(fuse, Decoder::Strip{U'好', 1, 0}), StatusCode::kUnimplemented);
  EXPECT_EQ(code(Decoder::ByteFallback{}, Decoder::Strip{U' ', 1, 0}), StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace mao
