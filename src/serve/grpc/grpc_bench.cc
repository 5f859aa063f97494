// What gRPC costs around a backend that takes no time: the service alone, unary RPCs, streams.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <grpcpp/grpcpp.h>
#include <maoocr.grpc.pb.h>

#include "serve/api/testing/fake_backend.h"
#include "serve/grpc/grpc_server.h"
#include "serve/middleware/admission.h"

namespace mao {
namespace {

namespace v1 = maoocr::v1;

constexpr const char* kModel = "fake";

class Fixture {
 public:
  explicit Fixture(int64_t num_pieces) {
    service_.AddModel(kModel);
    const auto backend = std::make_shared<FakeBackend>();
    backend->AnswerTo("", std::vector<std::string>(static_cast<size_t>(num_pieces), "word "),
                      StopReason::kEndOfText);
    service_.SetReady(kModel, backend);
    GrpcServerConfig config;
    config.port = 0;
    auto server = GrpcServer::Start(
        config, service_,
        [this](HttpRequest& request, const Router::Match& match) {
          return admission_.Admit(request, match);
        },
        nullptr);
    if (!server.ok()) std::abort();
    server_ = std::move(server).value();
    stub_ = v1::OcrService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials()));
    request_.set_prompt("Hello");
    request_.mutable_options()->set_bypass_cache(true);
  }

  Service& service() { return service_; }
  v1::OcrService::Stub& stub() { return *stub_; }
  const v1::GenerateRequest& request() const { return request_; }

 private:
  AdmissionControl admission_{{}};
  Service service_{{}, nullptr};
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<v1::OcrService::Stub> stub_;
  v1::GenerateRequest request_;
};

void BM_ServiceAlone(benchmark::State& state) {
  Fixture fixture(1);
  GenerationRequest request;
  request.prompt = {{"Hello", false}};
  request.use_result_cache = false;
  for (auto _ : state) {
    if (!fixture.service().Run(request).ok()) state.SkipWithError("not answered");
  }
}
BENCHMARK(BM_ServiceAlone)->UseRealTime();

void BM_Unary(benchmark::State& state) {
  Fixture fixture(1);
  for (auto _ : state) {
    grpc::ClientContext context;
    v1::GenerateResponse response;
    if (!fixture.stub().Generate(&context, fixture.request(), &response).ok()) {
      state.SkipWithError("not answered");
    }
  }
}
BENCHMARK(BM_Unary)->UseRealTime();

// Pieces in one answer; "events" says how many of them came by themselves.
void BM_Stream(benchmark::State& state) {
  Fixture fixture(state.range(0));
  int64_t num_events = 0;
  for (auto _ : state) {
    grpc::ClientContext context;
    const auto reader = fixture.stub().GenerateStream(&context, fixture.request());
    v1::GenerateEvent event;
    while (reader->Read(&event)) ++num_events;
    if (!reader->Finish().ok()) state.SkipWithError("not answered");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["events"] =
      static_cast<double>(num_events) / static_cast<double>(state.iterations());
}
BENCHMARK(BM_Stream)->Arg(1)->Arg(1000)->UseRealTime();

// A message with an image of so many bytes, up to the refusal by the decoder.
void BM_Upload(benchmark::State& state) {
  Fixture fixture(1);
  v1::OcrRequest request;
  request.set_image(std::string(static_cast<size_t>(state.range(0)), 'x'));
  for (auto _ : state) {
    grpc::ClientContext context;
    v1::OcrResponse response;
    if (fixture.stub().Ocr(&context, request, &response).error_code() !=
        grpc::StatusCode::INVALID_ARGUMENT) {
      state.SkipWithError("not refused by the decoder");
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Upload)->Arg(1 << 10)->Arg(1 << 20)->Arg(16 << 20)->UseRealTime();

}  // namespace
}  // namespace mao
