// The whole engine with the embedded model: one text whatever the batch, chunks, blocks and caches.
#include "engine/engine.h"

#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/test_sanitizer.h"
#include "models/test_model.h"

namespace mao {
namespace {

struct Page {
  explicit Page(const std::string& name, size_t max_tokens = 4096) {
    std::ifstream in(FixturePath(name + ".json"));
    const nlohmann::json json = nlohmann::json::parse(in);
    request.prompt.image = LoadTestImage(json.at("image"));
    request.prompt.image_options.mode = json.at("mode");
    const std::string text = json.at("prompt");
    request.prompt.text = {{text.substr(std::string("<image>").size()), true}};
    request.sampling.max_tokens = static_cast<int>(max_tokens);
    ids = json.at("output_ids").get<std::vector<TokenId>>();
    output = json.at("output");
    if (ids.size() > max_tokens) ids.resize(max_tokens);
  }
  EngineRequest request;
  std::vector<TokenId> ids;
  std::string output;
};

struct Answer {
  std::string text;
  std::vector<TokenId> ids;
  StopReason reason = StopReason::kNone;
  Status status;
  RequestStats stats;
};

Answer ReadAll(RequestStream& stream) {
  Answer answer;
  while (auto output = stream.Next()) {
    answer.text += output->text;
    answer.ids.insert(answer.ids.end(), output->token_ids.begin(), output->token_ids.end());
    if (output->finished) {
      answer.reason = output->stop_reason;
      answer.status = output->status;
    }
  }
  answer.stats = stream.stats();
  return answer;
}

std::unique_ptr<Engine> MakeEngine(EngineConfig config) {
  ThreadPool pool(2);
  if (config.num_threads == 0) config.num_threads = 2;
  auto engine = Engine::Create(LoadTestModel(config.dtype, pool), config);
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  return std::move(engine).value();
}

Answer Ask(Engine& engine, const EngineRequest& request) {
  auto stream = engine.Submit(request);
  if (!stream.ok()) {
    Answer answer;
    answer.status = stream.status();
    return answer;
  }
  return ReadAll(**stream);
}

TEST(EngineTest, GivesTheReferenceTextAndItsFacts) {
  const Page page("tiny_free");
  EngineConfig config;
  config.dtype = DType::kF32;
  auto engine = MakeEngine(config);
  auto stream = engine->Submit(page.request);
  ASSERT_TRUE(stream.ok()) << stream.status().ToString();
  EXPECT_EQ((*stream)->image_mode(), "tiny");
  EXPECT_FALSE((*stream)->boxes_in_padded_square());
  const Answer answer = ReadAll(**stream);
  EXPECT_EQ(answer.text, page.output);
  EXPECT_EQ(answer.ids, page.ids);
  EXPECT_EQ(answer.reason, StopReason::kEndOfText);
  EXPECT_EQ(answer.stats.num_image_tokens, 73);
  EXPECT_EQ(answer.stats.num_prompt_tokens, 78);
  EXPECT_EQ(answer.stats.num_output_tokens, static_cast<int64_t>(page.ids.size()) + 1);
  EXPECT_GT(answer.stats.encode_ms, 0);
  EXPECT_GT(answer.stats.prefill_ms, 0);
}

TEST(EngineTest, BatchChunksBlocksAndCachesDoNotChangeTheText) {
  // Under sanitizers smaller pages and shorter answers, and the scarce cache in proportion.
  constexpr size_t kMaxTokens = kUnderSanitizer ? 24 : 60;
  constexpr size_t kScarceTokens = kUnderSanitizer ? 260 : 700;
  std::vector<std::string> names = {"tiny_free", "small_free"};
  if (!kUnderSanitizer) names.emplace_back("base_markdown");
  std::vector<Page> pages;
  for (const std::string& name : names) pages.emplace_back(name, kMaxTokens);
  // Alone in wide chunks first, then crowded in small ones, with and without caching.
  struct Variant {
    uint32_t max_num_seqs, chunk, block_size;
    bool caching;
  };
  constexpr Variant kVariants[] = {
      {1, 2048, 32, false}, {4, 2048, 16, true}, {4, 33, 64, false}, {3, 7, 16, true}};
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    std::vector<std::vector<TokenId>> expected;
    for (const auto& [max_num_seqs, chunk, block_size, caching] : kVariants) {
      EngineConfig config;
      config.dtype = dtype;
      config.max_num_batched_tokens = chunk;
      config.block_size = block_size;
      config.enable_prefix_caching = caching;
      config.max_num_seqs = max_num_seqs;
      // Too few blocks for all at once, so that some are preempted and computed again.
      config.kv_cache_bytes = chunk == 33 ? kScarceTokens * 6 * 2 * 384 * SizeBytes(dtype) : 0;
      auto engine = MakeEngine(config);
      std::vector<std::unique_ptr<RequestStream>> streams;
      for (int repeat = 0; repeat < 2; ++repeat) {
        for (const Page& page : pages) {
          auto stream = engine->Submit(page.request);
          ASSERT_TRUE(stream.ok()) << stream.status().ToString();
          streams.push_back(std::move(stream).value());
        }
      }
      for (size_t i = 0; i < streams.size(); ++i) {
        const Answer answer = ReadAll(*streams[i]);
        ASSERT_TRUE(answer.status.ok()) << answer.status.ToString();
        if (expected.size() < pages.size()) expected.push_back(answer.ids);
        EXPECT_EQ(answer.ids, expected[i % pages.size()])
            << "chunk " << chunk << " block " << block_size << " caching " << caching;
      }
    }
    for (size_t i = 0; i < pages.size() && dtype == DType::kF32; ++i) {
      EXPECT_EQ(expected[i], pages[i].ids);
    }
  }
}

TEST(EngineTest, PrefixCacheFindsTheSecondAskingOfAPage) {
  const Page page("tiny_free", 4);
  auto engine = MakeEngine({});
  EXPECT_EQ(Ask(*engine, page.request).stats.num_cached_tokens, 0);
  EXPECT_EQ(Ask(*engine, page.request).stats.num_cached_tokens, 64);  // 78 tokens, blocks of 32
  Page other("tiny_free", 4);
  other.request.prompt.image_options.mode = "small";
  EXPECT_EQ(Ask(*engine, other.request).stats.num_cached_tokens, 0);
}

TEST(EngineTest, RequestsWithDifferentSaltsShareNothing) {
  Page page("tiny_free", 4);
  auto engine = MakeEngine({});
  const Answer plain = Ask(*engine, page.request);
  page.request.cache_salt = "mine";
  const Answer salted = Ask(*engine, page.request);
  EXPECT_EQ(salted.stats.num_cached_tokens, 0);
  EXPECT_EQ(salted.ids, plain.ids);
  EXPECT_EQ(Ask(*engine, page.request).stats.num_cached_tokens, 64);
  EXPECT_EQ(engine->stats().encoder_cache_queries, 3u);
  EXPECT_EQ(engine->stats().encoder_cache_hits, 1u) << "of the same salt";
}

// After the end of all requests has been reported.
EngineStats IdleStats(const Engine& engine) {
  EngineStats stats = engine.stats();
  for (; stats.has_work; stats = engine.stats()) std::this_thread::yield();
  return stats;
}

TEST(EngineTest, StatsCountWhatWasComputed) {
  EngineConfig config;
  config.kv_cache_bytes = size_t{64} * 32 * 6 * 2 * 384 * SizeBytes(config.dtype);
  auto engine = MakeEngine(config);
  const EngineStats before = engine->stats();
  EXPECT_EQ(before.num_kv_blocks, 64u);
  EXPECT_EQ(before.num_steps, 0u);
  EXPECT_FALSE(before.has_work);
  Page page("tiny_free", 4);
  page.request.sampling.ignore_eos = true;
  Ask(*engine, page.request);
  const EngineStats first = IdleStats(*engine);
  EXPECT_EQ(first.num_prompt_tokens, 78u);
  EXPECT_EQ(first.num_generation_tokens, 4u);
  EXPECT_EQ(first.num_steps, 5u) << "up to the image, the image, three tokens";
  EXPECT_EQ(first.prefix_cache_queries, 78u);
  EXPECT_EQ(first.prefix_cache_hits, 0u);
  EXPECT_EQ(first.encoder_cache_queries, 1u);
  EXPECT_EQ(first.encoder_cache_hits, 0u);
  EXPECT_GT(first.last_progress, before.last_progress);
  Ask(*engine, page.request);
  const EngineStats second = IdleStats(*engine);
  EXPECT_EQ(second.num_prompt_tokens, 78u + 14);
  EXPECT_EQ(second.num_generation_tokens, 8u);
  EXPECT_EQ(second.prefix_cache_queries, 2u * 78);
  EXPECT_EQ(second.prefix_cache_hits, 64u);
  EXPECT_EQ(second.encoder_cache_queries, 2u);
  EXPECT_EQ(second.encoder_cache_hits, 1u);
  EXPECT_EQ(second.num_preemptions, 0u);
  for (const EngineStats& stats : {before, first, second}) {
    EXPECT_EQ(stats.num_running, 0u);
    EXPECT_EQ(stats.num_waiting, 0u);
    EXPECT_EQ(stats.num_images_encoding, 0u);
    EXPECT_EQ(stats.num_kv_blocks_used, 0u);
  }
}

TEST(EngineTest, TextOnlyPromptsAndStopStringsWork) {
  auto engine = MakeEngine({});
  EngineRequest request;
  request.prompt.text = {{"many years the", true}};
  request.sampling.max_tokens = 5;
  const Answer answer = Ask(*engine, request);
  EXPECT_TRUE(answer.status.ok());
  EXPECT_EQ(answer.stats.num_image_tokens, 0);
  Page page("tiny_free");
  page.request.sampling.stop = {"A/D"};
  const Answer stopped = Ask(*engine, page.request);
  EXPECT_EQ(stopped.reason, StopReason::kStopString);
  EXPECT_EQ(stopped.text, page.output.substr(0, page.output.find("A/D")));
}

TEST(EngineTest, AConstrainedPageIsValidJson) {
  constexpr const char* kSchema = R"({"type":"object","properties":{
      "title":{"type":"string","minLength":1,"maxLength":40},
      "language":{"enum":["en","zh"]},
      "lines":{"type":"array","maxItems":3,"items":{"type":"string","maxLength":30}}},
      "required":["title","language","lines"],"additionalProperties":false})";
  constexpr int kMaxTokens = 600;
  EngineConfig config;
  config.max_num_seqs = 3;
  auto engine = MakeEngine(config);
  Page page("tiny_free", kMaxTokens);
  page.request.sampling.constraint = {ConstraintSpec::Kind::kJsonSchema, kSchema};
  page.request.sampling.detect_loops = true;
  page.request.sampling.no_repeat_ngram_size = 5;
  const Answer answer = Ask(*engine, page.request);
  ASSERT_TRUE(answer.status.ok()) << answer.status.ToString();
  EXPECT_EQ(answer.reason, StopReason::kEndOfText) << answer.text;
  const nlohmann::json json = nlohmann::json::parse(answer.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << answer.text;
  EXPECT_EQ(json.size(), 3u);
  EXPECT_FALSE(json.at("title").get<std::string>().empty());
  EXPECT_TRUE(json.at("language") == "en" || json.at("language") == "zh");
  EXPECT_LE(json.at("lines").size(), 3u);
  // In a crowd, beside one without a constraint, and with too few blocks for all: the same text.
  const Page other("tiny_free", 40);
  const Answer free = Ask(*engine, other.request);
  config.kv_cache_bytes = 400 * 6 * 2 * 384 * SizeBytes(DType::kBF16);
  config.max_num_batched_tokens = 33;
  auto scarce = MakeEngine(config);
  std::vector<std::unique_ptr<RequestStream>> streams;
  for (const Page* each : {&std::as_const(page), &other, &std::as_const(page)}) {
    auto stream = scarce->Submit(each->request);
    ASSERT_TRUE(stream.ok()) << stream.status().ToString();
    streams.push_back(std::move(stream).value());
  }
  EXPECT_EQ(ReadAll(*streams[0]).text, answer.text);
  EXPECT_EQ(ReadAll(*streams[1]).ids, free.ids);
  EXPECT_EQ(ReadAll(*streams[2]).text, answer.text);
}

