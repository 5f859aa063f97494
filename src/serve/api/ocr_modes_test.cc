#include "serve/api/ocr_modes.h"

#include <gtest/gtest.h>

#include "ocr/tasks.h"

namespace mao {
namespace {

TEST(OcrModesTest, EveryNamedTaskIsAMode) {
  for (const TaskRow& task : NamedTasks()) {
    const OcrMode* mode = FindOcrMode(task.name);
    ASSERT_NE(mode, nullptr) << task.name;
    EXPECT_TRUE(mode->text_task == task.name || mode->grounded_task == task.name) << task.name;
  }
  EXPECT_EQ(FindOcrMode("locate"), FindOcrMode("find_ref"));
  EXPECT_EQ(FindOcrMode("text"), FindOcrMode("plain_ocr"));
  EXPECT_EQ(FindOcrMode(""), nullptr);
  EXPECT_EQ(FindOcrMode("Markdown"), nullptr);
}

TEST(OcrModesTest, NoModeIsASize) {
  for (const OcrMode& mode : OcrModes()) {
    EXPECT_FALSE(IsSizeMode(mode.name));
    EXPECT_FALSE(IsSizeMode(mode.other_name));
  }
}

TEST(OcrModesTest, LegacySizes) {
  EXPECT_EQ(*SizeModeOf({}), "");
  EXPECT_EQ(*SizeModeOf({512, 512, false}), "tiny");
  EXPECT_EQ(*SizeModeOf({640, 640, false}), "small");
  EXPECT_EQ(*SizeModeOf({1024, 1024, false}), "base");
  EXPECT_EQ(*SizeModeOf({1280, 1280, false}), "large");
  EXPECT_EQ(*SizeModeOf({1024, 640, true}), "gundam");
  EXPECT_EQ(*SizeModeOf({1024, 640, std::nullopt}), "gundam");
  EXPECT_EQ(*SizeModeOf({std::nullopt, std::nullopt, true}), "gundam");
  EXPECT_EQ(*SizeModeOf({1280, std::nullopt, std::nullopt}), "large");
  for (const LegacySize& size :
       {LegacySize{1024, 640, false}, LegacySize{1024, std::nullopt, std::nullopt},
        LegacySize{std::nullopt, std::nullopt, false}, LegacySize{800, 800, false}}) {
    const auto mode = SizeModeOf(size);
    ASSERT_FALSE(mode.ok());
    for (const char* name : {"tiny", "small", "base", "large", "gundam"}) {
      EXPECT_NE(mode.status().message().find(name), std::string::npos);
    }
  }
  EXPECT_EQ(LegacySizeOf("gundam").image_size, 640);
  EXPECT_FALSE(LegacySizeOf("auto").base_size.has_value());
}

}  // namespace
}  // namespace mao
