#include "serve/api/ocr_document_call.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/testing/fake_backend.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Recorder final : public OcrDocumentObserver {
 public:
  void OnDocument(size_t num_pages) override { Note("document " + std::to_string(num_pages)); }
  void OnProgress(size_t num_done, size_t /*num_pages*/) override {
    EXPECT_EQ(num_done, ++num_done_);
  }
  void OnText(int page, std::string_view raw_text) override {
    if (page != page_) Note("text of " + std::to_string(page));
    page_ = page;
    text_ += raw_text;
    if (!first_text_set_) first_text_.set_value();
    first_text_set_ = true;
  }
  void OnPage(const OcrPage& page) override {
    Note((page.answer.ok() ? "page " : "error of ") + std::to_string(page.page));
  }
  void OnDone(const Result<OcrDocument>& result) override { result_.set_value(result); }

  void WaitForText() { first_text_.get_future().wait(); }
  Result<OcrDocument> Wait() { return result_.get_future().get(); }
  const std::vector<std::string>& events() const { return events_; }
  const std::string& text() const { return text_; }

 private:
  void Note(std::string event) { events_.push_back(std::move(event)); }

  std::vector<std::string> events_;
  std::string text_;
  int page_ = -1;
  size_t num_done_ = 0;
  bool first_text_set_ = false;
  std::promise<void> first_text_;
  std::promise<Result<OcrDocument>> result_;
};

std::string Pdf(size_t num_pages) {
  std::vector<std::string> pages(num_pages, "/MediaBox[0 0 72 36]");
  return PdfOfPages(pages);
}

OcrRequest Request(std::string bytes, const std::string& pages = "") {
  OcrRequest request;
  request.mode = "plain_ocr";
  request.image.bytes = std::make_shared<const std::string>(std::move(bytes));
  request.image.name = "a.pdf";
  request.pages = ParsePageRanges(pages).value();
  return request;
}

class OcrDocumentCallTest : public testing::Test {
 protected:
  void SetUp() override { fake_.backend->AnswerTo("Free OCR", "一页文字 and more"); }

  Result<OcrDocument> Run(FakeService& fake, OcrRequest request) {
    const auto call = OcrDocumentCall::Start(fake.service, std::move(request), recorder_);
    return call.ok() ? recorder_->Wait() : call.status();
  }
  Result<OcrDocument> Run(OcrRequest request) { return Run(fake_, std::move(request)); }

  FakeService fake_;
  std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
};

TEST_F(OcrDocumentCallTest, APictureIsAPage) {
  const auto document = Run(Request(WhitePage(40, 20)));
  ASSERT_TRUE(document.ok()) << document.status().message();
  EXPECT_EQ(document->file, nullptr);
  ASSERT_THAT(document->pages, SizeIs(1));
  EXPECT_EQ(document->pages[0].answer->text, "一页文字 and more");
  EXPECT_THAT(recorder_->events(), ElementsAre("text of 0"));
  EXPECT_EQ(OcrDocumentToJson(*document), OcrAnswerToJson(*document->pages[0].answer));
}

TEST_F(OcrDocumentCallTest, PagesComeInTheirOrder) {
  const auto document = Run(Request(Pdf(9), "2,4-6"));
  ASSERT_TRUE(document.ok()) << document.status().message();
  EXPECT_EQ(document->file->num_pages(), 9);
  EXPECT_THAT(recorder_->events(),
              ElementsAre("document 4", "text of 1", "page 1", "text of 3", "page 3", "text of 4",
                          "page 4", "text of 5", "page 5"));
  EXPECT_EQ(document->pages[0].answer->page.width, 144);
  const auto json = OcrDocumentToJson(*document);
  EXPECT_EQ(json["pages"][3]["page"], 6);
  EXPECT_EQ(json["metadata"]["pages_total"], 9);
  EXPECT_EQ(json["metadata"]["tokens"]["prompt"], 40);
  EXPECT_THAT(json["text"].get<std::string>(),
              testing::StartsWith("一页文字 and more\n\n<--- Page Split --->\n一页文字"));
}

TEST_F(OcrDocumentCallTest, APageThatFailsDoesNotTakeTheOthersAlong) {
  const std::string pages[] = {"/MediaBox[0 0 72 36]", "/MediaBox[0 0 72000000 72000000]",
                               "/MediaBox[0 0 72 36]"};
  const auto document = Run(Request(PdfOfPages(pages)));
  ASSERT_TRUE(document.ok()) << document.status().message();
  EXPECT_THAT(recorder_->events(), ElementsAre("document 3", "text of 0", "page 0", "error of 1",
                                               "text of 2", "page 2"));
  const auto json = OcrDocumentToJson(*document);
  EXPECT_EQ(json["metadata"]["pages_failed"], 1);
  EXPECT_EQ(json["pages"][1]["success"], false);
  EXPECT_THAT(json["pages"][1]["error"]["message"].get<std::string>(),
              HasSubstr("a.pdf: page 2: 1000000 x 1000000 pixels"));
  EXPECT_EQ(json["pages"][2]["text"], "一页文字 and more");
}

TEST_F(OcrDocumentCallTest, FilesThatCannotBeReadAtAll) {
  EXPECT_THAT(Run(Request("%PDF-1.7 nothing")).status().message(),
              HasSubstr("a.pdf: the PDF is broken"));
  recorder_ = std::make_shared<Recorder>();
  EXPECT_EQ(Run(Request(Pdf(3), "4")).status().message(),
            "pages: there is no page 4; the document has 3");
  recorder_ = std::make_shared<Recorder>();
  EXPECT_EQ(Run(Request(WhitePage(40, 20), "2")).status().message(),
            "pages: there is no page 2; the document has 1");
  recorder_ = std::make_shared<Recorder>();
  fake_.backend->FailWith(UnavailableError("gone"));
  EXPECT_EQ(Run(Request(Pdf(3))).status().message(), "gone");
}

