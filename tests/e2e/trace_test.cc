// What a collector of OpenTelemetry gets of requests by each interface: a whole server with the
// embedded model, and one in front of another.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <maoocr.grpc.pb.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "serve/api/base64.h"
#include "serve/backend/direct_backend.h"
#include "serve/fetch/curl_transfer.h"
#include "serve/ocr_server.h"
#include "serve/trace/testing/otlp_collector.h"
#include "tests/e2e/serve_process.h"
#include "tests/e2e/test_engine.h"
#include "tests/e2e/test_pages.h"
#include "vision/pdf/pdf_writer_for_test.h"

namespace mao {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Spans = std::vector<CollectedSpan>;

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kCaller = "00f067aa0ba902b7";
constexpr const char* kPageUrl = "http://pages.example/tiny_free.png";
constexpr int kError = 2;
constexpr int kConsumer = 5;

std::string Traceparent(std::string_view flags = "01") {
  return fmt::format("00-{}-{}-{}", kTrace, kCaller, flags);
}

std::string PageFile() {
  const auto file = ReadFile(TestPagePath("tiny_free.png"), size_t{1} << 30);
  EXPECT_TRUE(file.ok());
  return *file;
}

json ChatRequest(const std::string& image_url) {
  return {{"messages",
           {{{"role", "user"},
             {"content",
              {{{"type", "image_url"}, {"image_url", {{"url", image_url}}}},
               {{"type", "text"}, {"text", "Free OCR."}}}}}}},
          {"mm_processor_kwargs", {{"mode", "tiny"}}}};
}
std::string DataUri() { return "data:image/png;base64," + EncodeBase64(PageFile()); }
json OcrRequestBody() {
  return {{"image", EncodeBase64(PageFile())}, {"mode", "plain_ocr"}, {"size_mode", "tiny"}};
}

struct Answer {
  long status = 0;
  std::string body;
};

// With `hang_up` the client goes away when the first bytes of the body have come.
Answer Ask(const std::string& url, const std::vector<std::string>& headers, const json* body,
           bool hang_up = false) {
  CurlTransfer transfer;
  const std::string text = body == nullptr ? "" : body->dump();
  transfer.Set(CURLOPT_URL, url.c_str());
  if (body != nullptr) {
    transfer.Set(CURLOPT_POSTFIELDS, text.c_str());
    transfer.Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(text.size()));
    transfer.AddHeader("Content-Type: application/json");
  }
  for (const std::string& header : headers) transfer.AddHeader(header);
  Answer answer;
  transfer.OnBody([&](std::string_view bytes) {
    answer.body += bytes;
    return !hang_up;
  });
  transfer.Run(CurlTransfer::Clock::now() + std::chrono::minutes(5), {}, {});
  answer.status = transfer.status();
  return answer;
}

// Answers "hold" with a first word and silence until it is stopped, anything else with an error.
class StubbornBackend final : public Backend {
 public:
  std::string_view engine_name() const override { return "vllm_openai"; }
  size_t max_concurrency() const override { return 2; }
  Status health() const override { return OkStatus(); }
  const Engine* engine() const override { return nullptr; }
  Result<Generation> Generate(const GenerationRequest& request, std::shared_ptr<const Image>,
                              std::chrono::steady_clock::time_point,
                              const OnGenerationOutput& on_output,
                              const std::stop_token& stop) override {
    if (request.prompt.empty() || request.prompt.back().text != "hold") {
      return UnavailableError("no server is left");
    }
    on_output({"word", {1}, {}});
    while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return CancelledError("stopped");
  }
};

class TraceTest : public testing::Test {
 protected:
  void Start(bool with_traces = true) {
    folder_ = fmt::format("{}trace_test_{}", testing::TempDir(), getpid());
    OcrServerConfig config;
    config.http.listeners = {{"127.0.0.1", 0, {Interface::kOpenAi, Interface::kRest}}};
    config.grpc = {"127.0.0.1", 0};
    config.store.folder = folder_;
    config.admission.find_key = [](std::string_view key) -> std::optional<std::string> {
      if (key == "secret") return "id";
      return std::nullopt;
    };
    if (with_traces) {
      config.tracing.emplace();
      config.tracing->url = collector_.url();
      config.tracing->export_interval = std::chrono::milliseconds(10);
      config.tracing->flush_timeout = std::chrono::minutes(1);
    }
    auto server = OcrServer::Start(std::move(config),
                                   [](const std::string& url, std::chrono::steady_clock::time_point,
                                      const std::stop_token&) -> Result<std::string> {
                                     if (url == kPageUrl) return PageFile();
                                     return NotFoundError("no page is there");
                                   });
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    server_->service().AddModel("tiny");
    server_->service().AddModel("stubborn");
    server_->service().SetReady("tiny", std::make_shared<DirectBackend>(MakeTestEngine(2)));
    server_->service().SetReady("stubborn", std::make_shared<StubbornBackend>());
    server_->StartJobs();
  }

