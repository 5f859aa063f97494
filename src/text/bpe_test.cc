#include "text/bpe.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

// A random model over the letters a to d: merges of random pairs of known tokens.
struct RandomModel {
  Vocabulary vocabulary;
  std::vector<MergeRule> rules;

  explicit RandomModel(uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<std::string> texts = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; ++i) Add(texts[i]);
    while (texts.size() < 40) {
      const std::string left = texts[random() % texts.size()];
      const std::string right = texts[random() % texts.size()];
      if (vocabulary.FindModelToken(left + right) == kNoToken) {
        Add(left + right);
        texts.push_back(left + right);
      }
      rules.push_back({vocabulary.FindModelToken(left), vocabulary.FindModelToken(right),
                       vocabulary.FindModelToken(left + right)});
    }
  }

  void Add(const std::string& text) {
    EXPECT_TRUE(vocabulary.AddModelToken(text, static_cast<int64_t>(vocabulary.size())).ok());
  }
};

// The definition: join the leftmost pair with the rule of lowest rank until there is none. Of rules
// for the same pair the last counts.
std::vector<TokenId> ByDefinition(const RandomModel& model, const std::string& text) {
  std::vector<TokenId> ids;
  for (const char c : text) ids.push_back(c - 'a');
  while (true) {
    size_t best_rank = model.rules.size();
    size_t best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (size_t rank = model.rules.size(); rank-- > 0;) {
        if (model.rules[rank].left != ids[i] || model.rules[rank].right != ids[i + 1]) continue;
        if (rank < best_rank) {
          best_rank = rank;
          best = i;
        }
        break;
      }
    }
    if (best_rank == model.rules.size()) return ids;
    ids[best] = model.rules[best_rank].result;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
}

TEST(BpeTest, EqualsItsDefinitionForShortAndLongPieces) {
  std::mt19937 random(1);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const RandomModel model(seed);
    const BpeModel bpe(model.vocabulary, model.rules, {});
    BpeModel::Scratch scratch;
    for (const size_t size : {1, 2, 3, 10, 95, 96, 97, 98, 150, 250}) {
      std::string text;
      while (text.size() < size) text += static_cast<char>('a' + random() % (1 + seed % 4));
      std::vector<TokenId> ids;
      bpe.Encode(text, true, scratch, ids);
      ASSERT_EQ(ids, ByDefinition(model, text)) << "seed " << seed << " text " << text;
    }
  }
}

TEST(BpeTest, AppendsToTheIds) {
  const RandomModel model(0);
  const BpeModel bpe(model.vocabulary, {}, {});
  BpeModel::Scratch scratch;
  std::vector<TokenId> ids = {7};
  bpe.Encode("ad", true, scratch, ids);
  bpe.Encode("", true, scratch, ids);
  EXPECT_THAT(ids, testing::ElementsAre(7, 0, 3));
}

}  // namespace
}  // namespace mao
