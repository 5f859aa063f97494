// The server over loopback with clients of the generated stubs.
// Long because every file that includes gRPC's headers costs ten seconds of compilation.
#include "serve/grpc/grpc_server.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <health.grpc.pb.h>
#include <inference.grpc.pb.h>
#include <maoocr.grpc.pb.h>

#include "base/file.h"
#include "serve/api/testing/fake_backend.h"
#include "serve/grpc/test_certificate.h"
#include "serve/middleware/admission.h"
#include "vision/encode.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

namespace v1 = maoocr::v1;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kModel = "page-reader";
constexpr const char* kRequestId = "x-request-id";
constexpr std::chrono::seconds kPatience{60};  // for what should come soon

// Tags, several scripts, a character beyond the BMP.
const std::vector<std::string> kPieces = {"<|ref|>title<|/ref|><|det|>[[0, 0, 999, 999]]<|/det|>",
                                          "\n# Gr", "üße ", "你好", " 🐈"};

std::string Joined(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  return text;
}

std::string TestPng() { return *EncodePng(MakeImage(40, 20, 255)); }

v1::OcrRequest PageRequest() {
  v1::OcrRequest request;
  request.set_image(TestPng());
  return request;
}

constexpr const char* kPageSplit = "\n\n<--- Page Split --->\n";

// With a page in it that cannot be read.
v1::OcrRequest DocumentRequest() {
  const std::string pages[] = {"/MediaBox[0 0 72 36]", "/MediaBox[0 0 72000000 72000000]",
                               "/MediaBox[0 0 36 72]"};
  v1::OcrRequest request;
  request.set_image(PdfOfPages(pages));
  request.set_mode("text");
  return request;
}

class GrpcServerTest : public testing::Test {
 protected:
  void TearDown() override {
    backend_->Release();
    server_.reset();
  }

  void Start(bool with_model = true) {
    service_ = std::make_unique<Service>(service_config_, nullptr);
    service_->AddModel(kModel);
    backend_->AnswerTo("", kPieces, StopReason::kMaxTokens);
    if (with_model) service_->SetReady(kModel, backend_);
    admission_ = std::make_unique<AdmissionControl>(admission_config_);
    config_.port = 0;
    config_.version = "1.2.3";
    auto server = GrpcServer::Start(
        config_, *service_,
        [this](HttpRequest& request, const Router::Match& match) {
          return admission_->Admit(request, match);
        },
        [this](const RpcRecord& record) {
          const std::lock_guard lock(mutex_);
          log_.push_back(std::string(record.method) + " " + std::string(record.status) + " " +
                         record.context.request_id);
        });
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()),
                                         grpc::InsecureChannelCredentials(), arguments);
    ocr_ = v1::OcrService::NewStub(channel_);
    infer_ = inference::GRPCInferenceService::NewStub(channel_);
    health_ = grpc::health::v1::Health::NewStub(channel_);
  }

  grpc::Status Ocr(const v1::OcrRequest& request, v1::OcrResponse& response) {
    grpc::ClientContext context;
    return ocr_->Ocr(&context, request, &response);
  }
  grpc::Status Ocr(const v1::OcrRequest& request) {
    v1::OcrResponse response;
    return Ocr(request, response);
  }

  HealthCheckResponse::ServingStatus Health(const std::string& name) {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(name);
    HealthCheckResponse response;
    const grpc::Status status = health_->Check(&context, request, &response);
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
      return HealthCheckResponse::SERVICE_UNKNOWN;
    }
    return status.ok() ? response.status() : HealthCheckResponse::UNKNOWN;
  }

  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  ServiceConfig service_config_;
  AdmissionConfig admission_config_;
  GrpcServerConfig config_;
  const std::shared_ptr<FakeBackend> backend_ = std::make_shared<FakeBackend>(2);
  std::unique_ptr<Service> service_;
  std::unique_ptr<AdmissionControl> admission_;
  std::mutex mutex_;
  std::vector<std::string> log_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::OcrService::Stub> ocr_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> infer_;
  std::unique_ptr<grpc::health::v1::Health::Stub> health_;
};

