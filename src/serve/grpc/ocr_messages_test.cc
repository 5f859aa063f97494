#include "serve/grpc/ocr_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/testing/fake_backend.h"

namespace mao {
namespace {

namespace v1 = maoocr::v1;
using testing::ElementsAre;
using testing::HasSubstr;

class OcrMessagesTest : public testing::Test {
 protected:
  OcrMessagesTest() {
    service_.AddModel("page-reader");
    service_.SetReady("page-reader", std::make_shared<FakeBackend>());
    request_.set_image("the bytes");
  }

  Result<OcrPlan> Plan() const {
    v1::OcrRequest request = request_;
    MAO_ASSIGN_OR_RETURN(OcrRequest ocr, ToOcrRequest(request));
    return PlanOcr(std::move(ocr), nullptr);
  }
  // What the model is asked; or the error.
  std::string Prompt() const {
    const Result<OcrPlan> plan = Plan();
    return plan.ok() ? PromptText(plan->read) : plan.status().ToString();
  }

  Service service_{{}, nullptr};
  v1::OcrRequest request_;
};

TEST_F(OcrMessagesTest, EveryModeOfTheServiceIsThere) {
  request_.set_prompt("What?");
  request_.set_find_term("Total");
  for (const OcrMode& mode : OcrModes()) {
    for (const std::string_view name : {mode.name, mode.other_name}) {
      if (name.empty()) continue;
      request_.set_mode(std::string(name));
      const Result<OcrPlan> plan = Plan();
      ASSERT_TRUE(plan.ok()) << name << ": " << plan.status().ToString();
      EXPECT_EQ(plan->mode, &mode);
    }
  }
}

TEST_F(OcrMessagesTest, ModesAskTheirPrompts) {
  EXPECT_EQ(Prompt(), "\n<|grounding|>Convert the document to markdown.");
  request_.set_grounding(false);
  EXPECT_EQ(Prompt(), "\nFree OCR.");
  request_.set_mode("text");
  EXPECT_EQ(Prompt(), "\nFree OCR.");
  request_.set_mode("locate");
  request_.set_find_term("Total");
  EXPECT_EQ(Prompt(), "\nLocate <|ref|>Total<|/ref|> in the image.");
  request_.set_mode("");
  request_.set_prompt("<image>\nWhat?");
  EXPECT_EQ(Prompt(), "\nWhat?");
}

TEST_F(OcrMessagesTest, WhatPagesCanBeAskedBeyondAText) {
  request_.set_mode("kv_json");
  request_.set_schema(R"({"z": "", "a": {"y": ""}})");
  request_.set_include_caption(true);
  const Result<OcrPlan> plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  EXPECT_EQ(plan->schema.dump(), R"({"z":"","a":{"y":""}})");
  EXPECT_TRUE(plan->caption.has_value());
  request_.set_schema("{");
  EXPECT_THAT(Prompt(), HasSubstr("schema: no valid JSON"));
}

TEST_F(OcrMessagesTest, RefusesWhatDoesNotFit) {
  request_.set_mode("freeform");
  EXPECT_THAT(Prompt(), HasSubstr("prompt: mode freeform needs one"));
  request_.set_mode("text: ignore");
  EXPECT_THAT(Prompt(),
              HasSubstr("mode: there is no 'text: ignore'; there is markdown, plain_ocr"));
  request_.set_mode("locate");
  EXPECT_THAT(Prompt(), HasSubstr("find_term"));
}

TEST_F(OcrMessagesTest, AnImageIsBytesOrAnAddress) {
  request_.set_image_url("https://example.org/page.png");
  const Result<OcrPlan> by_url = Plan();
  ASSERT_TRUE(by_url.ok());
  EXPECT_EQ(by_url->read.image.url, "https://example.org/page.png");
  EXPECT_EQ(by_url->read.image.bytes, nullptr);
  for (const char* url : {"file:///etc/passwd", "data:image/png;base64,AAAA"}) {
    request_.set_image_url(url);
    EXPECT_THAT(Prompt(), HasSubstr("image_url: expected a"));
  }
  request_.set_image("");
  EXPECT_THAT(Prompt(), HasSubstr("image: the file is empty"));
  request_.clear_source();
  EXPECT_THAT(Prompt(), HasSubstr("neither image nor image_url"));
}

TEST_F(OcrMessagesTest, ReadsEveryOption) {
  request_.set_size_mode("large");
  request_.set_max_tiles(4);
  v1::SamplingOptions& options = *request_.mutable_sampling();
  options.set_temperature(0.5);
  options.set_top_p(0.25);
  options.set_top_k(3);
  options.set_min_p(0.125);
  options.set_seed(1ULL << 63);
  options.set_repetition_penalty(1.5);
  options.set_presence_penalty(-1);
  options.set_frequency_penalty(1);
  options.set_no_repeat_ngram_size(20);
  options.set_no_repeat_ngram_window(50);
  options.set_detect_loops(true);
  options.set_min_tokens(1);
  options.set_max_tokens(0);
  options.add_stop("end");
  options.add_stop_token_ids(17);
  options.set_ignore_eos(true);
  options.set_skip_special_tokens(true);
  request_.mutable_options()->set_priority(-2);
  request_.mutable_options()->set_bypass_cache(true);
  request_.mutable_options()->set_engine("direct");
  Result<OcrRequest> request = ToOcrRequest(request_);
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request_.image(), "");
  const Result<OcrPlan> plan = PlanOcr(*std::move(request), nullptr);
  ASSERT_TRUE(plan.ok()) << plan.status().ToString();
  const GenerationRequest* const generation = &plan->read;
  EXPECT_EQ(*generation->image.bytes, "the bytes");
  EXPECT_EQ(generation->image_options.mode, "large");
  EXPECT_EQ(generation->image_options.max_tiles, 4);
  EXPECT_EQ(generation->priority, -2);
  EXPECT_FALSE(generation->use_result_cache);
  EXPECT_EQ(generation->engine, "direct");
  EXPECT_EQ(generation->context.operation, "ocr");
  const SamplingParams& sampling = generation->sampling;
  EXPECT_EQ(sampling.temperature, 0.5F);
  EXPECT_EQ(sampling.top_p, 0.25F);
  EXPECT_EQ(sampling.top_k, 3);
  EXPECT_EQ(sampling.min_p, 0.125F);
  EXPECT_EQ(sampling.seed, 1ULL << 63);
  EXPECT_EQ(sampling.repetition_penalty, 1.5F);
  EXPECT_EQ(sampling.presence_penalty, -1.0F);
  EXPECT_EQ(sampling.frequency_penalty, 1.0F);
  EXPECT_EQ(sampling.no_repeat_ngram_size, 20);
  EXPECT_EQ(sampling.no_repeat_ngram_window, 50);
  EXPECT_TRUE(sampling.detect_loops);
  EXPECT_EQ(sampling.min_tokens, 1);
  EXPECT_EQ(sampling.max_tokens, 0);
  EXPECT_THAT(sampling.stop, ElementsAre("end"));
  EXPECT_THAT(sampling.stop_token_ids, ElementsAre(17));
  EXPECT_TRUE(sampling.ignore_eos);
  EXPECT_TRUE(sampling.skip_special_tokens);
}

TEST_F(OcrMessagesTest, WhatIsAskedOfAPdf) {
  ModelInfo info;
  v1::OcrRequest copy = request_;
  Result<OcrRequest> request = ToOcrRequest(copy);
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->pages.empty());
  EXPECT_EQ(request->image.dpi, 0);
  EXPECT_EQ(PlanOcr(*request, &info)->read.pdf_ngram->size, 20);
  request_.set_pages("2-3,7-");
  request_.set_dpi(200);
  request_.set_page_pictures(true);
  request_.mutable_sampling()->set_no_repeat_ngram_size(7);
  request_.mutable_sampling()->set_no_repeat_ngram_window(70);
  copy = request_;
  request = ToOcrRequest(copy);
  ASSERT_TRUE(request.ok()) << request.status().ToString();
  EXPECT_EQ(request->pages.size(), 2U);
  EXPECT_EQ(request->image.dpi, 200);
  EXPECT_TRUE(request->wants_page_pictures);
  EXPECT_EQ(PlanOcr(*request, &info)->read.pdf_ngram->size, 7);
  EXPECT_EQ(PlanOcr(*request, &info)->read.pdf_ngram->window, 70);
  request_.set_pages("x");
  EXPECT_THAT(Prompt(), HasSubstr("pages: expected numbers from 1"));
}