  std::string Url(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}{}", server_->ports().front(), path);
  }
  Answer Post(const std::string& path, const json& body, const std::string& traceparent = "",
              bool hang_up = false) {
    std::vector<std::string> headers = {"Authorization: Bearer secret", "X-Request-Id: r-1"};
    if (!traceparent.empty()) {
      headers.push_back("traceparent: " + traceparent);
      headers.emplace_back("tracestate: vendor=x");
    }
    return Ask(Url(path), headers, &body, hang_up);
  }

  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Ends the server; whatever was traced has been sent then.
  Spans AllSpans() {
    server_.reset();
    return collector_.spans();
  }

  OtlpCollector collector_;
  std::unique_ptr<OcrServer> server_;
  std::string folder_;
};

const CollectedSpan& Named(const Spans& spans, const std::string& name) {
  static const CollectedSpan kNone;
  const auto it = std::find_if(spans.begin(), spans.end(),
                               [&](const CollectedSpan& span) { return span.name == name; });
  EXPECT_NE(it, spans.end()) << "no span " << name;
  return it == spans.end() ? kNone : *it;
}

// The names of what lies directly below a span, by their beginnings.
std::vector<std::string> Below(const Spans& spans, const CollectedSpan& parent) {
  std::vector<const CollectedSpan*> children;
  for (const CollectedSpan& span : spans) {
    if (span.parent_id == parent.span_id) children.push_back(&span);
  }
  std::stable_sort(children.begin(), children.end(), [](const auto* a, const auto* b) {
    return a->start_unix_ns < b->start_unix_ns;
  });
  std::vector<std::string> names;
  uint64_t last_end = 0;
  for (const CollectedSpan* child : children) {
    EXPECT_GE(child->start_unix_ns, last_end)
        << child->name << " begins before the one before it ends";
    last_end = child->end_unix_ns;
    names.push_back(child->name);
  }
  return names;
}

void ExpectNested(const Spans& spans) {
  std::map<std::string, const CollectedSpan*> by_id;
  for (const CollectedSpan& span : spans) by_id[span.span_id] = &span;
  for (const CollectedSpan& span : spans) {
    EXPECT_LE(span.start_unix_ns, span.end_unix_ns) << span.name;
    const auto parent = by_id.find(span.parent_id);
    // A job is done after its request is answered.
    if (parent == by_id.end() || span.kind == kConsumer) continue;
    EXPECT_GE(span.start_unix_ns, parent->second->start_unix_ns) << span.name;
    EXPECT_LE(span.end_unix_ns, parent->second->end_unix_ns) << span.name;
  }
}

std::set<std::string> TraceIds(const Spans& spans) {
  std::set<std::string> ids;
  for (const CollectedSpan& span : spans) ids.insert(span.trace_id);
  return ids;
}

TEST_F(TraceTest, AChatCompletionIsOneTraceWithAllStages) {
  Start();
  ASSERT_EQ(Post("/v1/chat/completions", ChatRequest(kPageUrl), Traceparent()).status, 200);
  const Spans spans = AllSpans();
  ExpectNested(spans);
  EXPECT_THAT(TraceIds(spans), ElementsAre(kTrace));
  const CollectedSpan& root = Named(spans, "POST /v1/chat/completions");
  EXPECT_EQ(root.parent_id, kCaller);
  EXPECT_EQ(root.tracestate, "vendor=x");
  EXPECT_EQ(root.Attribute("http.request.method"), "POST");
  EXPECT_EQ(root.Attribute("http.route"), "/v1/chat/completions");
  EXPECT_EQ(root.Attribute("http.response.status_code"), "200");
  EXPECT_EQ(root.Attribute("maoocr.request_id"), "r-1");
  EXPECT_THAT(Below(spans, root), ElementsAre("chat tiny"));
  const CollectedSpan& call = Named(spans, "chat tiny");
  EXPECT_EQ(call.Attribute("gen_ai.operation.name"), "chat");
  EXPECT_EQ(call.Attribute("gen_ai.request.model"), "tiny");
  EXPECT_EQ(call.Attribute("gen_ai.response.finish_reasons"), "[stop]");
  EXPECT_EQ(call.Attribute("maoocr.engine"), "vllm_direct");
  EXPECT_EQ(call.Attribute("maoocr.page.mode"), "tiny");
  EXPECT_EQ(call.Attribute("maoocr.result_cache.hit"), "false");
  EXPECT_GT(std::stoi(call.Attribute("maoocr.page.width")), 0);
  EXPECT_GT(std::stoi(call.Attribute("gen_ai.usage.input_tokens")),
            std::stoi(call.Attribute("maoocr.page.tokens")));
  EXPECT_EQ(call.Attribute("gen_ai.usage.cache_read.input_tokens"), "0");
  EXPECT_EQ(Named(spans, "decode").Attribute("gen_ai.usage.output_tokens"),
            call.Attribute("gen_ai.usage.output_tokens"));
  EXPECT_THAT(Below(spans, call),
              ElementsAre("wait_for_worker", "fetch", "decode_image", "preprocess", "queue",
                          "vision_encode", "prefill", "decode", "postprocess"));
  EXPECT_THAT(spans, Each(Field(&CollectedSpan::status_code, 0)));
}

