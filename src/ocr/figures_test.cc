#include "ocr/figures.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

Image Gradient(int width, int height) {
  Image image = MakeImage(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[3 * x] = static_cast<uint8_t>(x);
      image.row(y)[3 * x + 1] = static_cast<uint8_t>(y);
    }
  }
  return image;
}

TEST(FiguresTest, CropsHoldTheBoxes) {
  const std::vector<PageFigure> figures = {{"images/0.jpg", {2, 3, 12, 9}, 0},
                                           {"images/1.jpg", {19, 9, 20, 10}, 4}};
  const auto images = CropFigures(Gradient(20, 10), figures);
  ASSERT_TRUE(images.ok());
  ASSERT_EQ(images->size(), 2U);
  const FigureImage& first = images->front();
  EXPECT_EQ(first.path, "images/0.jpg");
  EXPECT_EQ(first.image.width, 10);
  EXPECT_EQ(first.image.height, 6);
  EXPECT_EQ(first.image.row(0)[0], 2);
  EXPECT_EQ(first.image.row(5)[3 * 9], 11);
  EXPECT_EQ(first.image.row(5)[3 * 9 + 1], 8);
  EXPECT_EQ((*images)[1].image.rgb, (std::vector<uint8_t>{19, 9, 0}));
}

TEST(FiguresTest, ErrorsNameTheFigureAndThePage) {
  EXPECT_EQ(CropFigures(Image{}, {}).status().code(), StatusCode::kInvalidArgument);
  for (const PixelBox& box : std::vector<PixelBox>{
           {-1, 0, 5, 5}, {0, 0, 21, 5}, {0, 0, 5, 11}, {5, 5, 5, 6}, {5, 6, 6, 5}}) {
    const auto images =
        CropFigures(Gradient(20, 10), std::vector<PageFigure>{{"images/7.jpg", box, 0}});
    EXPECT_EQ(images.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(images.status().message().find("images/7.jpg"), std::string::npos);
    EXPECT_NE(images.status().message().find("20x10"), std::string::npos);
  }
}

}  // namespace
}  // namespace mao
