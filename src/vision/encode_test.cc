#include "vision/encode.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "base/file.h"
#include "vision/decode.h"
#include "vision/test_support.h"

namespace mao {
namespace {

double MeanDifference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(int{a.rgb[i]} - int{b.rgb[i]});
  return sum / static_cast<double>(a.rgb.size());
}

TEST(EncodeTest, PngIsLossless) {
  const Image image = PatternImage(123, 77);
  const auto png = EncodePng(image);
  ASSERT_TRUE(png.ok());
  const auto decoded = DecodeImage(AsBytes(*png), "a.png");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->width, 123);
  EXPECT_EQ(decoded->rgb, image.rgb);
}

TEST(EncodeTest, JpegIsCloseAndBetterQualityIsCloser) {
  const Image image = DecodeFixture("images/page-723x541.png");
  double last = 1e9;
  for (const int quality : {30, kDefaultJpegQuality, 95}) {
    const auto jpeg = EncodeJpeg(image, quality);
    ASSERT_TRUE(jpeg.ok());
    const auto decoded = DecodeImage(AsBytes(*jpeg), "a.jpg");
    ASSERT_TRUE(decoded.ok());
    ASSERT_EQ(decoded->rgb.size(), image.rgb.size());
    const double difference = MeanDifference(*decoded, image);
    EXPECT_LT(difference, last) << quality;
    last = difference;
  }
  EXPECT_LT(last, 2.0);
}

// What Pillow 9.4 writes for the same pixels with save(file, "JPEG"), which checks quality tables,
// chroma subsampling and transform at once.
TEST(EncodeTest, JpegEqualsPillow) {
  const auto jpeg = EncodeJpeg(PatternImage(45, 34));
  ASSERT_TRUE(jpeg.ok());
  EXPECT_EQ(Sha256Hex({reinterpret_cast<const uint8_t*>(jpeg->data()), jpeg->size()}),
            "f756ec1d22ce478a8091d12b54b575887ed1ab132caea2465f65eb93cea677bf");
}

TEST(EncodeTest, WrongArguments) {
  const Image image = PatternImage(4, 4);
  EXPECT_EQ(EncodeJpeg(image, 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodeJpeg(image, 101).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodeJpeg(Image{}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodePng(Image{}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodePng(Image{4, 5, image.rgb}).status().code(), StatusCode::kInvalidArgument);
  const auto wide = EncodeJpeg(MakeImage(65501, 1));
  EXPECT_EQ(wide.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(wide.status().message().find("65500"), std::string::npos);
}

}  // namespace
}  // namespace mao