TEST_F(TraceTest, AStreamIsTheSame) {
  Start();
  json request = ChatRequest(DataUri());
  request["stream"] = true;
  const Answer answer = Post("/v1/chat/completions", request);
  EXPECT_THAT(answer.body, HasSubstr("data: [DONE]"));
  const Spans spans = AllSpans();
  ExpectNested(spans);
  EXPECT_THAT(TraceIds(spans), SizeIs(1));
  EXPECT_EQ(Named(spans, "POST /v1/chat/completions").parent_id, "");
  EXPECT_THAT(Below(spans, Named(spans, "chat tiny")),
              ElementsAre("wait_for_worker", "decode_image", "preprocess", "queue", "vision_encode",
                          "prefill", "decode", "postprocess"));
}

TEST_F(TraceTest, KnownAnswersAndEncodedPagesSkipTheirStages) {
  Start();
  ASSERT_EQ(Post("/v1/chat/completions", ChatRequest(DataUri())).status, 200);
  json request = ChatRequest(DataUri());
  ASSERT_EQ(Post("/v1/chat/completions", request).status, 200);
  request["messages"][0]["content"][1]["text"] = "<|grounding|>OCR this image.";
  ASSERT_EQ(Post("/v1/chat/completions", request).status, 200);
  const Spans spans = AllSpans();
  Spans calls;
  std::copy_if(spans.begin(), spans.end(), std::back_inserter(calls),
               [](const CollectedSpan& span) { return span.name == "chat tiny"; });
  ASSERT_THAT(calls, SizeIs(3));
  EXPECT_THAT(TraceIds(calls), SizeIs(3));
  EXPECT_EQ(calls[1].Attribute("maoocr.result_cache.hit"), "true");
  EXPECT_THAT(Below(spans, calls[1]), ElementsAre("wait_for_worker", "postprocess"));
  EXPECT_THAT(Below(spans, calls[2]), ElementsAre("wait_for_worker", "decode_image", "preprocess",
                                                  "queue", "prefill", "decode", "postprocess"));
}

TEST_F(TraceTest, RestAndGrpcAreTracedAlike) {
  Start();
  ASSERT_EQ(Post("/api/ocr", OcrRequestBody(), Traceparent()).status, 200);
  {
    const auto channel = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server_->grpc_port()),
                                             grpc::InsecureChannelCredentials());
    const auto stub = maoocr::v1::OcrService::NewStub(channel);
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", "secret");
    context.AddMetadata("traceparent", Traceparent());
    context.AddMetadata("tracestate", "vendor=y");
    maoocr::v1::OcrRequest request;
    request.set_image(PageFile());
    request.set_mode("text");
    request.set_size_mode("tiny");
    request.mutable_options()->set_bypass_cache(true);
    maoocr::v1::OcrResponse response;
    ASSERT_TRUE(stub->Ocr(&context, request, &response).ok());
  }
  const Spans spans = AllSpans();
  ExpectNested(spans);
  EXPECT_THAT(TraceIds(spans), ElementsAre(kTrace));
  const CollectedSpan& http = Named(spans, "POST /api/ocr");
  const CollectedSpan& rpc = Named(spans, "maoocr.v1.OcrService/Ocr");
  for (const CollectedSpan* root : {&http, &rpc}) {
    EXPECT_EQ(root->parent_id, kCaller);
    EXPECT_THAT(Below(spans, *root), ElementsAre("generate_content tiny"));
  }
  EXPECT_EQ(rpc.tracestate, "vendor=y");
  EXPECT_EQ(rpc.Attribute("rpc.system.name"), "grpc");
  EXPECT_EQ(rpc.Attribute("rpc.method"), "maoocr.v1.OcrService/Ocr");
  EXPECT_EQ(rpc.Attribute("rpc.response.status_code"), "OK");
}

