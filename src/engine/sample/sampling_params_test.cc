#include "engine/sample/sampling_params.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int kVocabSize = 100;

struct BadField {
  std::function<void(SamplingParams&)> spoil;
  std::string field;
  std::string value;
  std::string range;
};

TEST(SamplingParamsTest, DefaultsAndExtremesAreValid) {
  SamplingParams params;
  EXPECT_TRUE(Validate(params, kVocabSize).ok());
  params.temperature = 2;
  params.top_k = 1000000;
  params.top_p = 1e-6F;
  params.min_p = 1;
  params.presence_penalty = -2;
  params.frequency_penalty = 2;
  params.logprobs = 20;
  params.max_tokens = std::numeric_limits<int>::max();
  params.stop = {"x"};
  params.stop_token_ids = {0, 99};
  EXPECT_TRUE(Validate(params, kVocabSize).ok());
}

TEST(SamplingParamsTest, ErrorsNameFieldValueAndRange) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  using P = SamplingParams;
  const std::vector<BadField> cases = {
      {[](P& p) { p.temperature = -0.5F; }, "temperature", "-0.5", "at least 0"},
      {[](P& p) { p.temperature = kNan; }, "temperature", "nan", "finite"},
      {[](P& p) { p.temperature = kInf; }, "temperature", "inf", "finite"},
      {[](P& p) { p.top_k = -1; }, "top_k", "-1", "at least 1"},
      {[](P& p) { p.top_p = 0; }, "top_p", "0", "(0, 1]"},
      {[](P& p) { p.top_p = 1.5F; }, "top_p", "1.5", "(0, 1]"},
      {[](P& p) { p.top_p = kNan; }, "top_p", "nan", "(0, 1]"},
      {[](P& p) { p.min_p = -0.25F; }, "min_p", "-0.25", "[0, 1]"},
      {[](P& p) { p.repetition_penalty = 0; }, "repetition_penalty", "0", "greater than 0"},
      {[](P& p) { p.repetition_penalty = kInf; }, "repetition_penalty", "inf", "finite"},
      {[](P& p) { p.presence_penalty = 2.5F; }, "presence_penalty", "2.5", "[-2, 2]"},
      {[](P& p) { p.frequency_penalty = -3; }, "frequency_penalty", "-3", "[-2, 2]"},
      {[](P& p) { p.no_repeat_ngram_size = -1; }, "no_repeat_ngram_size", "-1", "[0, 4096]"},
      {[](P& p) { p.no_repeat_ngram_window = 70000; }, "no_repeat_ngram_window", "70000",
       "[0, 65536]"},
      {[](P& p) {
         p.no_repeat_ngram_whitelist = {1, 100};
       },
       "no_repeat_ngram_whitelist", "100", "[0, 100)"},
      {[](P& p) { p.max_tokens = 0; }, "max_tokens", "0", "at least 1"},
      {[](P& p) { p.max_tokens = 4, p.min_tokens = 5; }, "min_tokens", "5", "max_tokens = 4"},
      {[](P& p) {
         p.stop = {"ok", ""};
       },
       "stop", "0", "[1, 1024]"},
      {[](P& p) { p.stop.assign(65, "x"); }, "stop", "65", "at most 64"},
      {[](P& p) { p.stop_token_ids = {-7}; }, "stop_token_ids", "-7", "[0, 100)"},
      {[](P& p) { p.stop_token_ids.assign(1025, 1); }, "stop_token_ids", "1025", "at most 1024"},
      {[](P& p) { p.logprobs = 21; }, "logprobs", "21", "[0, 20]"},
      {[](P& p) { p.logprobs = -2; }, "logprobs", "-2", "-1 (off)"},
  };
  for (const BadField& c : cases) {
    SamplingParams params;
    c.spoil(params);
    const Status status = Validate(params, kVocabSize);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << c.field;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("sampling parameter " + c.field),
                                        HasSubstr(" is " + c.value), HasSubstr(c.range)));
  }
}

}  // namespace
}  // namespace mao
