#include "weights/safetensors.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "weights/test_files.h"

namespace mao {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Result<SafetensorsIndex> Parse(const std::string& file) {
  return ParseSafetensors(AsBytes(file), "the.safetensors");
}

// Expects an error of this code which names the file and says `text`.
void ExpectError(const std::string& file, StatusCode code, const std::string& text) {
  const auto index = Parse(file);
  ASSERT_FALSE(index.ok()) << text;
  EXPECT_EQ(index.status().code(), code) << index.status().ToString();
  EXPECT_THAT(index.status().message(), AllOf(HasSubstr("the.safetensors"), HasSubstr(text)));
}

// The tensor "t" described by `info`, followed by data_bytes bytes.
void ExpectTensorError(const std::string& info, size_t data_bytes, StatusCode code,
                       const std::string& text) {
  const std::string file = RawSafetensors("{\"t\":" + info + "}", std::string(data_bytes, 'x'));
  ExpectError(file, code, text);
  ExpectError(file, code, "tensor \"t\"");
}

constexpr const char* kSmallHeader =
    R"({"__metadata__":{"format":"pt"},)"
    R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
    R"("a":{"dtype":"BF16","shape":[1,3],"data_offsets":[8,14]},)"
    R"("empty":{"dtype":"I64","shape":[0,7],"data_offsets":[8,8]},)"
    R"("scalar":{"dtype":"BOOL","shape":[],"data_offsets":[14,15]}}  )";

TEST(SafetensorsTest, ReadsTensorsByNameAndMetadata) {
  const std::string file = RawSafetensors(kSmallHeader, "12345678abcdef1");
  const auto index = Parse(file);
  ASSERT_TRUE(index.ok()) << index.status().ToString();
  ASSERT_EQ(index->tensors.size(), 4u);
  EXPECT_EQ(index->tensors[0].name, "a");
  EXPECT_EQ(index->tensors[0].view.dtype, DType::kBF16);
  EXPECT_EQ(index->tensors[0].view.shape, (Shape{1, 3}));
  EXPECT_EQ(AsStringView(index->tensors[0].view.bytes()), "abcdef");
  EXPECT_EQ(index->tensors[1].name, "b");
  EXPECT_EQ(AsStringView(index->tensors[1].view.bytes()), "12345678");
  EXPECT_EQ(index->tensors[2].name, "empty");
  EXPECT_EQ(index->tensors[2].view.size_bytes(), 0u);
  EXPECT_EQ(index->tensors[3].view.shape, Shape());
  EXPECT_EQ(index->tensors[3].view.dtype, DType::kBool);
  ASSERT_EQ(index->metadata.size(), 1u);
  EXPECT_EQ(index->metadata[0].first, "format");
  EXPECT_EQ(index->metadata[0].second, "pt");
}

TEST(SafetensorsTest, ReadsEveryElementType) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64,
                            DType::kI8, DType::kU8, DType::kBool}) {
    const size_t size = SizeBytes(dtype);
    const std::string file =
        RawSafetensors("{\"t\":{\"dtype\":\"" + std::string(Name(dtype)) +
                           "\",\"shape\":[1],\"data_offsets\":[0," + std::to_string(size) + "]}}",
                       std::string(size, 'x'));
    const auto index = Parse(file);
    ASSERT_TRUE(index.ok()) << index.status().ToString();
    EXPECT_EQ(index->tensors[0].view.dtype, dtype);
  }
}

TEST(SafetensorsTest, AcceptsNoTensorsAndUnknownKeysOfATensor) {
  EXPECT_TRUE(Parse(RawSafetensors("{}", "")).ok());
  EXPECT_TRUE(
      Parse(RawSafetensors(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"note":[{}]}})",
                           "x"))
          .ok());
}

TEST(SafetensorsTest, AcceptsUnalignedData) {
  const std::string file =
      RawSafetensors(R"({"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                     R"("f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                     std::string("x\0\0\xC0\x3F", 5));
  const auto index = Parse(file);
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(index->tensors[0].view.Load<float>(0), 1.5f);
}

TEST(SafetensorsTest, RefusesEveryPrefixAndAnyMore) {
  const std::string file = RawSafetensors(kSmallHeader, "12345678abcdef1");
  ASSERT_TRUE(Parse(file).ok());
  for (size_t size = 0; size < file.size(); ++size) {
    const auto index = Parse(file.substr(0, size));
    ASSERT_FALSE(index.ok()) << size;
    EXPECT_EQ(index.status().code(), StatusCode::kDataLoss) << size;
  }
  ExpectError(file + "x", StatusCode::kDataLoss, "1 bytes after the last tensor belong to none");
}