TEST_F(TraceTest, EveryPageOfADocumentHasItsStages) {
  Start();
  const std::string pdf = PdfOfPages(std::vector<std::string>(3, "/MediaBox[0 0 72 36]"));
  const json request = {{"image", EncodeBase64(pdf)},
                        {"mode", "plain_ocr"},
                        {"size_mode", "tiny"},
                        {"max_tokens", 4}};
  ASSERT_EQ(Post("/api/ocr", request, Traceparent()).status, 200);
  const Spans spans = AllSpans();
  ExpectNested(spans);
  EXPECT_THAT(TraceIds(spans), ElementsAre(kTrace));
  const CollectedSpan& root = Named(spans, "POST /api/ocr");
  std::set<std::string> pages;
  for (const CollectedSpan& span : spans) {
    if (span.parent_id != root.span_id) continue;
    const std::string page = span.Attribute("maoocr.page.number");
    pages.insert(page);
    const std::vector<std::string> stages = Below(spans, span);
    EXPECT_EQ(std::count(stages.begin(), stages.end(), "open_document"), page == "1" ? 1 : 0);
    for (const char* stage : {"decode_image", "preprocess", "prefill", "decode", "postprocess"}) {
      EXPECT_EQ(std::count(stages.begin(), stages.end(), stage), 1) << stage << " of " << page;
    }
  }
  EXPECT_THAT(pages, ElementsAre("1", "2", "3"));
}

TEST_F(TraceTest, AJobContinuesTheTraceOfItsRequest) {
  Start();
  const Answer answer = Post("/api/ocr/async", OcrRequestBody(), Traceparent());
  ASSERT_EQ(answer.status, 202) << answer.body;
  const std::string id = json::parse(answer.body).at("id");
  collector_.WaitForSpan("job /api/ocr");
  const Spans spans = AllSpans();
  ExpectNested(spans);
  EXPECT_THAT(TraceIds(spans), ElementsAre(kTrace));
  const CollectedSpan& request = Named(spans, "POST /api/ocr/async");
  const CollectedSpan& job = Named(spans, "job /api/ocr");
  EXPECT_EQ(job.parent_id, request.span_id);
  EXPECT_EQ(job.tracestate, "vendor=x");
  EXPECT_EQ(job.kind, kConsumer);
  EXPECT_EQ(job.Attribute("maoocr.request_id"), id);
  EXPECT_EQ(job.Attribute("http.response.status_code"), "200");
  EXPECT_THAT(Below(spans, job), ElementsAre("generate_content tiny"));
}

TEST_F(TraceTest, FailuresAreErrors) {
  Start();
  json request = ChatRequest("http://pages.example/none.png");
  EXPECT_EQ(Post("/v1/chat/completions", request).status, 404);
  request = {{"model", "stubborn"}, {"prompt", "fail"}};
  EXPECT_EQ(Post("/v1/completions", request).status, 503);
  const Spans spans = AllSpans();
  ExpectNested(spans);
  const CollectedSpan& fetching = Named(spans, "chat tiny");
  EXPECT_EQ(fetching.status_code, kError);
  EXPECT_EQ(fetching.Attribute("error.type"), "NOT_FOUND");
  EXPECT_THAT(fetching.status_message, HasSubstr("no page is there"));
  EXPECT_THAT(Below(spans, fetching), ElementsAre("wait_for_worker", "fetch"));
  // The client's mistake is no error of the server.
  EXPECT_EQ(Named(spans, "POST /v1/chat/completions").status_code, 0);
  const CollectedSpan& remote = Named(spans, "text_completion stubborn");
  EXPECT_EQ(remote.Attribute("error.type"), "UNAVAILABLE");
  EXPECT_EQ(Named(spans, "POST /v1/completions").status_code, kError);
  EXPECT_EQ(Named(spans, "POST /v1/completions").Attribute("error.type"), "503");
}

TEST_F(TraceTest, AClientThatGoesAwayIsAnError) {
  Start();
  const json request = {{"model", "stubborn"}, {"prompt", "hold"}, {"stream", true}};
  Post("/v1/completions", request, "", /*hang_up=*/true);
  collector_.WaitForSpan("POST /v1/completions");
  const Spans spans = AllSpans();
  ExpectNested(spans);
  const CollectedSpan& root = Named(spans, "POST /v1/completions");
  EXPECT_EQ(root.status_code, kError);
  EXPECT_EQ(root.Attribute("http.response.status_code"), "499");
  const CollectedSpan& call = Named(spans, "text_completion stubborn");
  EXPECT_EQ(call.status_code, kError);
  EXPECT_EQ(call.Attribute("error.type"), "CANCELLED");
  EXPECT_THAT(Below(spans, call), ElementsAre("wait_for_worker", "prefill", "decode"));
}