TEST(EngineTest, ConstraintsEndRequestsAndAreCutByMaxTokens) {
  auto engine = MakeEngine({});
  EngineRequest request;
  request.prompt.text = {{"many years the", true}};
  request.sampling.max_tokens = 64;
  request.sampling.constraint = {ConstraintSpec::Kind::kChoice, R"(["发票 invoice","收据"])"};
  request.sampling.logprobs = 1;
  const Answer choice = Ask(*engine, request);
  EXPECT_TRUE(choice.text == "发票 invoice" || choice.text == "收据") << choice.text;
  EXPECT_EQ(choice.reason, StopReason::kEndOfText);
  EXPECT_EQ(choice.stats.num_output_tokens, static_cast<int64_t>(choice.ids.size()));
  request.sampling.temperature = 1;
  request.sampling.seed = 3;
  request.sampling.constraint = {ConstraintSpec::Kind::kRegex, "[0-9]{200}"};
  const Answer digits = Ask(*engine, request);
  EXPECT_EQ(digits.reason, StopReason::kMaxTokens);
  EXPECT_EQ(digits.ids.size(), 64u);
  EXPECT_EQ(digits.text.find_first_not_of("0123456789"), std::string::npos);
  request.sampling.constraint = {ConstraintSpec::Kind::kJsonSchema, R"({"items":{"not":{}}})"};
  const Status refused = Ask(*engine, request).status;
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(refused.message().find("#/items/not"), std::string::npos) << refused.message();
}

