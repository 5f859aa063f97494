// A request that there is no memory for fails, and others do not.
#include <atomic>
#include <cstdlib>
#include <future>
#include <new>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/service.h"
#include "serve/api/testing/fake_backend.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace {

constexpr size_t kLittle = size_t{1} << 20;

std::atomic<size_t> max_allocation = SIZE_MAX;

}  // namespace

// Not inlined: GCC would take the two for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size) {
  void* const memory = size <= max_allocation ? std::malloc(size) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace mao {
namespace {

using testing::HasSubstr;

class NoMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    service_.AddModel("m");
    service_.SetReady("m", std::make_shared<FakeBackend>(1));
  }
  // What comes of it with little memory, and that one that needs less is answered afterwards.
  Status RunWithLittle(GenerationRequest request) {
    max_allocation = kLittle;
    Status status = service_.Run(std::move(request)).status();
    max_allocation = SIZE_MAX;
    EXPECT_TRUE(service_.Run(Page()).ok());
    return status;
  }
  // Six megabytes of pixels.
  static GenerationRequest Page() {
    const std::string pages[] = {"/MediaBox[0 0 595 842]"};
    GenerationRequest request;
    request.use_result_cache = false;
    request.image.name = "a.pdf";
    request.image.bytes = std::make_shared<const std::string>(PdfOfPages(pages));
    return request;
  }

  static ServiceConfig OneDecoder() {
    ServiceConfig config;
    config.num_decoders = 1;
    return config;
  }

  Service service_{OneDecoder(), nullptr};
};

TEST_F(NoMemoryTest, ForThePixelsOfAPage) {
  const Status status = RunWithLittle(Page());
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("a.pdf: page 1: pdftoppm: not enough memory"));
}

// The name is copied for the document.
TEST_F(NoMemoryTest, BeforeAFileIsOpened) {
  GenerationRequest request = Page();
  request.image.name = std::string(2 * kLittle, 'x');
  EXPECT_EQ(RunWithLittle(std::move(request)).code(), StatusCode::kResourceExhausted);
}

TEST_F(NoMemoryTest, ForTheAnswer) {
  class Observer final : public CallObserver {
   public:
    void OnOutput(const GenerationOutput&) override { throw std::bad_alloc(); }
    void OnDone(const Result<Generation>& result) override { end_.set_value(result.status()); }
    Status Wait() { return end_.get_future().get(); }

   private:
    std::promise<Status> end_;
  };
  const auto backend = std::make_shared<FakeBackend>(1);
  backend->AnswerTo("", "an answer");
  service_.AddModel("talks");
  service_.SetReady("talks", backend);
  GenerationRequest request = Page();
  request.model = "talks";
  const auto observer = std::make_shared<Observer>();
  ASSERT_TRUE(service_.Submit(std::move(request), observer).ok());
  EXPECT_EQ(observer->Wait().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(service_.Run(Page()).ok());
}

}  // namespace
}  // namespace mao
