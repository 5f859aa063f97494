// Batching must not show: an image has the same rows alone and in company.
#include "models/deepseek_ocr/vision_tower.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_sanitizer.h"
#include "models/deepseek_ocr/processor.h"
#include "models/deepseek_ocr/tensors.h"
#include "models/test_model.h"

namespace mao::deepseek_ocr {
namespace {

Image NoisePage(int width, int height, uint32_t seed) {
  Image image = {width, height, std::vector<uint8_t>(static_cast<size_t>(width) * height * 3)};
  for (uint8_t& value : image.rgb) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<uint8_t>(seed >> 24);
  }
  return image;
}

class VisionTowerTest : public testing::TestWithParam<DType> {
 protected:
  VisionTowerTest()
      : checkpoint_(
            Checkpoint::Open(std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny").value()),
        config_(ParseConfig(*checkpoint_.File("config.json"), "config.json").value()),
        stored_(StoredWeights::Verify(checkpoint_, Tensors(config_)).value()),
        tower_(
            VisionTower::Load(config_, {stored_, GetParam(), Quantization::kNone, pool_}).value()),
        ctx_{pool_, GetParam(), {}, {}} {}

  PreparedImage Page(const std::string& mode, int width, int height) {
    ImageOptions options;
    options.mode = mode;
    return PrepareImage(NoisePage(width, height, ++num_pages_), options, &pool_).value();
  }

  // The rows of each image, encoded in one call.
  std::vector<std::vector<float>> Encode(const std::vector<const PreparedImage*>& images) {
    std::vector<std::vector<float>> rows;
    std::vector<EncodeItem> items;
    for (const PreparedImage* image : images) {
      rows.emplace_back(static_cast<size_t>(image->num_rows * config_.decoder.hidden_size));
      items.push_back({image, rows.back().data()});
    }
    const Status status = tower_.Encode(ctx_, items);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return rows;
  }

  ThreadPool pool_{2};
  Checkpoint checkpoint_;
  Config config_;
  StoredWeights stored_;
  VisionTower tower_;
  ExecutionContext ctx_;
  uint32_t num_pages_ = 0;
};

TEST_P(VisionTowerTest, ImagesEncodedTogetherHaveTheRowsOfEachAlone) {
  std::vector<PreparedImage> pages;
  pages.push_back(Page("tiny", 300, 400));
  pages.push_back(Page("gundam", 700, 1300));
  EXPECT_EQ(pages[1].tiles.size(), 2u);
  pages.push_back(Page("tiny", 200, 200));
  if (!kUnderSanitizer) {  // more views than one batch takes: the last page's are in two of them
    pages.push_back(Page("tiny", 100, 600));
    pages.push_back(Page("small", 400, 300));
    pages.push_back(Page("base", 900, 500));
    pages.push_back(Page("gundam", 1300, 700));
    EXPECT_EQ(pages[6].tiles.size(), 2u);
  }
  std::vector<const PreparedImage*> together;
  together.reserve(pages.size());
  for (const PreparedImage& page : pages) together.push_back(&page);
  const std::vector<std::vector<float>> rows = Encode(together);
  for (size_t i = 0; i < pages.size(); ++i) {
    const std::vector<float> alone = Encode({&pages[i]})[0];
    ASSERT_EQ(rows[i].size(), alone.size());
    EXPECT_EQ(std::memcmp(rows[i].data(), alone.data(), alone.size() * sizeof(float)), 0)
        << "page " << i;
  }
  EXPECT_NE(rows[0], rows[2]) << "different pages of one mode";
}

INSTANTIATE_TEST_SUITE_P(Formats, VisionTowerTest, testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& test) { return std::string(Name(test.param)); });

}  // namespace
}  // namespace mao::deepseek_ocr