TEST(SafetensorsTest, RefusesBadHeaderLengths) {
  const std::string huge("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10);
  ExpectError(huge, StatusCode::kOutOfRange, "limit of 100000000 bytes");
  const std::string just_above("\x01\xE1\xF5\x05\0\0\0\0{}", 10);
  ExpectError(just_above, StatusCode::kOutOfRange, "100000001");
  const std::string longer_than_file("\x03\0\0\0\0\0\0\0{}", 10);
  ExpectError(longer_than_file, StatusCode::kDataLoss, "truncated");
}

TEST(SafetensorsTest, RefusesHeadersThatAreNoObject) {
  ExpectError(RawSafetensors("", ""), StatusCode::kDataLoss, "does not begin with '{'");
  ExpectError(RawSafetensors(" {}", ""), StatusCode::kDataLoss, "does not begin with '{'");
  ExpectError(RawSafetensors("[]", ""), StatusCode::kDataLoss, "does not begin with '{'");
  ExpectError(RawSafetensors("{} {}", ""), StatusCode::kDataLoss, "not valid JSON");
  ExpectError(RawSafetensors("{\"a\xFF\":1}", ""), StatusCode::kDataLoss, "not valid JSON");
}

TEST(SafetensorsTest, RefusesDeepJson) {
  const std::string deep = "{\"t\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  ExpectError(RawSafetensors(deep, ""), StatusCode::kOutOfRange, "limit of 64 levels");
}

TEST(SafetensorsTest, RefusesDuplicateKeys) {
  const std::string tensor = R"("t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  ExpectError(RawSafetensors("{" + tensor + "," + tensor + "}", ""), StatusCode::kDataLoss,
              "\"t\" stands twice");
  ExpectError(
      RawSafetensors(R"({"t":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}})", ""),
      StatusCode::kDataLoss, "\"dtype\" stands twice");
}

TEST(SafetensorsTest, RefusesBadMetadata) {
  ExpectError(RawSafetensors(R"({"__metadata__":3})", ""), StatusCode::kDataLoss, "__metadata__");
  ExpectError(RawSafetensors(R"({"__metadata__":{"k":3}})", ""), StatusCode::kDataLoss, "\"k\"");
}

TEST(SafetensorsTest, RefusesBadTypes) {
  ExpectTensorError("5", 0, StatusCode::kDataLoss, "object");
  ExpectTensorError(R"({"dtype":"F64","shape":[1],"data_offsets":[0,8]})", 8,
                    StatusCode::kUnimplemented, "\"F64\" is not supported");
  ExpectTensorError(R"({"dtype":"bf16","shape":[1],"data_offsets":[0,2]})", 2,
                    StatusCode::kUnimplemented, "\"bf16\"");
  ExpectTensorError(R"({"shape":[1],"data_offsets":[0,2]})", 2, StatusCode::kDataLoss, "dtype");
}

TEST(SafetensorsTest, RefusesBadShapes) {
  ExpectTensorError(R"({"dtype":"U8","data_offsets":[0,1]})", 1, StatusCode::kDataLoss, "shape");
  ExpectTensorError(R"({"dtype":"U8","shape":[-1],"data_offsets":[0,1]})", 1,
                    StatusCode::kInvalidArgument, "negative dimension -1");
  ExpectTensorError(R"({"dtype":"U8","shape":[1.0],"data_offsets":[0,1]})", 1,
                    StatusCode::kDataLoss, "1.0, not a whole number");
  ExpectTensorError(R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]})", 1,
                    StatusCode::kDataLoss, "18446744073709551615");
  ExpectTensorError(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0,
                    StatusCode::kOutOfRange, "[4294967296, 4294967296]");
  ExpectTensorError(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1],"data_offsets":[0,1]})", 1,
                    StatusCode::kOutOfRange, "limit of 6");
}

TEST(SafetensorsTest, RefusesBadOffsets) {
  ExpectTensorError(R"({"dtype":"U8","shape":[1]})", 1, StatusCode::kDataLoss, "data_offsets");
  for (const char* offsets : {"[0]", "[0,1,2]", "[-1,0]", "[0.0,1]", "\"0,1\"", "[null,1]"}) {
    ExpectTensorError(std::string(R"({"dtype":"U8","shape":[1],"data_offsets":)") + offsets + "}",
                      1, StatusCode::kDataLoss, "data_offsets");
  }
  ExpectTensorError(R"({"dtype":"U8","shape":[1],"data_offsets":[1,0]})", 1, StatusCode::kDataLoss,
                    "[1, 0] do not lie within the 1 bytes");
  ExpectTensorError(R"({"dtype":"U8","shape":[2],"data_offsets":[0,2]})", 1, StatusCode::kDataLoss,
                    "[0, 2] do not lie within the 1 bytes");
  ExpectTensorError(
      R"({"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]})", 1,
      StatusCode::kDataLoss, "do not lie within");
  ExpectTensorError(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8, StatusCode::kDataLoss,
                    "hold 8 bytes, but F32 [3] takes 12");
}

TEST(SafetensorsTest, RefusesOverlapsAndHoles) {
  const auto two = [](const char* first, const char* second) {
    return RawSafetensors(std::string(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)") + first +
                              R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}",
                          "wxyz");
  };
  ASSERT_TRUE(Parse(two("[2,4]", "[0,2]")).ok());
  ExpectError(two("[0,2]", "[1,3]"), StatusCode::kDataLoss, "\"b\": begins at byte 1");
  ExpectError(two("[0,2]", "[0,2]"), StatusCode::kDataLoss, "overlaps");
  ExpectError(two("[1,3]", "[1,3]"), StatusCode::kDataLoss, "hole");
  ExpectError(RawSafetensors(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                             "xyz"),
              StatusCode::kDataLoss, "\"b\": begins at byte 2 of the data, which leaves a hole");
}

}  // namespace
}  // namespace mao
