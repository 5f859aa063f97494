// Files that are broken, or built to cost more than they should.
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/file.h"
#include "vision/decode.h"
#include "vision/encode.h"
#include "vision/test_support.h"

namespace mao {
namespace {

Status DecodeStatus(const std::string& bytes, const ImageLimits& limits = {}) {
  return DecodeImage(AsBytes(bytes), "scan-17", limits).status();
}

void ExpectError(const Status& status, StatusCode code, std::initializer_list<const char*> words) {
  EXPECT_EQ(status.code(), code) << status.ToString();
  EXPECT_NE(status.message().find("scan-17"), std::string::npos) << status.ToString();
  for (const char* word : words) {
    EXPECT_NE(status.message().find(word), std::string::npos) << status.ToString();
  }
}

std::string BigEndian32(uint32_t value) {
  std::string bytes(4, '\0');
  for (int i = 0; i < 4; ++i)
    bytes[static_cast<size_t>(i)] = static_cast<char>(value >> (24 - 8 * i));
  return bytes;
}

std::string PngChunk(const std::string& kind, const std::string& data) {
  const std::string body = kind + data;
  const auto crc = crc32_z(0, reinterpret_cast<const uint8_t*>(body.data()), body.size());
  return BigEndian32(static_cast<uint32_t>(data.size())) + body +
         BigEndian32(static_cast<uint32_t>(crc));
}

std::string Deflate(const std::string& data) {
  std::string packed(compressBound(data.size()), '\0');
  uLongf size_bytes = packed.size();
  compress(reinterpret_cast<uint8_t*>(packed.data()), &size_bytes,
           reinterpret_cast<const uint8_t*>(data.data()), data.size());
  packed.resize(size_bytes);
  return packed;
}

// A grey 8-bit PNG whose header claims these sides, whatever the data.
std::string Png(uint32_t width, uint32_t height, const std::string& more_chunks,
                const std::string& rows) {
  const std::string header =
      BigEndian32(width) + BigEndian32(height) + std::string("\x08\0\0\0\0", 5);
  return "\x89PNG\r\n\x1A\n" + PngChunk("IHDR", header) + more_chunks +
         PngChunk("IDAT", Deflate(rows)) + PngChunk("IEND", "");
}

TEST(HostileTest, EmptyAndUnknown) {
  ExpectError(DecodeStatus(""), StatusCode::kInvalidArgument, {"empty"});
  ExpectError(DecodeStatus("hello"), StatusCode::kInvalidArgument, {"known format", "PNG"});
  ExpectError(DecodeStatus("%PDF-1.7"), StatusCode::kInvalidArgument, {"known format"});
  ExpectError(DecodeStatus(std::string(1000, '\0')), StatusCode::kInvalidArgument,
              {"known format"});
}

TEST(HostileTest, FilesAboveTheSizeLimit) {
  ImageLimits limits;
  limits.max_file_bytes = 100;
  ExpectError(DecodeStatus(ReadFixture("images/tiny-rgb.png"), limits), StatusCode::kOutOfRange,
              {"limit of 100 bytes"});
}

// One of each format, in the order JPEG, PNG, WebP, TIFF, BMP, GIF.
struct Sample {
  const char* format;
  const char* file;
};
constexpr Sample kSamples[] = {
    {"JPEG", "images/exif-6.jpg"},        {"JPEG", "formats/progressive.jpg"},
    {"PNG", "images/exif-6.png"},         {"PNG", "formats/rgba16-interlaced.png"},
    {"WebP", "formats/exif-8.webp"},      {"WebP", "formats/animated.webp"},
    {"TIFF", "formats/lzw.tif"},          {"TIFF", "formats/tiles.tif"},
    {"TIFF", "formats/jpeg.tif"},         {"BMP", "formats/bits8.bmp"},
    {"BMP", "formats/bits32-fields.bmp"}, {"GIF", "formats/interlaced.gif"}};

TEST(HostileTest, LimitsOfPixelsAndSidesNameTheFormat) {
  for (const Sample& sample : kSamples) {
    const std::string bytes = ReadFixture(sample.file);
    ImageLimits pixels;
    pixels.max_pixels = 100;
    ExpectError(DecodeStatus(bytes, pixels), StatusCode::kOutOfRange,
                {sample.format, "limit of 100 pixels"});
    ImageLimits side;
    side.max_side = 20;
    ExpectError(DecodeStatus(bytes, side), StatusCode::kOutOfRange,
                {sample.format, "limit of 20 a side"});
  }
}

TEST(HostileTest, TimeLimit) {
  ImageLimits limits;
  limits.max_decode_time = std::chrono::milliseconds(-1);
  for (const char* file :
       {"images/exif-6.jpg", "images/exif-6.png", "formats/lzw.tif", "formats/plain.gif"}) {
    ExpectError(DecodeStatus(ReadFixture(file), limits), StatusCode::kDeadlineExceeded,
                {"limit of -1 ms"});
  }
}

// Every prefix is an error, never a crash and never a picture; but PNG and GIF have all their
// pixels a few bytes before the end of the file, and what follows does not matter (as in Pillow).
TEST(HostileTest, TruncatedAtEveryByte) {
  for (const Sample& sample : kSamples) {
    const std::string bytes = ReadFixture(sample.file);
    const std::string format = sample.format;
    const size_t tail = format == "PNG" ? 64 : format == "GIF" ? 4 : format == "BMP" ? 3 : 0;
    for (size_t size = 1; size < bytes.size(); ++size) {
      const auto image = DecodeImage(AsBytes(bytes.substr(0, size)), "scan-17");
      if (image.ok()) {
        EXPECT_GE(size + tail, bytes.size()) << sample.file << " cut to " << size;
      } else {
        EXPECT_NE(image.status().code(), StatusCode::kInternal) << sample.file;
        EXPECT_NE(image.status().message().find("scan-17"), std::string::npos);
      }
    }
  }
}

TEST(HostileTest, ChangedBytesNeverCrash) {
  ImageLimits limits;
  limits.max_pixels = 1'000'000;
  for (const Sample& sample : kSamples) {
    const std::string bytes = ReadFixture(sample.file);
    const size_t step = bytes.size() / 400 + 1;
    for (size_t at = 0; at < bytes.size(); at += at < 100 ? 1 : step) {
      for (const int change : {0xFF, 0x80, 0x01}) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ change);
        const auto image = DecodeImage(AsBytes(changed), "scan-17", limits);
        EXPECT_TRUE(!image.ok() || IsWellFormed(*image)) << sample.file << " changed at " << at;
      }
    }
  }
}

