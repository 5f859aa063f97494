// The model at the released dimensions with synthetic weights, against vectors recorded from the
// reference modules in float (vision) and in float64, float32 and bfloat16 (decoder).
//
// Needs the checkpoint that tools/make_checkpoint writes, in build/released-size (`make test-full`).
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "models/deepseek_ocr/tensors.h"
#include "models/deepseek_ocr/vision_tower.h"
#include "models/greedy_loop.h"
#include "models/test_model.h"
#include "weights/synthetic.h"

namespace mao {
namespace {

const Checkpoint& ReleasedSizeCheckpoint() {
  static const Checkpoint checkpoint = [] {
    auto opened = Checkpoint::Open(std::string(MAOOCR_BINARY_DIR) + "/../released-size");
    if (!opened.ok()) {
      std::fprintf(stderr, "%s (run make test-full)\n", opened.status().ToString().c_str());
      std::abort();
    }
    return std::move(opened).value();
  }();
  return checkpoint;
}

// Bytes whose value under SyntheticPixelValues is the synthetic value q of element (c, y, x).
Image SyntheticView(const std::string& name, int side) {
  Image image = {side, side, std::vector<uint8_t>(static_cast<size_t>(side) * side * 3)};
  const uint32_t seed = SyntheticSeed(name);
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < side * side; ++i) {
      const auto index = static_cast<uint32_t>(c * side * side + i);
      image.rgb[static_cast<size_t>(i) * 3 + static_cast<size_t>(c)] =
          static_cast<uint8_t>(SyntheticHash(seed, index) >> 24);
    }
  }
  return image;
}

std::array<float, 256> SyntheticPixelValues() {
  std::array<float, 256> values;
  for (int i = 0; i < 256; ++i) values[static_cast<size_t>(i)] = static_cast<float>(i - 128) / 128;
  return values;
}

struct Probe {
  int64_t row, col;
  double value;
};

// Root mean square and single values of a stage.
struct StageVector {
  double rms;
  std::vector<Probe> probes;
};

void Check(const std::string& what, const float* data, int64_t rows, int64_t cols,
           const StageVector& expected, double tolerance) {
  double squares = 0;
  for (int64_t i = 0; i < rows * cols; ++i) squares += static_cast<double>(data[i]) * data[i];
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(rows * cols)), expected.rms, tolerance)
      << what;
  for (const Probe& probe : expected.probes) {
    EXPECT_NEAR(data[probe.row * cols + probe.col], probe.value, tolerance)
        << what << " (" << probe.row << ", " << probe.col << ")";
  }
}

// Probabilities of the six experts that layer 1 chooses for the last position of the prompt.
void CheckRouter(const float* logits, int64_t num_experts) {
  double sum = 0;
  for (int64_t e = 0; e < num_experts; ++e) sum += std::exp(static_cast<double>(logits[e]));
  const std::map<int64_t, double> expected = {{16, .071612}, {21, .097660}, {31, .053198},
                                              {44, .063803}, {55, .139205}, {63, .075769}};
  for (int64_t e = 0; e < num_experts; ++e) {
    const double probability = std::exp(static_cast<double>(logits[e])) / sum;
    if (const auto it = expected.find(e); it != expected.end()) {
      EXPECT_NEAR(probability, it->second, 1e-5) << e;
    } else {
      EXPECT_LT(probability, .053198) << e;
    }
  }
}

class ReleasedSizeTest : public testing::Test {
 protected:
  ThreadPool pool_;
};

TEST_F(ReleasedSizeTest, CheckpointHasTheReleasedSize) {
  EXPECT_EQ(ReleasedSizeCheckpoint().num_tensors(), 2710u);
  EXPECT_EQ(ReleasedSizeCheckpoint().total_bytes(), 6672212480u);
}