TEST(EngineTest, RefusesWhatCannotBeServed) {
  EngineConfig config;
  config.max_model_len = 200;
  auto engine = MakeEngine(config);
  Page page("tiny_free");
  page.request.prompt.image_options.mode = "huge";
  EXPECT_NE(Ask(*engine, page.request).status.message().find("known: auto, tiny"),
            std::string::npos);
  page.request.prompt.image_options.mode = "base";
  const Status too_long = Ask(*engine, page.request).status;
  EXPECT_EQ(too_long.code(), StatusCode::kOutOfRange);
  EXPECT_NE(too_long.message().find("max_model_len is 200"), std::string::npos);
  page.request.prompt.image_options.mode = "tiny";
  page.request.sampling.temperature = -1;
  EXPECT_EQ(Ask(*engine, page.request).status.code(), StatusCode::kInvalidArgument);
  page.request.sampling.temperature = 0;
  EXPECT_TRUE(Ask(*engine, page.request).status.ok());  // and the engine goes on
  page.request.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(Ask(*engine, page.request).status.code(), StatusCode::kDeadlineExceeded);
}

TEST(EngineTest, CancelledAndDroppedRequestsLeaveTheOthersAlone) {
  const Page page("tiny_free");
  EngineConfig config;
  config.dtype = DType::kF32;
  auto engine = MakeEngine(config);
  auto kept = engine->Submit(page.request);
  auto cancelled = engine->Submit(Page("small_free").request);
  { auto dropped = engine->Submit(Page("base_free").request); }
  ASSERT_TRUE(kept.ok() && cancelled.ok());
  (*cancelled)->Cancel();
  EXPECT_EQ(ReadAll(**cancelled).status.code(), StatusCode::kCancelled);
  EXPECT_EQ(ReadAll(**kept).text, page.output);
}

TEST(EngineTest, DestroyingTheEngineEndsItsStreams) {
  auto engine = MakeEngine({});
  auto stream = engine->Submit(Page("base_free").request);
  ASSERT_TRUE(stream.ok());
  engine.reset();
  EXPECT_EQ(ReadAll(**stream).status.code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace mao
