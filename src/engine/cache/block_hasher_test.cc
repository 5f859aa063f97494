#include "engine/cache/block_hasher.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

std::string Hex(const BlockHash& hash) {
  std::string text;
  for (const uint8_t byte : hash.bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

ImageFingerprint Fingerprint(uint8_t seed) {
  ImageFingerprint fingerprint;
  fingerprint.bytes.fill(seed);
  return fingerprint;
}

class BlockHasherTest : public ::testing::Test {
 protected:
  BlockHasherTest() : hasher_(BlockHasher::Create(4).value()) {
    root_ = *hasher_.HashRoot("", "");
    for (TokenId i = 0; i < 8; ++i) tokens_.push_back(i);
  }

  BlockHash Hash(uint32_t index, std::vector<ImageSpan> spans = {}) {
    return *hasher_.HashBlock(root_, {tokens_, spans}, index);
  }

  BlockHasher hasher_;
  BlockHash root_;
  std::vector<TokenId> tokens_;
};

// The expected value is that of an independent SHA-256 of the message: tag 1, block size 4, two
// empty strings, each count as eight bytes.
TEST_F(BlockHasherTest, IsASha256) {
  EXPECT_EQ(Hex(root_), "5cd8c25a0bdd7515158e44d53c288209bfab97564a8130f7849d4741691f7e10");
}

TEST_F(BlockHasherTest, RootsDifferByAdapterAndSaltAndTheirBoundary) {
  const BlockHash ab = *hasher_.HashRoot("ab", "c");
  EXPECT_FALSE(ab == *hasher_.HashRoot("a", "bc"));
  EXPECT_FALSE(ab == *hasher_.HashRoot("abc", ""));
  EXPECT_FALSE(*hasher_.HashRoot("x", "") == *hasher_.HashRoot("", "x"));
  EXPECT_TRUE(ab == *hasher_.HashRoot("ab", "c"));
}

TEST_F(BlockHasherTest, DependsOnParentAndEachToken) {
  const BlockHash hash = Hash(0);
  EXPECT_TRUE(hash == Hash(0));
  for (int i = 0; i < 4; ++i) {
    ++tokens_[i];
    EXPECT_FALSE(hash == Hash(0)) << i;
    --tokens_[i];
  }
  tokens_[4] = 99;  // of the next block
  EXPECT_TRUE(hash == Hash(0));
  EXPECT_FALSE(hash == *hasher_.HashBlock(hash, {tokens_, {}}, 0));
}

TEST_F(BlockHasherTest, DependsOnTheImageRowsInTheBlock) {
  const ImageSpan image = {.offset = 2, .length = 4, .fingerprint = Fingerprint(1)};
  const BlockHash first = Hash(0, {image});
  const BlockHash second = Hash(1, {image});
  EXPECT_FALSE(first == Hash(0));
  EXPECT_FALSE(second == Hash(1));
  ImageSpan other = image;
  other.fingerprint = Fingerprint(2);
  EXPECT_FALSE(first == Hash(0, {other}));
  EXPECT_FALSE(second == Hash(1, {other}));
  // The same two rows of the block, but rows 1 and 2 of the image.
  EXPECT_FALSE(second == Hash(1, {{.offset = 3, .length = 3, .fingerprint = Fingerprint(1)}}));
  // One row more or less in the block.
  EXPECT_FALSE(first == Hash(0, {{.offset = 2, .length = 1, .fingerprint = Fingerprint(1)}}));
  EXPECT_FALSE(first == Hash(0, {{.offset = 1, .length = 3, .fingerprint = Fingerprint(1)}}));
  // What comes in later blocks makes no difference.
  EXPECT_TRUE(first == Hash(0, {{.offset = 2, .length = 2, .fingerprint = Fingerprint(1)}}));
}

TEST_F(BlockHasherTest, OneImageIsNotTwoHalves) {
  const ImageFingerprint fp = Fingerprint(1);
  EXPECT_FALSE(Hash(0, {{.offset = 0, .length = 4, .fingerprint = fp}}) ==
               Hash(0, {{.offset = 0, .length = 2, .fingerprint = fp},
                        {.offset = 2, .length = 2, .fingerprint = fp}}));
}

TEST_F(BlockHasherTest, DependsOnTheBlockSize) {
  BlockHasher hasher = BlockHasher::Create(8).value();
  EXPECT_FALSE(root_ == *hasher.HashRoot("", ""));
}

}  // namespace
}  // namespace mao