TEST(HostileTest, BombsAreRefusedByTheirHeader) {
  ExpectError(DecodeStatus(Png(60000, 60000, "", "")), StatusCode::kOutOfRange,
              {"PNG", "60000 x 60000"});
  ExpectError(DecodeStatus(Png(0x7FFFFFFF, 0x7FFFFFFF, "", "")), StatusCode::kOutOfRange,
              {"PNG", "a side"});
  ExpectError(DecodeStatus(Png(0, 5, "", "")), StatusCode::kDataLoss, {"PNG"});
  std::string jpeg = ReadFixture("images/exif-1.jpg");
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");  // 65500 x 65500
  ExpectError(DecodeStatus(jpeg), StatusCode::kOutOfRange, {"JPEG", "65500 x 65500"});
  std::string bmp = ReadFixture("formats/bits24.bmp");
  bmp.replace(18, 8, std::string("\xFF\xFF\0\0\xFF\xFF\0\0", 8));
  ExpectError(DecodeStatus(bmp), StatusCode::kOutOfRange, {"BMP", "65535 x 65535"});
  bmp.replace(18, 8, std::string("\0\0\0\x80\x01\0\0\0", 8));
  ExpectError(DecodeStatus(bmp), StatusCode::kDataLoss, {"BMP"});
  std::string gif = ReadFixture("formats/plain.gif");
  gif.replace(6, 4, "\xFF\xFF\xFF\xFF");
  ExpectError(DecodeStatus(gif), StatusCode::kOutOfRange, {"GIF", "65535 x 65535"});
}

TEST(HostileTest, CompressedTextAndProfilesAreNotInflated) {
  const std::string zeros(64 << 20, '\0');
  const std::string bomb = Deflate(zeros);
  const std::string chunks = PngChunk("zTXt", std::string("k\0\0", 3) + bomb) +
                             PngChunk("iCCP", std::string("k\0\0", 3) + bomb);
  const std::string rows("\0\x40\0\x80", 4);
  const auto image = DecodeImage(AsBytes(Png(1, 2, chunks, rows)), "scan-17");
  ASSERT_TRUE(image.ok()) << image.status().ToString();
  EXPECT_EQ(image->rgb, (std::vector<uint8_t>{0x40, 0x40, 0x40, 0x80, 0x80, 0x80}));
}

// The last scan of a progressive picture, a refinement, over and over again.
TEST(HostileTest, ProgressiveScansAreLimited) {
  const std::string jpeg = ReadFixture("formats/progressive.jpg");
  const size_t last = jpeg.rfind("\xFF\xDA");
  ASSERT_NE(last, std::string::npos);
  const std::string scan = jpeg.substr(last, jpeg.size() - 2 - last);
  std::string bomb = jpeg.substr(0, jpeg.size() - 2);
  for (int i = 0; i < 600; ++i) bomb += scan;
  bomb += "\xFF\xD9";
  ExpectError(DecodeStatus(bomb), StatusCode::kOutOfRange, {"JPEG", "limit of 500 scans"});
}

