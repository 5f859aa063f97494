// Images encoded beside the steps: a model whose Encode waits for the test.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/test_sanitizer.h"
#include "engine/engine.h"
#include "models/test_model.h"

namespace mao {
namespace {

using ::testing::ElementsAre;

// What the test and the model's Encode tell each other.
class Gate {
 public:
  using Verdict = std::function<Status(std::span<const EncodeItem> batch)>;

  void Close() { Set(false); }
  void Open() { Set(true); }
  // What the batches that are let through from now on come to.
  void SetVerdict(Verdict verdict) {
    const std::lock_guard lock(mutex_);
    verdict_ = std::move(verdict);
  }
  // Until so many batches have begun in all.
  void WaitForBegun(size_t num_begun) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_.size() >= num_begun; });
  }
  // The images of each batch.
  std::vector<size_t> begun() {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

  // The model's side.
  Status Pass(std::span<const EncodeItem> batch) {
    std::unique_lock lock(mutex_);
    begun_.push_back(batch.size());
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
    return verdict_(batch);
  }

 private:
  void Set(bool is_open) {
    const std::lock_guard lock(mutex_);
    is_open_ = is_open;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = true;
  std::vector<size_t> begun_;
  Verdict verdict_ = [](std::span<const EncodeItem>) { return OkStatus(); };
};

// The embedded model with a gate before its encoder.
class GatedModel final : public Model {
 public:
  GatedModel(std::unique_ptr<Model> model, Gate& gate) : model_(std::move(model)), gate_(gate) {}

  const ModelInfo& info() const override { return model_->info(); }
  const Tokenizer& tokenizer() const override { return model_->tokenizer(); }
  Result<PreparedPrompt> Prepare(const Prompt& prompt, ThreadPool* pool) const override {
    return model_->Prepare(prompt, pool);
  }
  Status Encode(ExecutionContext& ctx, std::span<const EncodeItem> images) override {
    MAO_RETURN_IF_ERROR(gate_.Pass(images));
    return model_->Encode(ctx, images);
  }
  Status ReserveForward(ExecutionContext& ctx, int64_t max_rows, int64_t max_sequences) override {
    return model_->ReserveForward(ctx, max_rows, max_sequences);
  }
  void Forward(ExecutionContext& ctx, const ForwardInput& input, KvCache& cache,
               float* logits) override {
    model_->Forward(ctx, input, cache, logits);
  }

 private:
  std::unique_ptr<Model> model_;
  Gate& gate_;
};

struct Answer {
  std::vector<TokenId> ids;
  Status status;
};

Answer ReadAll(RequestStream& stream) {
  Answer answer;
  while (auto output = stream.Next()) {
    answer.ids.insert(answer.ids.end(), output->token_ids.begin(), output->token_ids.end());
    if (output->finished) answer.status = output->status;
  }
  return answer;
}

class EngineEncodeTest : public ::testing::Test {
 protected:
  EngineEncodeTest() {
    ThreadPool pool(2);
    EngineConfig config;
    config.dtype = DType::kF32;
    config.num_threads = 2;
    auto engine = Engine::Create(
        std::make_unique<GatedModel>(LoadTestModel(config.dtype, pool), gate_), config);
    EXPECT_TRUE(engine.ok()) << engine.status().ToString();
    engine_ = std::move(engine).value();
  }
  void TearDown() override { gate_.Open(); }  // so that a failed test ends

  // The reference's first ids for a fixture page.
  struct Page {
    explicit Page(const std::string& name) {
      std::ifstream in(FixturePath(name + ".json"));
      const nlohmann::json json = nlohmann::json::parse(in);
      request.prompt.image = LoadTestImage(json.at("image"));
      request.prompt.image_options.mode = json.at("mode");
      const std::string text = json.at("prompt");
      request.prompt.text = {{text.substr(std::string("<image>").size()), true}};
      request.sampling.max_tokens = kMaxTokens;
      ids = json.at("output_ids").get<std::vector<TokenId>>();
      ids.resize(std::min<size_t>(ids.size(), kMaxTokens));
    }
    static constexpr int kMaxTokens = kUnderSanitizer ? 6 : 20;
    EngineRequest request;
    std::vector<TokenId> ids;
  };

  std::unique_ptr<RequestStream> Submit(const EngineRequest& request) {
    auto stream = engine_->Submit(request);
    EXPECT_TRUE(stream.ok()) << stream.status().ToString();
    return std::move(stream).value();
  }
  // Expects the reference's text.
  void ExpectText(const Page& page, RequestStream& stream) {
    const Answer answer = ReadAll(stream);
    EXPECT_TRUE(answer.status.ok()) << answer.status.ToString();
    EXPECT_EQ(answer.ids, page.ids);
  }

  // Until so many images are with the encoder.
  void WaitForImages(size_t num_images) {
    while (engine_->stats().num_images_encoding < num_images) std::this_thread::yield();
  }

  Gate gate_;
  std::unique_ptr<Engine> engine_;
  const Page page_{"tiny_free"};
  const Page other_page_{"small_free"};
};

TEST_F(EngineEncodeTest, OthersDecodeToTheirEndWhileAPageIsEncoded) {
  const auto first = Submit(page_.request);
  ASSERT_TRUE(first->Next().has_value()) << "it is encoded and decodes";
  gate_.Close();
  const auto second = Submit(other_page_.request);
  gate_.WaitForBegun(2);
  const Answer rest = ReadAll(*first);  // would never end if its steps waited for the encoder
  EXPECT_TRUE(rest.status.ok());
  EngineRequest text;
  text.prompt.text = {{"many years the", true}};
  text.sampling.max_tokens = 5;
  EXPECT_TRUE(ReadAll(*Submit(text)).status.ok()) << "and newcomers are served";
  gate_.Open();
  ExpectText(other_page_, *second);
  ExpectText(page_, *Submit(page_.request));
}

TEST_F(EngineEncodeTest, TwoRequestsWithOneImageShareItsEncoding) {
  gate_.Close();
  const auto first = Submit(page_.request);
  gate_.WaitForBegun(1);
  const auto second = Submit(page_.request);
  gate_.Open();
  ExpectText(page_, *first);
  ExpectText(page_, *second);
  EXPECT_THAT(gate_.begun(), ElementsAre(1));
  EXPECT_GT(first->stats().encode_ms, 0);
}

TEST_F(EngineEncodeTest, StatsTellWhatWaitsForTheEncoder) {
  gate_.Close();
  const auto submitted = std::chrono::steady_clock::now();
  const auto first = Submit(page_.request);
  EXPECT_TRUE(engine_->stats().has_work) << "also before the engine's thread has seen it";
  EXPECT_EQ(engine_->stats().num_running + engine_->stats().num_waiting, 1u);
  EXPECT_GE(engine_->stats().last_progress, submitted);
  const auto second = Submit(other_page_.request);
  gate_.WaitForBegun(1);
  EngineStats stats = engine_->stats();
  while (stats.num_images_encoding < 2 || stats.num_steps < 1) {  // comes with the next steps
    std::this_thread::yield();
    stats = engine_->stats();
  }
  EXPECT_EQ(stats.num_running, 2u);
  EXPECT_EQ(stats.num_waiting, 0u);
  EXPECT_GT(stats.num_kv_blocks_used, 0u);
  EXPECT_TRUE(stats.has_work);
  gate_.Open();
  ExpectText(page_, *first);
  ExpectText(other_page_, *second);
  EXPECT_GT(engine_->stats().last_progress, stats.last_progress);
}

TEST_F(EngineEncodeTest, AnAbortDoesNotWaitForTheEncoder) {
  gate_.Close();
  const auto cancelled = Submit(page_.request);
  gate_.WaitForBegun(1);
  auto dropped = Submit(other_page_.request);
  cancelled->Cancel();
  EXPECT_EQ(ReadAll(*cancelled).status.code(), StatusCode::kCancelled);
  dropped.reset();
  const auto again = Submit(page_.request);  // joins what is still being encoded
  gate_.Open();
  ExpectText(page_, *again);
  ExpectText(other_page_, *Submit(other_page_.request));
  EXPECT_THAT(gate_.begun(), ElementsAre(1, 1));
}

TEST_F(EngineEncodeTest, ADeadlineIsKeptWhileOnlyAnEncodingIsInFlight) {
  gate_.Close();
  EngineRequest request = page_.request;
  request.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  EXPECT_EQ(ReadAll(*Submit(request)).status.code(), StatusCode::kDeadlineExceeded);
}

TEST_F(EngineEncodeTest, AFailedEncodingFailsItsRequestsAndNobodyElse) {
  const auto decoding = Submit(other_page_.request);
  ASSERT_TRUE(decoding->Next().has_value());
  gate_.Close();
  gate_.SetVerdict([](std::span<const EncodeItem>) {
    return ResourceExhaustedError("no memory for a view of 512 pixels");
  });
  const auto first = Submit(page_.request);
  const auto second = Submit(page_.request);
  gate_.WaitForBegun(2);
  gate_.Open();
  for (RequestStream* stream : {first.get(), second.get()}) {
    const Status status = ReadAll(*stream).status;
    EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
    EXPECT_NE(status.message().find("a view of 512 pixels"), std::string::npos);
  }
  EXPECT_TRUE(ReadAll(*decoding).status.ok());
  gate_.SetVerdict([](std::span<const EncodeItem>) { return OkStatus(); });
  ExpectText(page_, *Submit(page_.request));
}

TEST_F(EngineEncodeTest, PagesThatWaitAreEncodedTogetherAsFarAsABatchGoes) {
  gate_.Close();
  std::vector<std::unique_ptr<RequestStream>> tiny;
  tiny.push_back(Submit(page_.request));
  gate_.WaitForBegun(1);
  for (const char* salt : {"a", "b", "c", "d"}) {  // no two share an image; 4 * 73 rows
    EngineRequest request = page_.request;
    request.cache_salt = salt;
    tiny.push_back(Submit(request));
    WaitForImages(tiny.size());
  }
  const auto small = Submit(other_page_.request);  // 111 rows
  WaitForImages(6);
  gate_.Open();
  for (const auto& stream : tiny) ExpectText(page_, *stream);
  ExpectText(other_page_, *small);
  EXPECT_THAT(gate_.begun(), ElementsAre(1, 4, 1));
}

TEST_F(EngineEncodeTest, AFailedBatchFailsOnlyThosePagesThatFailAlone) {
  gate_.Close();
  gate_.SetVerdict([](std::span<const EncodeItem> batch) {
    for (const EncodeItem& item : batch) {
      if (item.image->mode == "small") return ResourceExhaustedError("no memory for it");
    }
    return batch.size() > 2 ? ResourceExhaustedError("no memory for three") : OkStatus();
  });
  const auto first = Submit(page_.request);
  gate_.WaitForBegun(1);
  EngineRequest salted = page_.request;
  salted.cache_salt = "a";
  const auto before = Submit(salted);
  WaitForImages(2);
  const auto failing = Submit(other_page_.request);
  WaitForImages(3);
  salted.cache_salt = "b";
  const auto after = Submit(salted);
  WaitForImages(4);
  gate_.Open();
  for (RequestStream* stream : {first.get(), before.get(), after.get()}) ExpectText(page_, *stream);
  const Status status = ReadAll(*failing).status;
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("no memory for it"), std::string::npos);
  EXPECT_THAT(gate_.begun(), ElementsAre(1, 3, 1, 1, 1));
}

TEST_F(EngineEncodeTest, DestroyingTheEngineTellsTheReadersBeforeItWaitsForTheEncoder) {
  gate_.Close();
  const auto encoding = Submit(page_.request);
  gate_.WaitForBegun(1);
  const auto queued = Submit(other_page_.request);
  std::thread destroyer([this] { engine_.reset(); });
  EXPECT_EQ(ReadAll(*encoding).status.code(), StatusCode::kCancelled);
  EXPECT_EQ(ReadAll(*queued).status.code(), StatusCode::kCancelled);
  gate_.Open();
  destroyer.join();
  EXPECT_THAT(gate_.begun(), ElementsAre(1)) << "what has not begun is dropped";
}

}  // namespace
}  // namespace mao
