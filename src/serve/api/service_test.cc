#include "serve/api/service.h"

#include <limits>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "base/file.h"
#include "serve/api/testing/fake_backend.h"
#include "serve/api/testing/recording_observer.h"

namespace mao {
namespace {

using std::chrono::milliseconds;

GenerationRequest Ask(std::string prompt) {
  GenerationRequest request;
  request.prompt = {{std::move(prompt), false}};
  request.use_result_cache = false;
  return request;
}

class ServiceTest : public ::testing::Test {
 protected:
  // A service with one model, which works on `concurrency` calls at once.
  void Make(size_t concurrency, ServiceConfig config = {}) {
    service_ = std::make_unique<Service>(config, nullptr);
    service_->AddModel("m");
    backend_ = std::make_shared<FakeBackend>(concurrency);
    backend_->EchoPrompts();
    service_->SetReady("m", backend_);
  }

  struct Asked {
    std::shared_ptr<RecordingObserver> observer;
    std::shared_ptr<Call> call;
  };
  Asked Submit(GenerationRequest request) {
    auto observer = std::make_shared<RecordingObserver>();
    auto call = service_->Submit(std::move(request), observer);
    EXPECT_TRUE(call.ok()) << call.status().ToString();
    return {observer, call.ok() ? *call : nullptr};
  }

