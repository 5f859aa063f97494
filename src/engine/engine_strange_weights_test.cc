// Weights that are not numbers: the request ends, with a text or an error that says so, and the
// engine goes on.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "models/test_model.h"
#include "weights/test_checkpoint.h"

namespace mao {
namespace {

constexpr uint16_t kNan = 0x7FC0;       // bfloat16
constexpr uint16_t kInfinity = 0x7F80;  // bfloat16
constexpr int kMaxTokens = 8;

struct Ending {
  Status status;
  size_t num_tokens = 0;
};

Ending Ask(Engine& engine, float temperature) {
  EngineRequest request;
  request.prompt.image = LoadTestImage("tiny_free.png");
  request.prompt.image_options.mode = "tiny";
  request.prompt.text = {{"Free OCR.", true}};
  request.sampling.max_tokens = kMaxTokens;
  request.sampling.temperature = temperature;
  auto stream = engine.Submit(request);
  if (!stream.ok()) return {stream.status(), 0};
  Ending ending;
  while (auto output = (*stream)->Next()) {
    ending.num_tokens += output->token_ids.size();
    if (output->finished) ending.status = output->status;
  }
  return ending;
}

std::unique_ptr<Engine> MakeEngine(std::string_view name_end, uint16_t bits) {
  EditableCheckpoint files(std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny");
  files.Fill(name_end, bits);
  const auto checkpoint = files.Open();
  EXPECT_TRUE(checkpoint.ok());
  ThreadPool pool(2);
  auto model = LoadModel(*checkpoint, {DType::kBF16}, pool);
  EXPECT_TRUE(model.ok()) << model.status().ToString();
  EngineConfig config;
  config.num_threads = 2;
  auto engine = Engine::Create(std::move(model).value(), config);
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  return std::move(engine).value();
}

TEST(EngineStrangeWeightsTest, AHeadOfNansIsAnErrorThatSaysSo) {
  auto engine = MakeEngine("lm_head.weight", kNan);
  for (const float temperature : {0.0f, 0.7f}) {
    for (int repeat = 0; repeat < 2; ++repeat) {
      const Ending ending = Ask(*engine, temperature);
      EXPECT_EQ(ending.status.code(), StatusCode::kInternal);
      EXPECT_THAT(ending.status.message(), testing::HasSubstr("NaN"));
      EXPECT_EQ(ending.num_tokens, 0u);
    }
  }
}

TEST(EngineStrangeWeightsTest, NansAndInfinitiesElsewhereEndInATextOrAnError) {
  for (const auto& [name_end, bits] :
       {std::pair{"mlp.gate.weight", kNan}, {"model.image_newline", kInfinity}}) {
    auto engine = MakeEngine(name_end, bits);
    for (const float temperature : {0.0f, 0.7f}) {
      const Ending ending = Ask(*engine, temperature);
      EXPECT_LE(ending.num_tokens, static_cast<size_t>(kMaxTokens));
      EXPECT_THAT(ending.status.code(), testing::AnyOf(StatusCode::kOk, StatusCode::kInternal));
    }
  }
}

}  // namespace
}  // namespace mao
