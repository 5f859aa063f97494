#include "ocr/page_answer.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(PageAnswerTest, FillsEverythingButPlaceAndDecoding) {
  PageAnswer answer;
  answer.raw_text = "<|ref|>title<|/ref|><|det|>[[0, 0, 999, 499]]<|/det|>\n# T";
  answer.stop_reason = StopReason::kMaxTokens;
  answer.stats.num_prompt_tokens = 5;
  answer.stats.num_image_tokens = 3;
  answer.stats.num_output_tokens = 7;
  answer.stats.prepare_ms = 1;
  answer.stats.generate_ms = 4;
  answer.mode = "base";
  answer.width = 100;
  answer.height = 200;
  const PageResult page = MakePageResult(answer, {});
  EXPECT_EQ(page.markdown, "\n# T");
  ASSERT_EQ(page.blocks.size(), 1U);
  EXPECT_EQ(page.blocks[0].pixel_boxes[0], (PixelBox{0, 0, 100, 99}));
  EXPECT_EQ(page.finish, PageFinish::kLength);
  EXPECT_EQ(page.mode, "base");
  EXPECT_EQ(page.tokens.prompt, 5);
  EXPECT_EQ(page.tokens.image, 3);
  EXPECT_EQ(page.tokens.output, 7);
  EXPECT_EQ(page.timings.preprocess_ms, 1);
  EXPECT_GE(page.timings.total_ms, 5);
  EXPECT_EQ(page.timings.decode_ms, 0);
}

TEST(PageAnswerTest, EveryStopReasonHasAFinish) {
  EXPECT_EQ(ToPageFinish(StopReason::kEndOfText), PageFinish::kStop);
  EXPECT_EQ(ToPageFinish(StopReason::kStopToken), PageFinish::kStop);
  EXPECT_EQ(ToPageFinish(StopReason::kStopString), PageFinish::kStop);
  EXPECT_EQ(ToPageFinish(StopReason::kRepetition), PageFinish::kRepetition);
  EXPECT_EQ(ToPageFinish(StopReason::kNone), PageFinish::kError);
}

}  // namespace
}  // namespace mao