TEST_F(OcrDocumentCallTest, LimitsOnPages) {
  ServiceConfig config;
  config.max_pages = 2;
  FakeService fake(config);
  EXPECT_THAT(Run(fake, Request(Pdf(3))).status().message(), HasSubstr("limit of 2 pages"));
  recorder_ = std::make_shared<Recorder>();
  EXPECT_TRUE(Run(fake, Request(Pdf(3), "2-")).ok());
}

// Two pages at once, since the backend takes four; a full queue does not lose a page.
TEST_F(OcrDocumentCallTest, AWindowOfPages) {
  ServiceConfig config;
  config.max_queue_length = 0;
  config.max_concurrency = 1;
  FakeService fake(config);
  fake.backend->AnswerTo("Free OCR", "text");
  const auto document = Run(fake, Request(Pdf(40)));
  ASSERT_TRUE(document.ok()) << document.status().message();
  EXPECT_THAT(document->pages, SizeIs(40));
  EXPECT_TRUE(std::all_of(document->pages.begin(), document->pages.end(),
                          [](const OcrPage& page) { return page.answer.ok(); }));

  fake_.backend->Hold();
  recorder_ = std::make_shared<Recorder>();
  const auto call = OcrDocumentCall::Start(fake_.service, Request(Pdf(20)), recorder_);
  ASSERT_TRUE(call.ok());
  recorder_->WaitForText();
  const ServiceLoad load = fake_.service.load();
  EXPECT_LE(load.num_waiting + load.num_running, 2U);
  fake_.backend->Release();
  EXPECT_TRUE(recorder_->Wait().ok());
}

TEST_F(OcrDocumentCallTest, Cancel) {
  fake_.backend->Hold();
  const auto call = OcrDocumentCall::Start(fake_.service, Request(Pdf(30)), recorder_);
  ASSERT_TRUE(call.ok());
  recorder_->WaitForText();
  (*call)->Cancel();
  EXPECT_EQ(recorder_->Wait().status().code(), StatusCode::kCancelled);
  EXPECT_LE(fake_.backend->requests().size(), 3U);
}

TEST_F(OcrDocumentCallTest, AnAdmittedDocumentIsReadToItsEndWhileTheServerDrains) {
  fake_.backend->Hold();
  const auto call = OcrDocumentCall::Start(fake_.service, Request(Pdf(5)), recorder_);
  ASSERT_TRUE(call.ok());
  recorder_->WaitForText();
  fake_.service.Drain();
  fake_.backend->Release();
  const auto document = recorder_->Wait();
  ASSERT_TRUE(document.ok());
  EXPECT_THAT(document->pages, SizeIs(5));
  EXPECT_TRUE(document->pages[4].answer.ok());
}

TEST_F(OcrDocumentCallTest, FilesByAddressAreFetchedOnce) {
  int num_fetched = 0;
  FakeService fake({}, [&](const std::string&, auto, const auto&) -> Result<std::string> {
    ++num_fetched;
    return Pdf(4);
  });
  fake.backend->AnswerTo("Free OCR", "text");
  OcrRequest request = Request("");
  request.image.bytes = nullptr;
  request.image.url = "https://example.org/a.pdf";
  const auto document = Run(fake, std::move(request));
  ASSERT_TRUE(document.ok()) << document.status().message();
  EXPECT_THAT(document->pages, SizeIs(4));
  EXPECT_EQ(num_fetched, 1);
}

TEST_F(OcrDocumentCallTest, PicturesOfThePagesOnRequest) {
  OcrRequest request = Request(Pdf(2));
  request.wants_page_pictures = true;
  const auto document = Run(std::move(request));
  ASSERT_TRUE(document.ok());
  EXPECT_TRUE(document->pages[1].answer->page_picture->starts_with("\xFF\xD8\xFF"));
  EXPECT_THAT(OcrPageToJson(document->pages[1])["page_picture"].get<std::string>(),
              testing::StartsWith("data:image/jpeg;base64,"));
}

TEST_F(OcrDocumentCallTest, InterfacesForOneImageTakeADocumentOfOnePage) {
  GenerationRequest request;
  request.image.bytes = std::make_shared<const std::string>(Pdf(1));
  request.image.name = "a.pdf";
  const auto one = fake_.service.Run(request);
  ASSERT_TRUE(one.ok()) << one.status().message();
  EXPECT_EQ(one->image_width, 144);
  // The backend, which may be elsewhere, got a picture.
  EXPECT_TRUE(fake_.backend->requests().back().image.bytes->starts_with("\x89PNG"));
  request.image.bytes = std::make_shared<const std::string>(Pdf(2));
  EXPECT_THAT(fake_.service.Run(request).status().message(), HasSubstr("a.pdf: has 2 pages"));
}

TEST(OcrDocumentPlanTest, PdfsHaveARuleOfTheirOwnAgainstRepetition) {
  ModelInfo info;
  OcrRequest request = Request(WhitePage(40, 20));
  const auto plan = PlanOcr(request, &info);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->read.sampling.no_repeat_ngram_size, 30);
  EXPECT_EQ(plan->read.pdf_ngram->size, 20);
  EXPECT_EQ(plan->read.pdf_ngram->window, 50);
  request.ngram_size = 7;
  EXPECT_EQ(PlanOcr(request, &info)->read.pdf_ngram->size, 7);
}

}  // namespace
}  // namespace mao