TEST_F(GrpcServerTest, ReadsAPage) {
  Start();
  v1::OcrResponse response;
  const grpc::Status status = Ocr(PageRequest(), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.raw_text(), Joined(kPieces));
  EXPECT_EQ(response.text(), "# Grüße 你好 🐈");
  ASSERT_EQ(response.boxes_size(), 1);
  EXPECT_EQ(response.boxes(0).pixels().x2(), 40);
  EXPECT_EQ(response.image_dims().width(), 40);
  EXPECT_EQ(response.image_dims().height(), 20);
  EXPECT_EQ(response.metadata().model(), kModel);
  EXPECT_EQ(response.metadata().finish_reason(), "length");
  EXPECT_EQ(response.metadata().size_mode(), "base");
  EXPECT_EQ(response.metadata().usage().prompt_tokens(), 10);
  EXPECT_EQ(response.metadata().usage().completion_tokens(), 5);
  EXPECT_FALSE(response.metadata().cached());
  EXPECT_EQ(response.metadata().request_id().size(), 32u);
  ASSERT_TRUE(Ocr(PageRequest(), response).ok());
  EXPECT_TRUE(response.metadata().cached());
}

TEST_F(GrpcServerTest, StreamsTheTextInOrderAndTheAnswerLast) {
  Start();
  grpc::ClientContext context;
  const auto reader = ocr_->OcrStream(&context, PageRequest());
  v1::OcrEvent event;
  std::string text;
  int num_results = 0;
  while (reader->Read(&event)) {
    EXPECT_EQ(num_results, 0);
    if (event.has_delta()) {
      text += event.delta().text();
    } else {
      ++num_results;
      EXPECT_EQ(event.result().raw_text(), Joined(kPieces));
      EXPECT_EQ(event.result().text(), "# Grüße 你好 🐈");
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(text, Joined(kPieces));
  EXPECT_EQ(num_results, 1);
}

TEST_F(GrpcServerTest, ReadsADocument) {
  Start();
  v1::OcrRequest request = DocumentRequest();
  v1::OcrResponse response;
  const grpc::Status status = Ocr(request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.pages_size(), 3);
  const v1::OcrResponse& last = response.pages(2).result();
  EXPECT_EQ(response.pages(2).page(), 3);
  EXPECT_EQ(last.raw_text(), Joined(kPieces));
  EXPECT_EQ(last.image_dims().width(), 72);
  EXPECT_EQ(last.image_dims().height(), 144);
  EXPECT_EQ(last.page_picture(), "");
  EXPECT_EQ(response.pages(1).error().code(), "limit_exceeded");
  EXPECT_THAT(response.pages(1).error().message(), HasSubstr("page 2: 1000000 x 1000000 pixels"));
  EXPECT_EQ(response.text(), last.text() + kPageSplit + kPageSplit + last.text() + kPageSplit);
  EXPECT_EQ(response.raw_text(),
            last.raw_text() + kPageSplit + kPageSplit + last.raw_text() + kPageSplit);
  EXPECT_FALSE(response.has_image_dims());
  const v1::Metadata& metadata = response.metadata();
  EXPECT_EQ(metadata.pages_total(), 3);
  EXPECT_EQ(metadata.pages_read(), 2);
  EXPECT_EQ(metadata.pages_failed(), 1);
  EXPECT_EQ(metadata.num_generations(), 2);
  EXPECT_EQ(metadata.usage().prompt_tokens(), 20);
  EXPECT_EQ(metadata.usage().completion_tokens(), 10);
  EXPECT_EQ(metadata.model(), kModel);
  EXPECT_EQ(metadata.mode(), "plain_ocr");
  EXPECT_EQ(metadata.request_id(), last.metadata().request_id());

  request.set_pages("3");
  request.set_dpi(72);
  request.set_page_pictures(true);
  ASSERT_TRUE(Ocr(request, response).ok());
  ASSERT_EQ(response.pages_size(), 1);
  EXPECT_EQ(response.metadata().dpi(), 72);
  EXPECT_EQ(response.pages(0).result().image_dims().width(), 36);
  EXPECT_THAT(response.pages(0).result().page_picture(), testing::StartsWith("\xFF\xD8\xFF"));
  request.set_pages("4");
  EXPECT_EQ(Ocr(request).error_message(), "pages: there is no page 4; the document has 3");
}

TEST_F(GrpcServerTest, StreamsADocumentPageByPage) {
  Start();
  grpc::ClientContext context;
  const auto reader = ocr_->OcrStream(&context, DocumentRequest());
  v1::OcrEvent event;
  std::vector<std::string> events;
  std::string text;
  int num_done = -1;
  while (reader->Read(&event)) {
    if (event.has_delta()) {
      text += event.delta().text();
      const std::string name = "text of " + std::to_string(event.delta().page());
      if (events.empty() || events.back() != name) events.push_back(name);
    } else if (event.has_progress()) {
      EXPECT_EQ(event.progress().pages_done(), ++num_done);
      EXPECT_EQ(event.progress().pages_total(), 3);
    } else if (event.has_page()) {
      events.push_back((event.page().has_error() ? "error of " : "page ") +
                       std::to_string(event.page().page()));
    } else {
      events.push_back("result");
      EXPECT_EQ(event.result().pages_size(), 0);
      EXPECT_EQ(event.result().metadata().pages_read(), 2);
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(num_done, 3);
  EXPECT_EQ(text, Joined(kPieces) + Joined(kPieces));
  EXPECT_THAT(events, testing::ElementsAre("text of 1", "page 1", "error of 2", "text of 3",
                                           "page 3", "result"));
}

TEST_F(GrpcServerTest, CancellingADocumentFreesItsCalls) {
  Start();
  backend_->Hold();
  grpc::ClientContext context;
  const auto reader = ocr_->OcrStream(&context, DocumentRequest());
  v1::OcrEvent event;
  while (reader->Read(&event) && !event.has_delta()) {
  }
  EXPECT_EQ(event.delta().page(), 1);
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
}

TEST_F(GrpcServerTest, TextArrivesWhileTheRestIsBeingGenerated) {
  Start();
  backend_->Hold();
  grpc::ClientContext context;
  v1::GenerateRequest request;
  request.set_prompt("Hello");
  const auto reader = ocr_->GenerateStream(&context, request);
  v1::GenerateEvent event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.delta().text(), kPieces[0]);
  backend_->Release();
  std::string text = event.delta().text();
  while (reader->Read(&event)) {
    text += event.delta().text();
  }
  EXPECT_EQ(text, Joined(kPieces));
  EXPECT_EQ(event.result().text(), Joined(kPieces));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(GrpcServerTest, CancellingAStreamFreesItsCall) {
  Start();
  backend_->Hold();
  grpc::ClientContext context;
  const auto reader = ocr_->OcrStream(&context, PageRequest());
  v1::OcrEvent event;
  ASSERT_TRUE(reader->Read(&event));
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
  EXPECT_EQ(backend_->num_stopped(), 1u);
}

TEST_F(GrpcServerTest, CancellingAUnaryRpcFreesItsCall) {
  Start();
  backend_->Hold();
  grpc::ClientContext context;
  std::thread canceller([&] {
    backend_->WaitForCalls(1);
    context.TryCancel();
  });
  v1::OcrResponse response;
  EXPECT_EQ(ocr_->Ocr(&context, PageRequest(), &response).error_code(),
            grpc::StatusCode::CANCELLED);
  canceller.join();
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
  EXPECT_EQ(backend_->num_stopped(), 1u);
}

TEST_F(GrpcServerTest, CancellingAWaitingRpcFreesItsPlace) {
  service_config_.max_concurrency = 1;
  Start();
  backend_->Hold();
  std::thread first([&] { EXPECT_TRUE(Ocr(PageRequest()).ok()); });
  backend_->WaitForCalls(1);
  grpc::ClientContext context;
  std::thread canceller([&] {
    while (service_->load().num_waiting == 0) std::this_thread::yield();
    context.TryCancel();
  });
  v1::OcrRequest second = PageRequest();
  second.set_mode("text");
  v1::OcrResponse response;
  EXPECT_EQ(ocr_->Ocr(&context, second, &response).error_code(), grpc::StatusCode::CANCELLED);
  canceller.join();
  while (service_->load().num_waiting > 0) std::this_thread::yield();
  backend_->Release();
  first.join();
  EXPECT_EQ(backend_->requests().size(), 1u);
}

TEST_F(GrpcServerTest, TheDeadlineOfTheClientIsTheTimeoutOfTheCall) {
  Start();
  backend_->Hold();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  v1::OcrResponse response;
  EXPECT_EQ(ocr_->Ocr(&context, PageRequest(), &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
  const std::vector<GenerationRequest> requests = backend_->requests();
  if (!requests.empty()) {  // the call began within its time
    EXPECT_GT(requests[0].timeout.count(), 0);
    EXPECT_LE(requests[0].timeout.count(), 300);
  }
}

TEST_F(GrpcServerTest, WithoutADeadlineTheServersTimeoutHolds) {
  service_config_.request_timeout = std::chrono::milliseconds(50);
  Start();
  backend_->Hold();
  const grpc::Status status = Ocr(PageRequest());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("deadline"));
}

TEST_F(GrpcServerTest, RefusesMessagesAboveTheLimitAndTakesImagesUpToIt) {
  config_.max_upload_bytes = 200'000;
  Start();
  v1::OcrRequest request;
  request.set_image(std::string(200'000, 'x'));
  EXPECT_EQ(Ocr(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);  // no image format
  request.set_image(std::string(300'000, 'x'));
  const grpc::Status status = Ocr(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("larger than max"));
}

TEST_F(GrpcServerTest, RefusesWhatTogetherTakesTooMuchMemory) {
  config_.max_messages_bytes = size_t{4} << 20;
  Start();
  backend_->Hold();
  v1::OcrRequest large = PageRequest();
  large.mutable_image()->append(size_t{3} << 20, '\0');  // bytes behind the picture
  std::thread first([&] { EXPECT_TRUE(Ocr(large).ok()); });
  backend_->WaitForCalls(1);
  v1::OcrRequest second = large;
  second.set_mode("text");
  const grpc::Status status = Ocr(second);
  EXPECT_THAT(status.error_code(),
              AnyOf(grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::RESOURCE_EXHAUSTED));
  backend_->Release();
  first.join();
  // gRPC's own quota takes a moment to see that there is memory again.
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!Ocr(second).ok()) ASSERT_LT(std::chrono::steady_clock::now(), end);
}

TEST_F(GrpcServerTest, RefusesCompressedMessages) {
  Start();
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::OcrRequest request;
  request.set_image(std::string(1 << 20, '\0'));
  v1::OcrResponse response;
  EXPECT_EQ(ocr_->Ocr(&context, request, &response).error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, ErrorsSayWhatIsWrong) {
  Start();
  v1::OcrRequest request = PageRequest();
  request.set_mode("nonsense");
  grpc::Status status = Ocr(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("mode: there is no 'nonsense'"));
  request = PageRequest();
  request.set_model("other");
  EXPECT_EQ(Ocr(request).error_code(), grpc::StatusCode::NOT_FOUND);
  request.Clear();
  EXPECT_EQ(Ocr(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_image(TestPng().substr(0, 60));
  status = Ocr(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("image"));
  request.set_image_url("http://127.0.0.1/page.png");
  EXPECT_THAT(Ocr(request).error_message(), HasSubstr("images by URL are switched off"));
  v1::GenerateRequest blank;
  grpc::ClientContext context;
  v1::GenerateResponse response;
  EXPECT_EQ(ocr_->Generate(&context, blank, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
}

TEST_F(GrpcServerTest, AFullQueueSaysWhenToComeBack) {
  service_config_.max_concurrency = 1;
  service_config_.max_queue_length = 0;
  Start();
  backend_->Hold();
  std::thread first([&] { EXPECT_TRUE(Ocr(PageRequest()).ok()); });
  backend_->WaitForCalls(1);
  grpc::ClientContext context;
  v1::OcrResponse response;
  const grpc::Status status = ocr_->Ocr(&context, PageRequest(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("max_queue_length"));
  EXPECT_EQ(context.GetServerTrailingMetadata().count("retry-after"), 1u);
  backend_->Release();
  first.join();
}

TEST_F(GrpcServerTest, KeysAreThoseOfHttp) {
  admission_config_.find_key = [](std::string_view key) -> std::optional<std::string> {
    if (key == "secret") return "key-1";
    return std::nullopt;
  };
  Start();
  const auto list = [this](const char* name, const char* value) {
    grpc::ClientContext context;
    if (name != nullptr) context.AddMetadata(name, value);
    v1::ListModelsResponse response;
    return ocr_->ListModels(&context, {}, &response);
  };
  grpc::Status status = list(nullptr, nullptr);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "an API key is needed: send it as 'Authorization: Bearer KEY'");
  status = list("authorization", "Bearer wrong");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "the API key is not known");
  EXPECT_TRUE(list("authorization", "Bearer secret").ok());
  EXPECT_TRUE(list("x-api-key", "secret").ok());
  EXPECT_EQ(Ocr(PageRequest()).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(backend_->requests().empty());
  {
    grpc::ClientContext context;
    const auto reader = ocr_->OcrStream(&context, PageRequest());
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
  {
    grpc::ClientContext context;
    const auto stream = infer_->ModelStreamInfer(&context);
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
  {
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", "secret");
    v1::OcrResponse response;
    EXPECT_TRUE(ocr_->Ocr(&context, PageRequest(), &response).ok());
    EXPECT_EQ(backend_->requests().at(0).context.key_id, "key-1");
  }
  // What probes ask needs none.
  EXPECT_EQ(Health(""), HealthCheckResponse::SERVING);
  grpc::ClientContext context;
  v1::GetHealthResponse health;
  EXPECT_TRUE(ocr_->GetHealth(&context, {}, &health).ok());
  grpc::ClientContext live_context;
  inference::ServerLiveResponse live;
  EXPECT_TRUE(infer_->ServerLive(&live_context, {}, &live).ok());
}

TEST_F(GrpcServerTest, TheRateLimitHolds) {
  admission_config_.rate_limit_per_minute = 2;
  Start();
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Ocr(PageRequest()).ok());
  grpc::ClientContext context;
  v1::OcrResponse response;
  const grpc::Status status = ocr_->Ocr(&context, PageRequest(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("rate_limit_per_minute"));
  EXPECT_EQ(context.GetServerTrailingMetadata().count("retry-after"), 1u);
}

TEST_F(GrpcServerTest, NamesRequestsAndKeepsTheNamesOfClients) {
  Start();
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  {
    grpc::ClientContext context;
    context.AddMetadata(kRequestId, "page-17");
    context.AddMetadata("traceparent", trace);
    v1::OcrResponse response;
    ASSERT_TRUE(ocr_->Ocr(&context, PageRequest(), &response).ok());
    EXPECT_THAT(context.GetServerInitialMetadata(), Contains(Pair(kRequestId, "page-17")));
    EXPECT_EQ(response.metadata().request_id(), "page-17");
  }
  const GenerationRequest request = backend_->requests().at(0);
  EXPECT_EQ(request.context.request_id, "page-17");
  EXPECT_EQ(request.context.traceparent, trace);
  EXPECT_EQ(request.context.operation, "ocr");
  {
    grpc::ClientContext context;
    context.AddMetadata(kRequestId, "not / safe");
    v1::OcrResponse response;
    v1::OcrRequest wrong;
    EXPECT_FALSE(ocr_->Ocr(&context, wrong, &response).ok());
    const auto names = context.GetServerInitialMetadata();
    ASSERT_EQ(names.count(kRequestId), 1u);
    EXPECT_EQ(names.find(kRequestId)->second.size(), 32u);
  }
  server_->Drain(kPatience);
  EXPECT_THAT(log(), Contains("/maoocr.v1.OcrService/Ocr OK page-17"));
  EXPECT_THAT(log(), Contains(HasSubstr("/maoocr.v1.OcrService/Ocr INVALID_ARGUMENT ")));
}

TEST_F(GrpcServerTest, HealthFollowsTheModelAndTheShutdown) {
  Start(false);
  EXPECT_EQ(Health(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Health("nonsense"), HealthCheckResponse::SERVICE_UNKNOWN);
  EXPECT_EQ(Ocr(PageRequest()).error_code(), grpc::StatusCode::UNAVAILABLE);
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("maoocr.v1.OcrService");
  const auto watch = health_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  service_->SetReady(kModel, backend_);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  for (const char* name : {"", "maoocr.v1.OcrService", "inference.GRPCInferenceService"}) {
    EXPECT_EQ(Health(name), HealthCheckResponse::SERVING) << name;
  }
  grpc::ClientContext health_context;
  v1::GetHealthResponse health;
  ASSERT_TRUE(ocr_->GetHealth(&health_context, {}, &health).ok());
  EXPECT_EQ(health.status(), "healthy");
  EXPECT_EQ(health.inference_engine(), "vllm_direct");
  service_->Drain();
  EXPECT_TRUE(server_->Drain(kPatience));
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, WatchingAnUnknownServiceGoesOn) {
  Start();
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("nonsense");
  const auto watch = health_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  context.TryCancel();
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(GrpcServerTest, DrainingLetsARunningRpcFinish) {
  Start();
  backend_->Hold();
  grpc::Status status(grpc::StatusCode::UNKNOWN, "");
  v1::OcrResponse response;
  std::thread client([&] { status = Ocr(PageRequest(), response); });
  backend_->WaitForCalls(1);
  service_->Drain();
  std::atomic<bool> drained = false;
  std::thread draining([&] { drained = server_->Drain(kPatience); });
  EXPECT_EQ(Ocr(PageRequest()).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(drained);
  backend_->Release();
  client.join();
  draining.join();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.raw_text(), Joined(kPieces));
}

TEST_F(GrpcServerTest, DrainingEndsWithItsTime) {
  Start();
  backend_->Hold();
  grpc::Status status;
  std::thread client([&] { status = Ocr(PageRequest()); });
  backend_->WaitForCalls(1);
  service_->Drain();
  EXPECT_FALSE(server_->Drain(std::chrono::milliseconds(10)));
  client.join();
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
  EXPECT_EQ(backend_->num_stopped(), 1u);
}

TEST_F(GrpcServerTest, APortInUseIsAnError) {
  Start();
  GrpcServerConfig config = config_;
  config.port = server_->port();
  const auto second = GrpcServer::Start(
      config, *service_, [](HttpRequest&, const Router::Match&) { return Admission(); }, nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("127.0.0.1:" + std::to_string(config.port)));
}

TEST_F(GrpcServerTest, SpeaksTls) {
  const TestCertificate pair = MakeTestCertificate();
  config_.tls_certificate_file = testing::TempDir() + "grpc_server_test.pem";
  config_.tls_key_file = testing::TempDir() + "grpc_server_test.key";
  ASSERT_TRUE(WriteFile(config_.tls_certificate_file, pair.certificate).ok());
  ASSERT_TRUE(WriteFile(config_.tls_key_file, pair.key).ok());
  Start();
  EXPECT_EQ(Ocr(PageRequest()).error_code(), grpc::StatusCode::UNAVAILABLE);  // without TLS
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = pair.certificate;
  const auto stub = v1::OcrService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(server_->port()), grpc::SslCredentials(options)));
  grpc::ClientContext context;
  v1::OcrResponse response;
  const grpc::Status status = stub->Ocr(&context, PageRequest(), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();

  // The key of another certificate.
  ASSERT_TRUE(WriteFile(config_.tls_key_file, MakeTestCertificate().key).ok());
  const auto second = GrpcServer::Start(
      config_, *service_, [](HttpRequest&, const Router::Match&) { return Admission(); }, nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().message(), HasSubstr("TLS certificate and key do not fit"));
}

TEST_F(GrpcServerTest, AMissingCertificateIsAnError) {
  config_.tls_certificate_file = "no-such-file.pem";
  config_.tls_key_file = "no-such-key.pem";
  Service service({}, nullptr);
  const auto server = GrpcServer::Start(
      config_, service, [](HttpRequest&, const Router::Match&) { return Admission(); }, nullptr);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(server.status().message(), HasSubstr("no-such-key.pem"));
}

inference::ModelInferRequest InferRequest() {
  inference::ModelInferRequest request;
  request.set_model_name(kModel);
  auto& image = *request.add_inputs();
  image.set_name("image");
  image.set_datatype("BYTES");
  image.add_shape(1);
  image.mutable_contents()->add_bytes_contents(TestPng());
  return request;
}

TEST_F(GrpcServerTest, AnswersTheOpenInferenceProtocol) {
  Start();
  {
    grpc::ClientContext context;
    inference::ServerReadyResponse response;
    ASSERT_TRUE(infer_->ServerReady(&context, {}, &response).ok());
    EXPECT_TRUE(response.ready());
  }
  {
    grpc::ClientContext context;
    inference::ServerMetadataResponse response;
    ASSERT_TRUE(infer_->ServerMetadata(&context, {}, &response).ok());
    EXPECT_EQ(response.name(), "maoocr");
    EXPECT_EQ(response.version(), "1.2.3");
  }
  {
    grpc::ClientContext context;
    inference::ModelReadyRequest request;
    request.set_name("other");
    inference::ModelReadyResponse response;
    EXPECT_EQ(infer_->ModelReady(&context, request, &response).error_code(),
              grpc::StatusCode::NOT_FOUND);
  }
  {
    grpc::ClientContext context;
    inference::ModelReadyRequest request;
    request.set_name(kModel);
    inference::ModelReadyResponse response;
    ASSERT_TRUE(infer_->ModelReady(&context, request, &response).ok());
    EXPECT_TRUE(response.ready());
  }
  {
    grpc::ClientContext context;
    inference::ModelMetadataRequest request;
    request.set_name(kModel);
    inference::ModelMetadataResponse response;
    ASSERT_TRUE(infer_->ModelMetadata(&context, request, &response).ok());
    EXPECT_EQ(response.inputs(0).name(), "image");
  }
  grpc::ClientContext context;
  inference::ModelInferResponse response;
  inference::ModelInferRequest request = InferRequest();
  request.set_id("17");
  const grpc::Status status = infer_->ModelInfer(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.id(), "17");
  ASSERT_EQ(response.outputs_size(), 2);
  EXPECT_EQ(response.outputs(0).contents().bytes_contents(0), "# Grüße 你好 🐈");
  EXPECT_EQ(response.outputs(1).contents().bytes_contents(0), Joined(kPieces));
}

TEST_F(GrpcServerTest, AModelThatIsNotLoadedIsNotReady) {
  Start(false);
  grpc::ClientContext context;
  inference::ModelReadyRequest request;
  request.set_name(kModel);
  inference::ModelReadyResponse response;
  ASSERT_TRUE(infer_->ModelReady(&context, request, &response).ok());
  EXPECT_FALSE(response.ready());
}

TEST_F(GrpcServerTest, AnswersTheRequestsOfAnInferenceStreamInOrder) {
  Start();
  grpc::ClientContext context;
  const auto stream = infer_->ModelStreamInfer(&context);
  inference::ModelInferRequest request = InferRequest();
  request.set_id("whole");
  ASSERT_TRUE(stream->Write(request));
  request.set_id("wrong");
  request.set_model_name("other");
  ASSERT_TRUE(stream->Write(request));
  request.set_id("pieces");
  request.set_model_name(kModel);
  (*request.mutable_parameters())["stream"].set_bool_param(true);
  (*request.mutable_parameters())["bypass_cache"].set_bool_param(true);
  ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();

  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error_message(), "");
  EXPECT_EQ(response.infer_response().id(), "whole");
  EXPECT_EQ(response.infer_response().outputs_size(), 2);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_THAT(response.error_message(), HasSubstr("no model 'other'"));
  EXPECT_EQ(response.infer_response().id(), "wrong");
  std::string text;
  bool is_final = false;
  while (stream->Read(&response)) {
    EXPECT_FALSE(is_final);
    const inference::ModelInferResponse& part = response.infer_response();
    EXPECT_EQ(part.id(), "pieces");
    is_final = part.parameters().at("triton_final_response").bool_param();
    if (!is_final) text += part.outputs(0).contents().bytes_contents(0);
  }
  EXPECT_TRUE(is_final);
  EXPECT_EQ(text, Joined(kPieces));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServerTest, CancellingAnInferenceStreamFreesItsCall) {
  Start();
  backend_->Hold();
  grpc::ClientContext context;
  const auto stream = infer_->ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(InferRequest()));
  backend_->WaitForCalls(1);
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
  EXPECT_EQ(backend_->num_stopped(), 1u);
}

// Many clients that stop at random: everything must be free at the end, and the server's own counts
// zero, which Drain waits for.
TEST_F(GrpcServerTest, NothingIsLeftBehindByClientsThatGo) {
  service_config_.result_cache.max_bytes = 0;
  Start();
  constexpr int kNumClients = 8;
  constexpr int kNumRounds = 25;
  std::vector<std::thread> clients;
  for (int client = 0; client < kNumClients; ++client) {
    clients.emplace_back([this, client] {
      for (int round = 0; round < kNumRounds; ++round) {
        grpc::ClientContext context;
        const auto reader = ocr_->OcrStream(&context, PageRequest());
        v1::OcrEvent event;
        const int num_reads = (client + round) % 5;
        for (int i = 0; i < num_reads; ++i) reader->Read(&event);
        context.TryCancel();
        const grpc::Status status = reader->Finish();
        EXPECT_THAT(status.error_code(), AnyOf(grpc::StatusCode::OK, grpc::StatusCode::CANCELLED));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(service_->WaitUntilIdle(kPatience));
  EXPECT_TRUE(Ocr(PageRequest()).ok());
  EXPECT_TRUE(server_->Drain(kPatience));
}

}  // namespace
}  // namespace mao
