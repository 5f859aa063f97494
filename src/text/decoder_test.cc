#include "text/decoder.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

std::string Decode(const std::vector<std::string>& tokens, auto... steps) {
  std::vector<Decoder::Step> pipeline;
  (pipeline.emplace_back(steps), ...);
  const Result<Decoder> decoder = Decoder::Create(std::move(pipeline));
  EXPECT_TRUE(decoder.ok()) << decoder.status().ToString();
  DecodeStream stream(*decoder);
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

}  // namespace
}  // namespace mao