TEST_F(OcrMessagesTest, PagesThatCannotBeRead) {
  v1::OcrPage page;
  FillPage({4, OutOfRangeError("too \xFF large")}, page);
  EXPECT_EQ(page.page(), 5);
  EXPECT_EQ(page.error().code(), "limit_exceeded");
  EXPECT_EQ(page.error().message(), "too \xEF\xBF\xBD large");
}

TEST_F(OcrMessagesTest, GenerateTakesOneImageOrNone) {
  v1::GenerateRequest request;
  request.set_prompt("Hello");
  const auto prompt_of = [&]() -> std::string {
    v1::GenerateRequest copy = request;
    const Result<GenerationRequest> generation = ToGenerationRequest(copy, service_);
    return generation.ok() ? generation->prompt.front().text : generation.status().message();
  };
  EXPECT_EQ(prompt_of(), "Hello");
  request.add_images("bytes");
  EXPECT_EQ(prompt_of(), "\nHello");
  request.add_image_urls("https://example.org/2.png");
  EXPECT_EQ(prompt_of(), "images: the model reads one image in a request, found 2");
}

TEST_F(OcrMessagesTest, AnswersHaveBoxesInBothSpacesAndValidText) {
  Generation read;
  read.model = "page-reader";
  read.engine = "vllm_direct";
  read.text =
      "<|ref|>title<|/ref|><|det|>[[0, 0, 999, 500]]<|/det|>\n# \xff\xe4\xbd\xa0\n\n"
      "<|ref|>image<|/ref|><|det|>[[0, 600, 999, 999]]<|/det|>\n";
  read.image_width = 200;
  read.image_height = 100;
  read.image_mode = "tiny";
  read.stop_reason = StopReason::kRepetition;
  read.from_result_cache = true;
  read.stats.num_prompt_tokens = 80;
  read.stats.num_image_tokens = 73;
  read.stats.num_cached_tokens = 32;
  read.stats.num_output_tokens = 9;
  read.timings.total_ms = 12.5;
  Generation caption = read;
  caption.text = "A cat.";
  request_.set_mode("layout_map");
  request_.set_find_term("x");
  Result<OcrPlan> plan = Plan();
  ASSERT_TRUE(plan.ok());
  plan->read.context.request_id = "abc";
  v1::OcrResponse response;
  FillResponse(MakeOcrAnswer(*plan, read, &caption, nullptr), response);
  EXPECT_THAT(response.raw_text(), HasSubstr("# \xEF\xBF\xBD\xe4\xbd\xa0\n"));
  EXPECT_EQ(response.text(), response.data());
  EXPECT_THAT(response.data(), HasSubstr(R"({"type":"title","box":[0,0,200,50],"text":"# )"));
  EXPECT_EQ(response.caption(), "A cat.");
  ASSERT_EQ(response.boxes_size(), 2);
  const v1::Box& box = response.boxes(0);
  EXPECT_EQ(box.label(), "title");
  EXPECT_EQ(box.text(), "# \xEF\xBF\xBD\xe4\xbd\xa0");
  EXPECT_EQ(box.normalized().x2(), 999);
  EXPECT_EQ(box.normalized().y2(), 500);
  EXPECT_EQ(box.pixels().x2(), 200);
  EXPECT_EQ(box.pixels().y2(), 50);
  ASSERT_EQ(response.figures_size(), 1);
  EXPECT_EQ(response.figures(0).pixels().y2(), 100);
  EXPECT_NE(response.figures(0).path(), "");
  EXPECT_EQ(response.image_dims().width(), 200);
  EXPECT_EQ(response.image_dims().height(), 100);
  const v1::Metadata& metadata = response.metadata();
  EXPECT_EQ(metadata.request_id(), "abc");
  EXPECT_EQ(metadata.model(), "page-reader");
  EXPECT_EQ(metadata.engine(), "vllm_direct");
  EXPECT_EQ(metadata.finish_reason(), "repetition");
  EXPECT_EQ(metadata.size_mode(), "tiny");
  EXPECT_EQ(metadata.mode(), "layout_map");
  EXPECT_TRUE(metadata.grounding());
  EXPECT_TRUE(metadata.cached());
  EXPECT_EQ(metadata.num_generations(), 2);
  EXPECT_THAT(metadata.ignored(), ElementsAre("find_term"));
  EXPECT_EQ(metadata.usage().prompt_tokens(), 160);
  EXPECT_EQ(metadata.usage().image_tokens(), 146);
  EXPECT_EQ(metadata.usage().cached_tokens(), 64);
  EXPECT_EQ(metadata.usage().completion_tokens(), 18);
  EXPECT_EQ(metadata.timings().total_ms(), 12.5);
}

TEST_F(OcrMessagesTest, GeneratedTextIsValid) {
  Generation answer;
  answer.text = "\xff\xe4\xbd\xa0";
  answer.stop_reason = StopReason::kRepetition;
  answer.stats.num_output_tokens = 9;
  CallContext context;
  context.request_id = "abc";
  v1::GenerateResponse response;
  FillResponse(answer, context, response);
  EXPECT_EQ(response.text(), "\xEF\xBF\xBD\xe4\xbd\xa0");
  EXPECT_EQ(response.metadata().request_id(), "abc");
  EXPECT_EQ(response.metadata().finish_reason(), "repetition");
  EXPECT_EQ(response.metadata().usage().completion_tokens(), 9);
}

TEST_F(OcrMessagesTest, ListsModelsInEveryState) {
  service_.AddModel("coming");
  service_.AddModel("broken");
  service_.SetFailed("broken", NotFoundError("no such folder"));
  v1::ListModelsResponse response;
  FillModels(service_, response);
  ASSERT_EQ(response.models_size(), 3);
  EXPECT_EQ(response.models(0).state(), "loaded");
  EXPECT_EQ(response.models(0).engine(), "vllm_direct");
  EXPECT_GT(response.models(0).created(), 0);
  EXPECT_EQ(response.models(1).state(), "loading");
  EXPECT_EQ(response.models(2).state(), "failed");
  EXPECT_EQ(response.models(2).failure(), "no such folder");
}

}  // namespace
}  // namespace mao