std::string LittleEndian(uint32_t value, int num_bytes) {
  std::string bytes;
  for (int i = 0; i < num_bytes; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

// An entry of a TIFF directory, of type LONG. Several values stand elsewhere, `value` being where.
struct TiffEntry {
  uint32_t tag;
  uint32_t value;
  uint32_t count = 1;
};

// A little-endian TIFF: header, data (from offset 8 on), directory.
std::string Tiff(const std::vector<TiffEntry>& entries, const std::string& data) {
  std::string file =
      std::string("II*\0", 4) + LittleEndian(static_cast<uint32_t>(8 + data.size()), 4);
  file += data + LittleEndian(static_cast<uint32_t>(entries.size()), 2);
  for (const TiffEntry& entry : entries) {
    file += LittleEndian(entry.tag, 2) + LittleEndian(4, 2) + LittleEndian(entry.count, 4) +
            LittleEndian(entry.value, 4);
  }
  return file + std::string(4, '\0');
}

// A hundred strips that are all the same thousands of bytes.
TEST(HostileTest, TiffStripsThatOverlap) {
  constexpr uint32_t kNumStrips = 100;
  constexpr uint32_t kStripBytes = 4000;
  std::string offsets;
  std::string counts;
  for (uint32_t i = 0; i < kNumStrips; ++i) {
    offsets += LittleEndian(8 + kNumStrips * 8, 4);
    counts += LittleEndian(kStripBytes, 4);
  }
  const std::string data = offsets + counts + std::string(kStripBytes, '\x55');
  const std::string file = Tiff({{256, 40},
                                 {257, kNumStrips},
                                 {258, 8},
                                 {259, 5},
                                 {262, 1},
                                 {273, 8, kNumStrips},
                                 {277, 1},
                                 {278, 1},
                                 {279, 8 + kNumStrips * 4, kNumStrips}},
                                data);
  ExpectError(DecodeStatus(file), StatusCode::kOutOfRange, {"TIFF", "limit of 16 times"});
}

TEST(HostileTest, TiffsOfUnusualCost) {
  const std::string data(64, '\x55');
  // A tile far larger than the page.
  ExpectError(DecodeStatus(Tiff({{256, 40},
                                 {257, 4},
                                 {258, 8},
                                 {259, 5},
                                 {262, 1},
                                 {277, 1},
                                 {322, 1 << 20},
                                 {323, 1 << 20},
                                 {324, 8},
                                 {325, 64}},
                                data)),
              StatusCode::kOutOfRange, {"TIFF", "limit"});
  ExpectError(DecodeStatus(Tiff({{256, 40},
                                 {257, 4},
                                 {258, 8},
                                 {259, 1},
                                 {262, 1},
                                 {277, 1},
                                 {322, 1},
                                 {323, 1},
                                 {324, 8},
                                 {325, 64}},
                                data)),
              StatusCode::kDataLoss, {"TIFF"});
  ExpectError(DecodeStatus(Tiff({{256, 40},
                                 {257, 4},
                                 {258, 8},
                                 {259, 34925},
                                 {262, 1},
                                 {277, 1},
                                 {278, 4},
                                 {273, 8},
                                 {279, 64}},
                                data)),
              StatusCode::kUnimplemented, {"TIFF", "34925"});
  ExpectError(DecodeStatus(Tiff({{256, 4},
                                 {257, 4},
                                 {258, 8},
                                 {259, 1},
                                 {262, 1},
                                 {277, 60000},
                                 {278, 4},
                                 {273, 8},
                                 {279, 64}},
                                data)),
              StatusCode::kUnimplemented, {"TIFF", "60000"});
  ExpectError(DecodeStatus(Tiff({{256, 2},
                                 {257, 4},
                                 {258, 32},
                                 {259, 1},
                                 {262, 1},
                                 {277, 1},
                                 {278, 4},
                                 {273, 8},
                                 {279, 64},
                                 {339, 3}},
                                data)),
              StatusCode::kUnimplemented, {"TIFF"});
  const auto plain = DecodeImage(AsBytes(Tiff({{256, 8},
                                               {257, 8},
                                               {258, 8},
                                               {259, 1},
                                               {262, 1},
                                               {277, 1},
                                               {278, 8},
                                               {273, 8},
                                               {279, 64}},
                                              data)),
                                 "scan-17");
  ASSERT_TRUE(plain.ok()) << plain.status().ToString();
  EXPECT_EQ(plain->rgb, std::vector<uint8_t>(8 * 8 * 3, 0x55));
}

TEST(HostileTest, SmallestAndVeryWidePictures) {
  for (const auto& [width, height] :
       {std::pair{1, 1}, std::pair{20000, 100}, std::pair{100, 20000}}) {
    const Image image = PatternImage(width, height);
    const auto png = EncodePng(image);
    ASSERT_TRUE(png.ok());
    const auto decoded = DecodeImage(AsBytes(*png), "scan-17");
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(decoded->rgb, image.rgb);
    const auto jpeg = EncodeJpeg(image);
    ASSERT_TRUE(jpeg.ok());
    EXPECT_TRUE(DecodeImage(AsBytes(*jpeg), "scan-17").ok());
  }
}

}  // namespace
}  // namespace mao