TEST_F(ReleasedSizeTest, VisionMatchesTheRecordedVectors) {
  const auto config =
      deepseek_ocr::ParseConfig(*ReleasedSizeCheckpoint().File("config.json"), "config.json");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  const auto stored =
      StoredWeights::Verify(ReleasedSizeCheckpoint(), deepseek_ocr::Tensors(*config));
  ASSERT_TRUE(stored.ok()) << stored.status().ToString();
  const deepseek_ocr::WeightLoader loader(*stored, DType::kF32, Quantization::kNone, pool_);
  auto tower = deepseek_ocr::VisionTower::Load(*config, loader, SyntheticPixelValues());
  ASSERT_TRUE(tower.ok()) << tower.status().ToString();

  // Recorded as SAM [c, y, x], CLIP [token, c], projected [token, c]; here SAM is [y * t + x, c].
  struct Case {
    std::string name;
    int side;
    std::map<std::string, StageVector> stages;
  };
  const std::vector<Case> cases = {
      {"image512",
       512,
       {{"sam",
         {1.036875, {{0, 0, .07598}, {1, 1, 1.00418}, {36, 511, -.80610}, {63, 1023, -.76423}}}},
        {"clip",
         {8.959201,
          {{0, 0, -5.52964},
           {1, 0, -2.91684},
           {2, 1, -13.35795},
           {32, 512, -8.19394},
           {64, 1023, -10.26561}}}},
        {"projector",
         {5.282689,
          {{0, 0, 5.12102}, {1, 1, -1.37494}, {32, 640, 6.95485}, {63, 1279, -4.41936}}}}}},
      {"tile0",
       640,
       {{"sam",
         {1.050356, {{0, 0, -.05762}, {1, 1, .81307}, {55, 511, -.00342}, {99, 1023, .14034}}}},
        {"clip",
         {8.937966,
          {{0, 0, -3.02891},
           {1, 0, -.09878},
           {2, 1, -13.47175},
           {50, 512, -4.60997},
           {100, 1023, -10.58031}}}},
        {"projector",
         {5.265134,
          {{0, 0, 3.68396}, {1, 1, -.86685}, {50, 640, 8.53584}, {99, 1279, -5.11389}}}}}},
      {"tile1",
       640,
       {{"sam",
         {1.042997, {{0, 0, .28102}, {1, 1, .37902}, {55, 511, -.57339}, {99, 1023, -.25492}}}},
        {"clip",
         {8.971860,
          {{0, 0, -3.57807},
           {1, 0, .62336},
           {2, 1, -13.70068},
           {50, 512, -5.28739},
           {100, 1023, -8.85729}}}},
        {"projector",
         {5.287678,
          {{0, 0, 4.37588}, {1, 1, -1.67270}, {50, 640, 7.36115}, {99, 1279, -4.37149}}}}}},
      {"image1024",
       1024,
       {{"sam",
         {1.071194, {{0, 0, -.38064}, {1, 1, .47478}, {136, 511, -.42243}, {255, 1023, -.23424}}}},
        {"clip",
         {8.970183,
          {{0, 0, -4.90253},
           {1, 0, -1.57262},
           {2, 1, -12.98018},
           {128, 512, -6.87227},
           {256, 1023, -9.55971}}}},
        {"projector",
         {5.261031,
          {{0, 0, 4.58146}, {1, 1, -.20024}, {128, 640, 8.35095}, {255, 1279, -5.10842}}}}}}};
  ExecutionContext ctx = {pool_, DType::kF32, {}, {}};
  for (const Case& test : cases) {
    PreparedImage image;
    image.global = SyntheticView(test.name, test.side);
    image.num_rows = deepseek_ocr::VisionTower::NumRows(test.side, test.side, 0, 0);
    int num_checked = 0;
    ctx.observer = [&](std::string_view stage, const float* data, int64_t rows, int64_t cols) {
      const auto it = test.stages.find(std::string(stage));
      if (it == test.stages.end()) return;
      ++num_checked;
      // The recorded digits end at 5e-6; both float implementations add up to 2.5e-5 to values of
      // up to 14, which the projector sums again.
      Check(test.name + " " + std::string(stage), data, rows, cols, it->second, 2e-4);
    };
    std::vector<float> rows(static_cast<size_t>(image.num_rows * 1280));
    const EncodeItem item = {&image, rows.data()};
    ASSERT_TRUE(tower->Encode(ctx, {&item, 1}).ok());
    EXPECT_EQ(num_checked, 3) << test.name;
  }
  ctx.observer = nullptr;

  const auto check_rows = [&](const PreparedImage& image, double rms,
                              const std::map<int64_t, double>& sums) {
    std::vector<float> rows(static_cast<size_t>(image.num_rows * 1280));
    const EncodeItem item = {&image, rows.data()};
    ASSERT_TRUE(tower->Encode(ctx, {&item, 1}).ok());
    Check("assembled", rows.data(), image.num_rows, 1280, {rms, {}}, 2e-4);
    for (const auto& [row, expected] : sums) {
      double sum = 0;
      for (int64_t i = 0; i < 1280; ++i) sum += rows[static_cast<size_t>(row * 1280 + i)];
      EXPECT_NEAR(sum, expected, 5e-3) << "row " << row;
    }
  };
  PreparedImage alone;
  alone.global = SyntheticView("image512", 512);
  alone.num_rows = 73;
  check_rows(
      alone, 4.950561,
      {{0, 382.2465}, {7, 397.4035}, {8, -32.8594}, {9, 360.6229}, {71, -32.8594}, {72, 29.8203}});
  PreparedImage gundam;
  gundam.tiles = {SyntheticView("tile0", 640), SyntheticView("tile1", 640)};
  gundam.tile_columns = 2;
  gundam.tile_rows = 1;
  gundam.global = SyntheticView("image1024", 1024);
  gundam.num_rows = 483;
  check_rows(gundam, 5.120278,
             {{0, 413.9584},
              {9, 408.2093},
              {10, 397.5407},
              {19, 402.2785},
              {20, -32.8594},
              {21, 413.3352},
              {209, -32.8594},
              {210, 423.0760},
              {226, -32.8594},
              {481, -32.8594},
              {482, 29.8203}});
}

