#include "weights/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weights/test_files.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHeader = R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                                R"("b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},)"
                                R"("c":{"dtype":"F16","shape":[],"data_offsets":[32,34]},)"
                                R"("i":{"dtype":"I32","shape":[1],"data_offsets":[34,38]}})";

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() : file_(RawSafetensors(kHeader, std::string(38, 'x'))) {}

  Checkpoint Open() const {
    const std::vector<Checkpoint::NamedBytes> files = {{"config.json", AsBytes("{}")},
                                                       {"model.safetensors", AsBytes(file_)}};
    return Checkpoint::FromMemory("tiny", files).value();
  }

  std::string file_;
};

TEST_F(VerifyTest, WhatFitsIsOkAndTheRestIsTold) {
  const std::vector<TensorSpec> expected = {{"a", {2, 3}}, {"b", {4}}, {"c", {}}};
  std::vector<std::string> unused;
  EXPECT_TRUE(VerifyTensors(Open(), expected, &unused).ok());
  EXPECT_THAT(unused, ElementsAre("i"));
  EXPECT_TRUE(VerifyTensors(Open(), expected).ok());
}

TEST_F(VerifyTest, OneErrorListsEverything) {
  const std::vector<TensorSpec> expected = {
      {"a", {3, 2}}, {"b", {4, 1}}, {"i", {1}}, {"x.y", {1}}, {"x.z", {1}}};
  const Status status = VerifyTensors(Open(), expected);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "tiny: the checkpoint does not fit the model; 2 tensors missing: x.y, x.z; "
            "2 of another shape: a (expected [3, 2], found [2, 3]), b (expected [4, 1], found "
            "[4]); 1 not of a float type: i (I32); 1 unused: \"c\"");
}

TEST_F(VerifyTest, ATypeThatIsNamedMustBeThere) {
  const std::vector<TensorSpec> fits = {{"i", {1}, DType::kI32}, {"b", {4}, DType::kBF16}};
  EXPECT_TRUE(VerifyTensors(Open(), fits).ok());
  const std::vector<TensorSpec> wrong = {{"i", {1}, DType::kU8}};
  EXPECT_THAT(VerifyTensors(Open(), wrong).message(),
              HasSubstr("1 of another type: i (expected U8, found I32)"));
}

TEST_F(VerifyTest, LongListsAreCut) {
  std::vector<TensorSpec> expected;
  expected.reserve(25);
  for (int i = 0; i < 25; ++i) expected.push_back({"t" + std::to_string(i), {1}});
  const Status status = VerifyTensors(Open(), expected);
  EXPECT_THAT(status.message(), HasSubstr("25 tensors missing: t0, t1,"));
  EXPECT_THAT(status.message(), HasSubstr("t19 … and 5 more"));
}

}  // namespace
}  // namespace mao
