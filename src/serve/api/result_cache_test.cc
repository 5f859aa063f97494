#include "serve/api/result_cache.h"

#include <set>

#include <gtest/gtest.h>

namespace mao {
namespace {

using std::chrono::seconds;
const ResultCache::Clock::time_point kStart{};

GenerationRequest Ask() {
  GenerationRequest request;
  request.prompt = {{"read", true}, {"this", false}};
  return request;
}

Generation Answer(size_t num_bytes) {
  Generation answer;
  answer.text = std::string(num_bytes, 'x');
  return answer;
}

ResultKey KeyOf(const std::string& prompt) {
  GenerationRequest request;
  request.prompt = {{prompt, false}};
  return *MakeResultKey(request, "m", "");
}

TEST(ResultKeyTest, EveryPartOfTheRequestCounts) {
  std::set<ResultKey> keys;
  const auto add = [&](const GenerationRequest& request, std::string_view model,
                       std::string_view image) {
    const auto key = MakeResultKey(request, model, image);
    ASSERT_TRUE(key.has_value());
    EXPECT_TRUE(keys.insert(*key).second) << keys.size();
  };
  add(Ask(), "m", "image");
  add(Ask(), "n", "image");
  add(Ask(), "m", "other image");
  add(Ask(), "m", "");
  const auto changed = [&](auto change) {
    GenerationRequest request = Ask();
    change(request);
    add(request, "m", "image");
  };
  changed([](auto& r) { r.prompt = {{"readthis", true}}; });
  changed([](auto& r) { r.cache_salt = "mine"; });
  changed([](auto& r) { r.prompt[0].parse_special_tokens = false; });
  changed([](auto& r) { r.prompt = {{"rea", true}, {"dthis", false}}; });
  changed([](auto& r) { r.image_options.mode = "tiny"; });
  changed([](auto& r) { r.image_options.max_tiles = 3; });
  changed([](auto& r) { r.sampling.max_tokens = 5; });
  changed([](auto& r) { r.sampling.stop = {"a"}; });
  changed([](auto& r) { r.sampling.stop = {"a", "b"}; });
  changed([](auto& r) { r.sampling.seed = 0; });
  changed([](auto& r) { r.sampling.seed = 1; });
  changed([](auto& r) { r.sampling.skip_special_tokens = true; });
  changed([](auto& r) { r.sampling.constraint = {ConstraintSpec::Kind::kJsonObject, ""}; });
  changed([](auto& r) { r.sampling.constraint = {ConstraintSpec::Kind::kRegex, "a"}; });
  changed([](auto& r) { r.sampling.constraint = {ConstraintSpec::Kind::kRegex, "b"}; });
  changed([](auto& r) { r.sampling.no_repeat_ngram_whitelist = {7}; });
}

TEST(ResultKeyTest, WhoAsksDoesNotCount) {
  GenerationRequest request = Ask();
  request.context.request_id = "a";
  request.priority = 3;
  request.timeout = std::chrono::milliseconds(5);
  EXPECT_EQ(MakeResultKey(request, "m", "i"), MakeResultKey(Ask(), "m", "i"));
}

TEST(ResultKeyTest, ChanceHasNoKeyWithoutASeed) {
  GenerationRequest request = Ask();
  request.sampling.temperature = 0.7F;
  EXPECT_FALSE(MakeResultKey(request, "m", "").has_value());
  request.sampling.seed = 3;
  EXPECT_TRUE(MakeResultKey(request, "m", "").has_value());
  request.sampling.logprobs = 0;
  EXPECT_FALSE(MakeResultKey(request, "m", "").has_value());
}

TEST(ResultCacheTest, FindsWhatWasInsertedUntilItIsTooOld) {
  ResultCache cache({1 << 20, seconds(10)});
  EXPECT_EQ(cache.Find(KeyOf("a"), kStart), nullptr);
  cache.Insert(KeyOf("a"), Answer(5), kStart);
  ASSERT_NE(cache.Find(KeyOf("a"), kStart + seconds(10)), nullptr);
  EXPECT_EQ(cache.Find(KeyOf("a"), kStart + seconds(10))->text, "xxxxx");
  EXPECT_EQ(cache.Find(KeyOf("a"), kStart + seconds(11)), nullptr);
  EXPECT_EQ(cache.stats().num_entries, 0u);
  EXPECT_EQ(cache.stats().bytes, 0u);
  EXPECT_EQ(cache.stats().num_queries, 4u);
  EXPECT_EQ(cache.stats().num_hits, 2u);
}

TEST(ResultCacheTest, LeastRecentlyUsedGoesFirst) {
  const size_t one = sizeof(Generation) + 1000;
  ResultCache cache({3 * one, seconds(10)});
  for (const char* name : {"a", "b", "c"}) cache.Insert(KeyOf(name), Answer(1000), kStart);
  EXPECT_NE(cache.Find(KeyOf("a"), kStart), nullptr);
  cache.Insert(KeyOf("d"), Answer(1000), kStart);
  EXPECT_NE(cache.Find(KeyOf("a"), kStart), nullptr);
  EXPECT_EQ(cache.Find(KeyOf("b"), kStart), nullptr);
  EXPECT_NE(cache.Find(KeyOf("d"), kStart), nullptr);
  EXPECT_EQ(cache.stats().num_entries, 3u);
  EXPECT_EQ(cache.stats().bytes, 3 * one);
}

TEST(ResultCacheTest, WhatDoesNotFitIsNotKept) {
  ResultCache cache({1000, seconds(10)});
  cache.Insert(KeyOf("a"), Answer(1000), kStart);
  EXPECT_EQ(cache.Find(KeyOf("a"), kStart), nullptr);
  ResultCache off({0, seconds(10)});
  off.Insert(KeyOf("a"), Answer(0), kStart);
  EXPECT_EQ(off.Find(KeyOf("a"), kStart), nullptr);
}

TEST(ResultCacheTest, InsertingAgainReplaces) {
  ResultCache cache({1 << 20, seconds(10)});
  cache.Insert(KeyOf("a"), Answer(5), kStart);
  cache.Insert(KeyOf("a"), Answer(7), kStart + seconds(5));
  EXPECT_EQ(cache.stats().num_entries, 1u);
  EXPECT_EQ(cache.Find(KeyOf("a"), kStart + seconds(12))->text.size(), 7u);
}

}  // namespace
}  // namespace mao