  std::shared_ptr<FakeBackend> backend_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, AnswersWithTextAndTimings) {
  Make(2);
  const auto answer = service_->Run(Ask("hello world"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->text, "hello world");
  EXPECT_EQ(answer->model, "m");
  EXPECT_EQ(answer->engine, "vllm_direct");
  EXPECT_GT(answer->timings.total_ms, 0);
  EXPECT_GE(answer->timings.total_ms, answer->timings.first_output_ms);
}

TEST_F(ServiceTest, UnknownModelsAndEnginesAreNamed) {
  Make(1);
  GenerationRequest request = Ask("x");
  request.model = "other";
  const auto unknown = service_->Run(request);
  EXPECT_EQ(unknown.status().code(), StatusCode::kNotFound);
  EXPECT_NE(unknown.status().message().find("other"), std::string::npos);
  EXPECT_NE(unknown.status().message().find("there is m"), std::string::npos);
  request.model = "m";
  request.engine = "vllm_openai";
  EXPECT_EQ(service_->Run(request).status().code(), StatusCode::kNotFound);
  request.engine = "direct";
  EXPECT_TRUE(service_->Run(request).ok());
}

TEST_F(ServiceTest, ModelsThatLoadOrFailedSaySo) {
  service_ = std::make_unique<Service>(ServiceConfig(), nullptr);
  service_->AddModel("m");
  EXPECT_EQ(service_->Run(Ask("x")).status().code(), StatusCode::kUnavailable);
  service_->SetFailed("m", NotFoundError("no such folder"));
  const Status status = service_->Run(Ask("x")).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("no such folder"), std::string::npos);
}

TEST_F(ServiceTest, ServesByPriorityThenArrival) {
  Make(1);
  backend_->Hold();
  std::vector<Asked> asked = {Submit(Ask("first"))};
  backend_->WaitForCalls(1);
  for (const auto& [prompt, priority] :
       std::vector<std::pair<std::string, int>>{{"b", 0}, {"late", 5}, {"c", 0}, {"urgent", -1}}) {
    GenerationRequest request = Ask(prompt);
    request.priority = priority;
    asked.push_back(Submit(std::move(request)));
  }
  backend_->Release();
  for (const Asked& each : asked) EXPECT_TRUE(each.observer->Wait().ok());
  EXPECT_EQ(backend_->prompts(), (std::vector<std::string>{"first", "urgent", "b", "c", "late"}));
}

TEST_F(ServiceTest, BackgroundWorkComesLastWhateverItsPriority) {
  Make(1);
  backend_->Hold();
  std::vector<Asked> asked = {Submit(Ask("first"))};
  backend_->WaitForCalls(1);
  for (const int priority : {std::numeric_limits<int>::max(), 7, std::numeric_limits<int>::min()}) {
    GenerationRequest request = Ask(std::to_string(priority));
    request.priority = priority;
    request.context.is_background = priority > 0;
    asked.push_back(Submit(std::move(request)));
  }
  asked.push_back(Submit(Ask("client")));
  backend_->Release();
  for (const Asked& each : asked) EXPECT_TRUE(each.observer->Wait().ok());
  EXPECT_EQ(backend_->prompts(),
            (std::vector<std::string>{"first", "-2147483648", "client", "7", "2147483647"}));
}

TEST_F(ServiceTest, AFullQueueRefusesAndNamesTheLimit) {
  ServiceConfig config;
  config.max_queue_length = 2;
  Make(1, config);
  backend_->Hold();
  std::vector<Asked> asked = {Submit(Ask("running"))};
  backend_->WaitForCalls(1);
  asked.push_back(Submit(Ask("waiting")));
  asked.push_back(Submit(Ask("waiting")));
  const auto observer = std::make_shared<RecordingObserver>();
  const auto refused = service_->Submit(Ask("too many"), observer);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kResourceExhausted);
  EXPECT_NE(refused.status().message().find("max_queue_length"), std::string::npos);
  EXPECT_FALSE(observer->done());
  EXPECT_EQ(service_->load().num_waiting, 2u);
  EXPECT_EQ(service_->load().num_running, 1u);
  backend_->Release();
  for (const Asked& each : asked) EXPECT_TRUE(each.observer->Wait().ok());
}

TEST_F(ServiceTest, CancelWhileWaitingAndWhileRunning) {
  Make(1);
  backend_->Hold();
  const Asked running = Submit(Ask("running"));
  backend_->WaitForCalls(1);
  const Asked waiting = Submit(Ask("waiting"));
  waiting.call->Cancel();
  EXPECT_EQ(waiting.observer->Wait().status().code(), StatusCode::kCancelled);
  running.call->Cancel();
  running.call->Cancel();
  EXPECT_EQ(running.observer->Wait().status().code(), StatusCode::kCancelled);
  EXPECT_EQ(backend_->prompts().size(), 1u);
  backend_->Release();
  EXPECT_TRUE(service_->Run(Ask("next")).ok());
  running.call->Cancel();  // after its end: nothing
  EXPECT_TRUE(running.observer->kept_the_order());
}

TEST_F(ServiceTest, DeadlinesHoldInTheQueueToo) {
  Make(1);
  backend_->Hold();
  const Asked running = Submit(Ask("running"));
  backend_->WaitForCalls(1);
  GenerationRequest hasty = Ask("hasty");
  hasty.timeout = milliseconds(20);
  const Asked waiting = Submit(std::move(hasty));
  EXPECT_EQ(waiting.observer->Wait().status().code(), StatusCode::kDeadlineExceeded);
  backend_->Release();
  EXPECT_TRUE(running.observer->Wait().ok());
  EXPECT_EQ(backend_->prompts().size(), 1u);
}

TEST_F(ServiceTest, DrainRefusesNewWorkAndFinishesTheOld) {
  Make(1);
  backend_->Hold();
  const Asked running = Submit(Ask("running"));
  const Asked waiting = Submit(Ask("waiting"));
  backend_->WaitForCalls(1);
  service_->Drain();
  EXPECT_EQ(service_->Run(Ask("late")).status().code(), StatusCode::kUnavailable);
  EXPECT_FALSE(service_->WaitUntilIdle(milliseconds(30)));
  backend_->Release();
  EXPECT_TRUE(service_->WaitUntilIdle(milliseconds(10'000)));
  EXPECT_TRUE(running.observer->Wait().ok());
  EXPECT_TRUE(waiting.observer->Wait().ok());
}

TEST_F(ServiceTest, StopEndsEverything) {
  Make(1);
  backend_->Hold();
  const Asked running = Submit(Ask("running"));
  backend_->WaitForCalls(1);
  const Asked waiting = Submit(Ask("waiting"));
  service_->Stop();
  EXPECT_EQ(running.observer->Wait().status().code(), StatusCode::kCancelled);
  EXPECT_EQ(waiting.observer->Wait().status().code(), StatusCode::kUnavailable);
}

TEST_F(ServiceTest, StallIsNoticedOnlyWithWork) {
  Make(1);
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(service_->stalled_for().count(), 0);
  backend_->Hold();
  const Asked running = Submit(Ask("running"));
  backend_->WaitForCalls(1);
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_GE(service_->stalled_for().count(), 15);
  backend_->SetStalled(milliseconds(3));  // who computes knows better
  EXPECT_EQ(service_->stalled_for().count(), 3);
  backend_->SetStalled(std::nullopt);
  EXPECT_GE(service_->stalled_for().count(), 15);
  backend_->Release();
  EXPECT_TRUE(running.observer->Wait().ok());
}

TEST_F(ServiceTest, EqualRequestsAreAnsweredOnce) {
  Make(1);
  GenerationRequest request = Ask("again");
  request.use_result_cache = true;
  const auto first = service_->Run(request);
  const auto second = service_->Run(request);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_FALSE(first->from_result_cache);
  EXPECT_TRUE(second->from_result_cache);
  EXPECT_EQ(second->text, first->text);
  EXPECT_EQ(second->token_ids, first->token_ids);
  request.use_result_cache = false;
  EXPECT_FALSE(service_->Run(request)->from_result_cache);
  EXPECT_EQ(backend_->prompts().size(), 2u);
}

TEST_F(ServiceTest, KeptAnswersDoNotWait) {
  ServiceConfig config;
  config.max_queue_length = 1;
  Make(1, config);
  GenerationRequest known = Ask("known");
  known.use_result_cache = true;
  ASSERT_TRUE(service_->Run(known).ok());
  backend_->Hold();
  const Asked running = Submit(Ask("running"));
  backend_->WaitForCalls(2);
  const Asked waiting = Submit(Ask("waiting"));
  const auto refused = service_->Submit(Ask("full"), std::make_shared<RecordingObserver>());
  EXPECT_EQ(refused.status().code(), StatusCode::kResourceExhausted);
  for (int i = 0; i < 3; ++i) {
    const auto answer = service_->Run(known);
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_TRUE(answer->from_result_cache);
    EXPECT_EQ(answer->text, "known");
  }
  EXPECT_EQ(service_->load().num_waiting, 1);
  EXPECT_EQ(service_->result_cache().stats().num_hits, 3);
  EXPECT_EQ(service_->result_cache().stats().num_queries, 4);
  backend_->Release();
  EXPECT_TRUE(running.observer->Wait().ok());
  EXPECT_TRUE(waiting.observer->Wait().ok());
  service_->Drain();
  EXPECT_EQ(service_->Run(known).status().code(), StatusCode::kUnavailable);
}

TEST_F(ServiceTest, FailuresAreNotKept) {
  Make(1);
  GenerationRequest request = Ask("x");
  request.use_result_cache = true;
  backend_->FailWith(ResourceExhaustedError("no room"));
  EXPECT_EQ(service_->Run(request).status().code(), StatusCode::kResourceExhausted);
  backend_->FailWith(OkStatus());
  const auto answer = service_->Run(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(answer->from_result_cache);
}

TEST_F(ServiceTest, BadImagesCostNobodyElseAnything) {
  Make(2);
  GenerationRequest request = Ask("x");
  request.image.bytes = std::make_shared<const std::string>("not an image");
  request.image.name = "scan.png";
  const auto answer = service_->Run(request);
  EXPECT_EQ(answer.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(answer.status().message().find("scan.png"), std::string::npos);
  EXPECT_TRUE(backend_->prompts().empty());
  EXPECT_TRUE(service_->Run(Ask("next")).ok());
}

TEST_F(ServiceTest, ImagesByUrlNeedAFetcher) {
  Make(1);
  GenerationRequest request = Ask("x");
  request.image.url = "https://example.org/a.png";
  EXPECT_EQ(service_->Run(request).status().code(), StatusCode::kInvalidArgument);
  const auto file = MappedFile::Open(std::string(MAOOCR_SOURCE_DIR) + "/samples/page.png");
  ASSERT_TRUE(file.ok());
  service_ = std::make_unique<Service>(
      ServiceConfig(), [&](const std::string& url, auto, const auto&) -> Result<std::string> {
        if (url != "https://example.org/a.png") return NotFoundError(url);
        const auto bytes = file->bytes();
        return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      });
  service_->AddModel("m");
  service_->SetReady("m", backend_);
  const auto answer = service_->Run(request);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_GT(answer->image_width, 100);
  request.image.url = "https://example.org/b.png";
  EXPECT_EQ(service_->Run(request).status().code(), StatusCode::kNotFound);
}

class CountingListener final : public CallListener {
 public:
  void OnCallDone(const CallRecord& record) override {
    ++(record.result.ok() ? num_ok : num_failed);
  }
  std::atomic<int> num_ok = 0;
  std::atomic<int> num_failed = 0;
};

// Random requests, cancels and deadlines from several threads: each call ends exactly once, and in
// the end nothing is left.
TEST_F(ServiceTest, RandomTrafficEndsEveryCallOnce) {
  ServiceConfig config;
  config.max_queue_length = 8;
  CountingListener listener;
  service_ = std::make_unique<Service>(config, nullptr);
  service_->AddListener(&listener);
  service_->AddModel("m");
  backend_ = std::make_shared<FakeBackend>(3);
  backend_->EchoPrompts();
  service_->SetReady("m", backend_);
  std::atomic<int> num_admitted = 0;
  std::atomic<int> num_refused = 0;
  std::vector<std::thread> clients;
  for (unsigned client = 0; client < 4; ++client) {
    clients.emplace_back([&, client] {
      std::mt19937 random(client);
      std::vector<Asked> asked;
      for (int i = 0; i < 300; ++i) {
        GenerationRequest request = Ask(std::to_string(client) + "/" + std::to_string(i));
        request.priority = static_cast<int>(random() % 3);
        if (random() % 4 == 0) request.timeout = milliseconds(1 + random() % 3);
        request.use_result_cache = random() % 2 == 0;
        auto observer = std::make_shared<RecordingObserver>();
        auto call = service_->Submit(std::move(request), observer);
        if (!call.ok()) {
          ++num_refused;
          continue;
        }
        ++num_admitted;
        if (random() % 3 == 0) (*call)->Cancel();
        asked.push_back({observer, *call});
        if (random() % 8 == 0) asked.back().observer->Wait().ok();
      }
      for (const Asked& each : asked) {
        const auto result = each.observer->Wait();
        EXPECT_TRUE(each.observer->kept_the_order());
        if (result.ok()) {
          EXPECT_EQ(each.observer->text(), result->text);
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(service_->WaitUntilIdle(milliseconds(10'000)));
  EXPECT_EQ(num_admitted + num_refused, 1200);
  EXPECT_EQ(listener.num_ok + listener.num_failed, num_admitted);
  EXPECT_GT(listener.num_ok, 0);
}

}  // namespace
}  // namespace mao
