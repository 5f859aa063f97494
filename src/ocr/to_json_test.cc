#include "ocr/to_json.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao {
namespace {

using Json = nlohmann::ordered_json;

PageResult MakePage(std::string raw_text) {
  PageResult page;
  page.mode = "base";
  page.width = 1000;
  page.height = 2000;
  page.raw_text = std::move(raw_text);
  InterpretRawText({}, page);
  return page;
}

TEST(ToJsonTest, WholePage) {
  PageResult page = MakePage("lead <|ref|>image<|/ref|><|det|>[[100, 200, 300, 1400]]<|/det|>\n二");
  page.page = 3;
  page.finish = PageFinish::kRepetition;
  page.box_space = BoxSpace::kOriginal;
  page.tokens = {.prompt = 280, .image = 273, .output = 20};
  page.timings.generate_ms = 12.5;
  page.timings.total_ms = std::numeric_limits<double>::infinity();
  const Json expected = Json::parse(R"({
    "page": 3, "mode": "base", "width": 1000, "height": 2000, "box_space": "original",
    "finish_reason": "repetition",
    "markdown": "lead ![](images/0.jpg)\n\n二",
    "raw_text": "lead <|ref|>image<|/ref|><|det|>[[100, 200, 300, 1400]]<|/det|>\n二",
    "blocks": [
      {"label": null, "text": "lead", "boxes": [], "boxes_px": [], "well_formed": true,
       "raw_range": [0, 0, 5], "figure": null},
      {"label": "image", "text": "二", "boxes": [[100, 200, 300, 999]],
       "boxes_px": [[100, 400, 300, 2000]], "well_formed": true, "raw_range": [5, 63, 67],
       "figure": 0}],
    "figures": [{"path": "images/0.jpg", "block": 1, "box_px": [100, 400, 300, 2000]}],
    "tokens": {"prompt": 280, "image": 273, "output": 20},
    "timings_ms": {"decode": 0.0, "preprocess": 0.0, "queue": 0.0, "encode": 0.0, "prefill": 0.0,
                   "generate": 12.5, "postprocess": 0.0, "total": null}})");
  EXPECT_EQ(PageResultToJson(page, false), expected.dump());
  EXPECT_EQ(PageResultToJson(page, true), expected.dump(2));
}

TEST(ToJsonTest, InvalidUtf8BecomesTheReplacementCharacter) {
  const std::string json = PageResultToJson(MakePage("a\xFF\xE4\xBA b\xC0\xAF"), false);
  const Json parsed = Json::parse(json);
  EXPECT_EQ(parsed["raw_text"], "a\uFFFD\uFFFD b\uFFFD\uFFFD");
}

}  // namespace
}  // namespace mao
