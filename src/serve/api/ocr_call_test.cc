#include "serve/api/ocr_call.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/testing/fake_backend.h"

namespace mao {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class Recorder final : public OcrObserver {
 public:
  void OnText(std::string_view raw_text) override {
    text_ += raw_text;
    if (!first_text_set_) first_text_.set_value();
    first_text_set_ = true;
  }
  void OnDone(const Result<OcrAnswer>& result) override { result_.set_value(result); }

  void WaitForText() { first_text_.get_future().wait(); }
  Result<OcrAnswer> Wait() { return result_.get_future().get(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool first_text_set_ = false;
  std::promise<void> first_text_;
  std::promise<Result<OcrAnswer>> result_;
};

OcrRequest Request(const std::string& mode) {
  OcrRequest request;
  request.mode = mode;
  request.image.bytes = std::make_shared<const std::string>(WhitePage(40, 20));
  request.image.name = "image";
  return request;
}

class OcrCallTest : public testing::Test {
 protected:
  Result<OcrAnswer> Run(OcrRequest request) {
    const auto call = OcrCall::Start(fake_.service, std::move(request), recorder_);
    return call.ok() ? recorder_->Wait() : call.status();
  }

  FakeService fake_;
  std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
};

TEST_F(OcrCallTest, OneGeneration) {
  fake_.backend->AnswerTo("Free OCR", "一页文字 and more");
  const auto answer = Run(Request("plain_ocr"));
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->text, "一页文字 and more");
  EXPECT_EQ(recorder_->text(), "一页文字 and more");
  EXPECT_EQ(answer->page.width, 40);
  EXPECT_EQ(answer->model, "fake-ocr");
  EXPECT_THAT(fake_.backend->requests(), SizeIs(1));
}

TEST_F(OcrCallTest, ACaptionIsASecondGeneration) {
  fake_.backend->AnswerTo("Free OCR", "text");
  fake_.backend->AnswerTo("Describe", "A page.");
  OcrRequest request = Request("plain_ocr");
  request.include_caption = true;
  const auto answer = Run(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "text");
  EXPECT_EQ(answer->caption, "A page.");
  EXPECT_EQ(recorder_->text(), "text");
  EXPECT_EQ(answer->num_generations, 2);
}

TEST_F(OcrCallTest, WhatTheModelDoesNotLocateIsSearchedInTheText) {
  fake_.backend->AnswerTo("Locate", "no idea");
  fake_.backend->AnswerTo("markdown",
                          "<|ref|>text<|/ref|><|det|>[[0, 0, 99, 99]]<|/det|>\nThe total is 7.");
  OcrRequest request = Request("find_ref");
  request.find_term = "Total";
  const auto answer = Run(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->method, "text");
  EXPECT_THAT(answer->boxes, SizeIs(1));
  EXPECT_EQ(answer->num_generations, 2);
}

TEST_F(OcrCallTest, WhatTheModelLocatesIsNotSearched) {
  fake_.backend->AnswerTo("Locate", "<|ref|>Total<|/ref|><|det|>[[0, 0, 99, 99]]<|/det|>");
  OcrRequest request = Request("find_ref");
  request.find_term = "Total";
  const auto answer = Run(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->method, "model");
  EXPECT_THAT(fake_.backend->requests(), SizeIs(1));
}

TEST_F(OcrCallTest, RefusedAtOnce) {
  EXPECT_EQ(Run(Request("nonsense")).status().code(), StatusCode::kInvalidArgument);
  OcrRequest request = Request("markdown");
  request.model = "other";
  EXPECT_EQ(Run(request).status().code(), StatusCode::kNotFound);
  EXPECT_THAT(fake_.backend->requests(), SizeIs(0));
}

TEST_F(OcrCallTest, AnErrorOfAnyGenerationIsTheAnswers) {
  fake_.backend->FailWith(UnavailableError("the backend is tired"));
  OcrRequest request = Request("markdown");
  request.include_caption = true;
  const auto answer = Run(request);
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
}

TEST_F(OcrCallTest, ABrokenImage) {
  OcrRequest request = Request("markdown");
  request.image.bytes = std::make_shared<const std::string>("no image");
  EXPECT_THAT(Run(request).status().message(), HasSubstr("image"));
}

TEST_F(OcrCallTest, CancelledWhileItRuns) {
  fake_.backend->AnswerTo("Free OCR", "a long, long text");
  fake_.backend->AnswerTo("Describe", "A page.");
  fake_.backend->Hold();
  OcrRequest request = Request("plain_ocr");
  request.include_caption = true;
  const auto call = OcrCall::Start(fake_.service, request, recorder_);
  ASSERT_TRUE(call.ok());
  recorder_->WaitForText();
  (*call)->Cancel();
  EXPECT_EQ(recorder_->Wait().status().code(), StatusCode::kCancelled);
  EXPECT_TRUE(fake_.service.WaitUntilIdle(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace mao
