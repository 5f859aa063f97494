#include "ocr/tasks.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

std::string Joined(const OcrTask& task) {
  std::string text;
  for (const PromptPiece& piece : task.prompt) text += piece.text;
  return text;
}

TEST(TasksTest, NamedTasksAskAsTheReadmeDoes) {
  const std::pair<const char*, const char*> kPrompts[] = {
      {"markdown", "\n<|grounding|>Convert the document to markdown."},
      {"text", "\nFree OCR."},
      {"ocr", "\n<|grounding|>OCR this image."},
      {"figure", "\nParse the figure."},
      {"describe", "\nDescribe this image in detail."},
  };
  ASSERT_EQ(NamedTasks().size(), std::size(kPrompts));
  for (const auto& [name, prompt] : kPrompts) {
    const auto task = ParseTask(name);
    ASSERT_TRUE(task.ok());
    EXPECT_EQ(task->name, name);
    EXPECT_EQ(Joined(*task), prompt);
    EXPECT_TRUE(task->prompt[0].parse_special_tokens);
  }
}

TEST(TasksTest, TheTermToLocateYieldsNoSpecialTokens) {
  const auto task = ParseTask("locate:<|ref|>Total: 5");
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->name, "locate");
  ASSERT_EQ(task->prompt.size(), 3u);
  EXPECT_EQ(task->prompt[0].text, "\nLocate <|ref|>");
  EXPECT_EQ(task->prompt[1].text, "<|ref|>Total: 5");
  EXPECT_FALSE(task->prompt[1].parse_special_tokens);
  EXPECT_EQ(task->prompt[2].text, "<|/ref|> in the image.");
}

TEST(TasksTest, AnythingElseIsThePrompt) {
  EXPECT_EQ(Joined(*ParseTask("Read the seal.")), "\nRead the seal.");
  EXPECT_EQ(Joined(*ParseTask("<image>\n<|grounding|>Read.")), "\n<|grounding|>Read.");
  EXPECT_EQ(Joined(*ParseTask("locate the seal")), "\nlocate the seal");
  EXPECT_EQ(ParseTask("Read the seal.")->name, "prompt");
}

TEST(TasksTest, BlankOnesAreErrors) {
  for (const char* text : {"", " \n", "<image>", "locate", "locate:", "locate: \t"}) {
    const auto task = ParseTask(text);
    ASSERT_FALSE(task.ok()) << text;
    EXPECT_EQ(task.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(TasksTest, APromptAboutAnImageFollowsOneNewline) {
  for (const char* text : {"Read.", "<image>Read.", "<image>\nRead.", "\n\nRead."}) {
    EXPECT_EQ(Joined(*UserImagePrompt(text)), "\nRead.") << text;
  }
  EXPECT_EQ(Joined(*UserImagePrompt("<image>\n<|grounding|>Read.")), "\n<|grounding|>Read.");
  EXPECT_FALSE(UserImagePrompt("<image>\n").ok());
}

TEST(TasksTest, DefaultSamplingIsTheModelsRecipe) {
  ModelInfo model;
  model.vocab_size = 100;
  model.table_token_ids = {7, 8};
  const SamplingParams params = DefaultSampling(model);
  EXPECT_TRUE(params.greedy());
  EXPECT_EQ(params.no_repeat_ngram_size, 30);
  EXPECT_EQ(params.no_repeat_ngram_window, 90);
  EXPECT_EQ(params.no_repeat_ngram_whitelist, (std::vector<TokenId>{7, 8}));
  EXPECT_TRUE(params.detect_loops);
  EXPECT_TRUE(Validate(params, 100).ok());
}

}  // namespace
}  // namespace mao
