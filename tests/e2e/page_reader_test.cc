// The page pipeline with the embedded model, in its fastest mode.
#include "ocr/page_reader.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ocr/document_reader.h"
#include "tests/e2e/test_engine.h"
#include "tests/e2e/test_pages.h"

namespace mao {
namespace {

ReadOptions TinyOptions(const Engine& engine) {
  ReadOptions options;
  options.task = *ParseTask("text");
  options.sampling = DefaultSampling(engine.model_info());
  options.image.mode = "tiny";
  return options;
}

TEST(PageReaderTest, FillsTheWholeResult) {
  const std::unique_ptr<Engine> engine = MakeTestEngine(1);
  PageReader reader(*engine);
  std::string streamed;
  const auto page = reader.Read(LoadTestPage("tiny_free.png"), TinyOptions(*engine),
                                [&](std::string_view text) { streamed += text; });
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page->raw_text, TestPageText("tiny_free.json"));
  EXPECT_EQ(streamed, page->raw_text);
  EXPECT_EQ(page->markdown, page->raw_text);
  EXPECT_EQ(page->mode, "tiny");
  EXPECT_EQ(page->width, 512);
  EXPECT_EQ(page->height, 512);
  EXPECT_EQ(page->box_space, BoxSpace::kOriginal);  // the tiny mode does not pad
  EXPECT_EQ(page->finish, PageFinish::kStop);
  EXPECT_EQ(page->tokens.image, 73);
  EXPECT_GT(page->tokens.prompt, page->tokens.image);
  EXPECT_GT(page->tokens.output, 40);
  ASSERT_EQ(page->blocks.size(), 1u);
  EXPECT_FALSE(page->blocks[0].label.has_value());
  EXPECT_GT(page->timings.encode_ms, 0);
  EXPECT_GT(page->timings.generate_ms, 0);
  EXPECT_GE(page->timings.total_ms, page->timings.encode_ms + page->timings.generate_ms);
}

TEST(PageReaderTest, BoxesOfAPaddedPageAreInPixelsOfThePage) {
  const std::unique_ptr<Engine> engine = MakeTestEngine(1);
  PageReader reader(*engine);
  ReadOptions options = TinyOptions(*engine);
  options.task = *ParseTask("markdown");
  options.image.mode = "base";
  options.sampling.max_tokens = 40;
  const auto page = reader.Read(LoadTestPage("base_markdown.png"), options, nullptr);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page->finish, PageFinish::kLength);
  EXPECT_EQ(page->tokens.output, 40);
  EXPECT_EQ(page->box_space, BoxSpace::kPaddedSquare);
  ASSERT_FALSE(page->blocks.empty());
  EXPECT_EQ(page->blocks[0].label, "title");
  ASSERT_EQ(page->blocks[0].pixel_boxes.size(), 1u);
  const PixelBox& box =
      page->blocks[0].pixel_boxes[0];  // the heading is at x 74 to 185, y 65 to 92
  EXPECT_NEAR(box.x1, 74, 12);
  EXPECT_NEAR(box.x2, 185, 12);
  EXPECT_NEAR(box.y1, 65, 12);
  EXPECT_NEAR(box.y2, 92, 12);
}

TEST(PageReaderTest, RefusesPagesThatNoModelCanRead) {
  const std::unique_ptr<Engine> engine = MakeTestEngine(1);
  PageReader reader(*engine);
  const std::pair<Image, const char*> kPages[] = {
      {MakeImage(1, 1), "1x1 pixels; the limit is at least 8 pixels on each side"},
      {MakeImage(2000, 7), "2000x7 pixels; the limit is at least 8 pixels on each side"},
      {MakeImage(20000, 100),
       "20000x100 pixels; the limit is a long side of at most 100 times the short one"},
      {MakeImage(100, 20000),
       "100x20000 pixels; the limit is a long side of at most 100 times the short one"},
      {Image(), "the page has no pixels"},
  };
  for (const auto& [image, message] : kPages) {
    const auto page =
        reader.Read(std::make_shared<const Image>(image), TinyOptions(*engine), nullptr);
    ASSERT_FALSE(page.ok());
    EXPECT_EQ(page.status().message(), message);
  }
  EXPECT_TRUE(CheckPageSize(8, 800).ok());
  EXPECT_FALSE(CheckPageSize(8, 801).ok());
}

TEST(PageReaderTest, AnUnknownModeIsAnError) {
  const std::unique_ptr<Engine> engine = MakeTestEngine(1);
  PageReader reader(*engine);
  ReadOptions options = TinyOptions(*engine);
  options.image.mode = "huge";
  const auto page = reader.Read(LoadTestPage("tiny_free.png"), options, nullptr);
  ASSERT_FALSE(page.ok());
  EXPECT_EQ(page.status().code(), StatusCode::kInvalidArgument);
}

TEST(PageReaderTest, StopCancelsThePage) {
  const std::unique_ptr<Engine> engine = MakeTestEngine(1);
  PageReader reader(*engine);
  std::stop_source stop;
  ReadOptions options = TinyOptions(*engine);
  options.stop = stop.get_token();
  options.sampling.ignore_eos = true;
  const auto page = reader.Read(LoadTestPage("tiny_free.png"), options,
                                [&](std::string_view) { stop.request_stop(); });
  ASSERT_FALSE(page.ok());
  EXPECT_EQ(page.status().code(), StatusCode::kCancelled);
}

TEST(DocumentReaderTest, ResultsComeInOrderWhateverTheNumberInFlight) {
  const std::vector<std::string> names = {"tiny_free.png", "missing", "small_free.png",
                                          "tiny_free.png"};
  for (const uint32_t max_num_seqs : {1u, 3u}) {
    const std::unique_ptr<Engine> engine = MakeTestEngine(max_num_seqs);
    PageReader page_reader(*engine);
    DocumentReader reader(page_reader, size_t{2} * max_num_seqs);
    ReadOptions options = TinyOptions(*engine);
    std::vector<std::string> texts;
    for (size_t next = 0; next < names.size() || !reader.empty();) {
      while (next < names.size() && !reader.full()) {
        DocumentPage page;
        page.decode_ms = 5;
        if (names[next] == "missing") {
          page.image = NotFoundError("missing");
        } else {
          page.image = LoadTestPage(names[next]);
        }
        options.image.mode = names[next] == "small_free.png" ? "small" : "tiny";
        reader.Push(std::move(page), options);
        ++next;
      }
      const ReadPage page = reader.Pop(nullptr);
      EXPECT_EQ(page.image == nullptr, !page.result.ok());
      texts.push_back(page.result.ok() ? page.result->raw_text : page.result.status().message());
      if (page.result.ok()) {
        EXPECT_EQ(page.result->timings.decode_ms, 5);
      }
    }
    const std::string tiny = TestPageText("tiny_free.json");
    EXPECT_EQ(texts,
              (std::vector<std::string>{tiny, "missing", TestPageText("small_free.json"), tiny}));
  }
}

}  // namespace
}  // namespace mao