TEST_F(TraceTest, WhatTheCallerDoesNotSampleIsNotSent) {
  Start();
  EXPECT_EQ(Post("/api/ocr", OcrRequestBody(), Traceparent("00")).status, 200);
  EXPECT_EQ(Post("/api/ocr/async", OcrRequestBody(), Traceparent("00")).status, 202);
  EXPECT_THAT(AllSpans(), IsEmpty());
}

TEST_F(TraceTest, ProbesAndStrangersAreNotTraced) {
  Start();
  EXPECT_EQ(Ask(Url("/health"), {}, nullptr).status, 200);
  EXPECT_EQ(Ask(Url("/v1/models"), {}, nullptr).status, 401);
  EXPECT_EQ(Ask(Url("/nowhere"), {}, nullptr).status, 404);
  EXPECT_EQ(Ask(Url("/v1/models"), {"X-API-Key: secret"}, nullptr).status, 200);
  EXPECT_THAT(AllSpans(), ElementsAre(Field(&CollectedSpan::name, "GET /v1/models")));
}

TEST_F(TraceTest, NothingIsSentWhenTracesAreOff) {
  Start(/*with_traces=*/false);
  EXPECT_EQ(Post("/api/ocr", OcrRequestBody(), Traceparent()).status, 200);
  EXPECT_THAT(Ask(Url("/metrics"), {}, nullptr).body, Not(HasSubstr("maoocr_trace")));
  AllSpans();
  EXPECT_EQ(collector_.num_requests(), 0U);
}

TEST_F(TraceTest, MetricsCountSpans) {
  Start();
  EXPECT_EQ(Ask(Url("/v1/models"), {"X-API-Key: secret"}, nullptr).status, 200);
  collector_.WaitForSpans(1);
  std::string metrics;
  do {  // the answer of the collector may be on its way
    metrics = Ask(Url("/metrics"), {}, nullptr).body;
  } while (metrics.find("maoocr_trace_spans_exported_total 1\n") == std::string::npos);
  EXPECT_THAT(metrics,
              AllOf(HasSubstr("maoocr_trace_spans_dropped_total{reason=\"queue_full\"} 0\n"),
                    HasSubstr("maoocr_trace_spans_dropped_total{reason=\"not_exported\"} 0\n")));
}

// Two programs, set up as their operator does, and one trace through both.
TEST(TraceProcessTest, AServerBehindContinuesTheTrace) {
  OtlpCollector collector;
  const std::vector<std::string> tracing = {"--otlp-traces-endpoint", collector.url()};
  ServeProcess behind({tracing[0], tracing[1], "--service-name", "behind"});
  ServeProcess front({tracing[0], tracing[1], "--service-name", "front", "--inference-engine",
                      "vllm_openai", "--vllm-openai-base-urls", behind.url()});
  WaitForStatus(behind.url() + "/health", 200);
  WaitForStatus(front.url() + "/health", 200);
  const json request = ChatRequest(DataUri());
  EXPECT_EQ(
      Ask(front.url() + "/v1/chat/completions", {"traceparent: " + Traceparent()}, &request).status,
      200);
  EXPECT_EQ(front.Stop(), 0);
  EXPECT_EQ(behind.Stop(), 0);
  const Spans spans = collector.spans();
  EXPECT_THAT(TraceIds(spans), ElementsAre(kTrace));
  Spans of_front, of_behind;
  for (const CollectedSpan& span : spans) {
    (span.resource.at("service.name") == "front" ? of_front : of_behind).push_back(span);
  }
  EXPECT_EQ(Named(of_front, "POST /v1/chat/completions").parent_id, kCaller);
  const CollectedSpan& call = Named(of_front, "chat maoocr-tiny");
  EXPECT_EQ(Named(of_behind, "POST /v1/chat/completions").parent_id, call.span_id);
  EXPECT_THAT(Below(of_front, call),
              ElementsAre("wait_for_worker", "decode_image", "prefill", "decode", "postprocess"));
  EXPECT_EQ(Named(of_front, "prefill").Attribute("maoocr.remote"), "true");
  Named(of_behind, "vision_encode");
}

}  // namespace
}  // namespace mao