TEST_F(ReleasedSizeTest, DecoderMatchesTheRecordedVectors) {
  const std::vector<TokenId> expected = {56771,  107750, 107750, 107750, 107750, 107750,
                                         107750, 95370,  82535,  98264,  100634, 98264};
  // Block: rms and (position, channel) values of the residual stream after it.
  const std::map<std::string, StageVector> stages = {
      {"decoder.layer.0",
       {1.519083, {{0, 0, .79370}, {1, 1, -2.27381}, {9, 640, .28360}, {9, 1279, 1.41034}}}},
      {"decoder.layer.1",
       {2.183386, {{0, 0, .53729}, {1, 1, -4.16115}, {9, 640, -.52569}, {9, 1279, 1.27227}}}},
      {"decoder.layer.11",
       {5.657612, {{0, 0, -5.74160}, {1, 1, 5.96621}, {9, 640, 1.08862}, {9, 1279, -.18725}}}},
  };
  for (const DType compute : {DType::kF32, DType::kBF16}) {
    auto model = LoadModel(ReleasedSizeCheckpoint(), {compute}, pool_);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    PreparedPrompt prompt;
    prompt.token_ids = {0, 201, 128820, 21842, 270, 4940, 304, 2121, 7919, 16};
    GreedyLoop loop(**model, compute, pool_);
    int num_checked = 0;
    int num_routers = 0;
    loop.ctx().observer = [&](std::string_view stage, const float* data, int64_t rows,
                              int64_t cols) {
      if (compute != DType::kF32) return;
      // The first mixture of experts is layer 1.
      if (stage == "moe.router_logits" && num_routers++ == 0) {
        CheckRouter(data + (rows - 1) * cols, cols);
      }
      if (stage == "decoder.norm") {
        EXPECT_NEAR(data[0], -.93207, 1e-4);
        EXPECT_NEAR(data[640], .20544, 1e-4);
        EXPECT_NEAR(data[1279], -.03477, 1e-4);
      }
      const auto it = stages.find(std::string(stage));
      if (it == stages.end()) return;
      ++num_checked;
      Check(std::string(stage), data, rows, cols, it->second, 1e-4);
    };
    ASSERT_TRUE(loop.Prefill(prompt, 64).ok());
    loop.ctx().observer = nullptr;
    if (compute == DType::kF32) {
      EXPECT_EQ(num_routers, 11);
      EXPECT_NEAR(loop.logits()[56771], 5.9823, 2e-4);
      EXPECT_NEAR(loop.logits()[39755], 5.4542, 2e-4);
      EXPECT_NEAR(loop.logits()[724], 5.3465, 2e-4);
    }
    const std::vector<TokenId> ids = loop.Generate(expected.size());
    ASSERT_EQ(ids.size(), expected.size());
    // In bfloat16 the ninth and tenth step are near ties.
    const size_t num_exact = compute == DType::kF32 ? expected.size() : 8;
    if (compute == DType::kF32) {
      EXPECT_EQ(num_checked, 3);
    }
    for (size_t i = 0; i < num_exact; ++i) EXPECT_EQ(ids[i], expected[i]) << Name(compute) << i;
  }
}

}  // namespace
}  // namespace mao
