#include "serve/trace/otlp_tracer.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/trace/testing/otlp_collector.h"

namespace mao {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kParent = "00f067aa0ba902b7";

std::string Traceparent(std::string_view flags) {
  return "00-" + std::string(kTrace) + "-" + std::string(kParent) + "-" + std::string(flags);
}

OtlpTracerConfig ConfigFor(const std::string& url) {
  OtlpTracerConfig config;
  config.url = url;
  config.service_name = "reader";
  config.service_version = "1.2.3";
  config.export_interval = milliseconds(20);
  config.flush_timeout = milliseconds(30'000);
  return config;
}

TEST(OtlpTracerTest, SpansArriveWithTheirNamesTimesAndAttributes) {
  OtlpCollector collector;
  const TraceTime start = std::chrono::steady_clock::now();
  {
    const auto tracer = MakeOtlpTracer(ConfigFor(collector.url()));
    const auto root = tracer->Start("POST /v1/ocr", Tracer::Kind::kServer, {}, start);
    root->Set({{"flag", true},
               {"count", int64_t{-3}},
               {"share", 0.5},
               {"text", "a\xff"},  // not UTF-8
               {"list", "stop", true}});
    root->AddStage("fetch", start + milliseconds(2), start + milliseconds(5),
                   {{"bytes", int64_t{7}}});
    root->End(start + milliseconds(9));
  }
  const std::vector<CollectedSpan> spans = collector.spans();  // the end has flushed them
  ASSERT_THAT(spans, SizeIs(2));
  const CollectedSpan& stage = spans[0];
  const CollectedSpan& root = spans[1];
  EXPECT_EQ(root.name, "POST /v1/ocr");
  EXPECT_EQ(root.kind, 2);  // server
  EXPECT_EQ(root.parent_id, "");
  EXPECT_EQ(root.status_code, 0);
  EXPECT_EQ(root.end_unix_ns - root.start_unix_ns, 9'000'000U);
  EXPECT_EQ(root.attributes, (std::map<std::string, std::string>{{"flag", "true"},
                                                                 {"count", "-3"},
                                                                 {"share", "0.5"},
                                                                 {"text", "a\xEF\xBF\xBD"},
                                                                 {"list", "[stop]"}}));
  EXPECT_EQ(root.resource.at("service.name"), "reader");
  EXPECT_EQ(root.resource.at("service.version"), "1.2.3");
  EXPECT_EQ(stage.name, "fetch");
  EXPECT_EQ(stage.kind, 1);  // internal
  EXPECT_EQ(stage.trace_id, root.trace_id);
  EXPECT_EQ(stage.parent_id, root.span_id);
  EXPECT_EQ(stage.Attribute("bytes"), "7");
  EXPECT_EQ(stage.start_unix_ns - root.start_unix_ns, 2'000'000U);
  EXPECT_EQ(stage.end_unix_ns - stage.start_unix_ns, 3'000'000U);
}

TEST(OtlpTracerTest, ContinuesTheTraceOfTheCaller) {
  OtlpCollector collector;
  TraceHeaders headers;
  {
    const auto tracer = MakeOtlpTracer(ConfigFor(collector.url()));
    const auto root = tracer->Start("r", Tracer::Kind::kServer, {Traceparent("01"), "a=1,b=2"},
                                    std::chrono::steady_clock::now());
    headers = root->StartChild("c", std::chrono::steady_clock::now())->headers();
  }
  const std::vector<CollectedSpan> spans = collector.spans();
  ASSERT_THAT(spans, SizeIs(2));
  EXPECT_EQ(spans[1].trace_id, kTrace);
  EXPECT_EQ(spans[1].parent_id, kParent);
  EXPECT_EQ(spans[1].tracestate, "a=1,b=2");
  // What the child hands on names the child.
  EXPECT_EQ(headers.traceparent, "00-" + std::string(kTrace) + "-" + spans[0].span_id + "-01");
  EXPECT_EQ(headers.tracestate, "a=1,b=2");
}

TEST(OtlpTracerTest, ASpanEndsNoEarlierThanWhatIsBelowIt) {
  OtlpCollector collector;
  const TraceTime start = std::chrono::steady_clock::now();
  {
    const auto tracer = MakeOtlpTracer(ConfigFor(collector.url()));
    auto root = tracer->Start("root", Tracer::Kind::kConsumer, {}, start);
    const auto child = root->StartChild("child", start + milliseconds(1));
    root->End(start + milliseconds(2));
    root = nullptr;  // ended, and let go by its owner
    child->AddStage("stage", start + milliseconds(3), start + milliseconds(8));
    child->End(start + milliseconds(4));
  }
  const std::vector<CollectedSpan> spans = collector.spans();
  ASSERT_THAT(spans, SizeIs(3));
  EXPECT_EQ(spans[2].name, "root");
  EXPECT_EQ(spans[2].kind, 5);  // consumer
  EXPECT_EQ(spans[1].end_unix_ns, spans[0].end_unix_ns);
  EXPECT_EQ(spans[2].end_unix_ns, spans[0].end_unix_ns);
}

TEST(OtlpTracerTest, AnErrorHasTypeAndMessage) {
  OtlpCollector collector;
  {
    const auto tracer = MakeOtlpTracer(ConfigFor(collector.url()));
    tracer->Start("r", Tracer::Kind::kServer, {}, std::chrono::steady_clock::now())
        ->SetError("CANCELLED", "gone " + std::string(5000, 'x'));
  }
  const std::vector<CollectedSpan> spans = collector.spans();
  ASSERT_THAT(spans, SizeIs(1));
  EXPECT_EQ(spans[0].status_code, 2);
  EXPECT_THAT(spans[0].status_message, HasSubstr("gone xxx"));
  EXPECT_THAT(spans[0].status_message, SizeIs(1024));
  EXPECT_EQ(spans[0].Attribute("error.type"), "CANCELLED");
}

TEST(OtlpTracerTest, WhatTheCallerDoesNotSampleIsNotSentButPassedOn) {
  OtlpCollector collector;
  {
    const auto tracer = MakeOtlpTracer(ConfigFor(collector.url()));
    const auto root = tracer->Start("r", Tracer::Kind::kServer, {Traceparent("00"), ""},
                                    std::chrono::steady_clock::now());
    const auto child = root->StartChild("c", std::chrono::steady_clock::now());
    root->AddStage("s", {}, {});
    EXPECT_THAT(child->headers().traceparent, HasSubstr(std::string(kTrace)));
    EXPECT_TRUE(child->headers().traceparent.ends_with("-00"));
  }
  EXPECT_EQ(collector.num_requests(), 0U);
}

TEST(OtlpTracerTest, SamplersDecideAsTheyAreNamed) {
  const auto is_sent = [](TraceSampling sampling, const std::string& traceparent) {
    OtlpCollector collector;
    OtlpTracerConfig config = ConfigFor(collector.url());
    config.sampling = sampling;
    MakeOtlpTracer(config)->Start("r", Tracer::Kind::kServer, {traceparent, ""},
                                  std::chrono::steady_clock::now());
    return !collector.spans().empty();
  };
  EXPECT_TRUE(is_sent({true, 0}, Traceparent("01")));  // the caller's trace is sent
  EXPECT_FALSE(is_sent({true, 0}, ""));
  EXPECT_TRUE(is_sent({false, 1}, Traceparent("00")));
  EXPECT_FALSE(is_sent({false, 0}, Traceparent("01")));
}

TEST(OtlpTracerTest, ARefusingCollectorIsCounted) {
  OtlpCollector collector(400);
  const auto tracer = MakeOtlpTracer(ConfigFor(collector.url()));
  tracer->Start("r", Tracer::Kind::kServer, {}, std::chrono::steady_clock::now());
  while (tracer->stats().num_not_exported == 0) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(tracer->stats().num_not_exported, 1U);
  EXPECT_EQ(tracer->stats().num_exported, 0U);
  EXPECT_EQ(tracer->stats().num_overflowed, 0U);
}

// Also that the end does not wait for a collector that says nothing.
TEST(OtlpTracerTest, ASilentCollectorCostsSpansOnly) {
  constexpr uint64_t kNumSpans = 100;
  constexpr size_t kRoom = 8;
  ScriptedServer silent([](const ScriptedRequest&, ScriptedPeer& peer) { peer.WaitForClose(); });
  OtlpTracerConfig config = ConfigFor(silent.url() + "/v1/traces");
  config.max_queue_spans = kRoom;
  config.export_timeout = milliseconds(200);
  config.flush_timeout = milliseconds(50);
  auto tracer = MakeOtlpTracer(config);
  for (uint64_t i = 0; i < kNumSpans; ++i) {
    tracer->Start("r", Tracer::Kind::kServer, {}, std::chrono::steady_clock::now());
  }
  while (silent.requests().empty()) std::this_thread::sleep_for(milliseconds(5));
  // One batch is on its way, and the queue behind it is full.
  EXPECT_GE(tracer->stats().num_overflowed, kNumSpans - 2 * kRoom);
  EXPECT_EQ(tracer->stats().num_exported, 0U);
  tracer = nullptr;
}

TEST(OtlpTracerTest, SpansMayOutliveTheTracer) {
  OtlpCollector collector;
  auto tracer = MakeOtlpTracer(ConfigFor(collector.url()));
  const auto root = tracer->Start("r", Tracer::Kind::kServer, {}, std::chrono::steady_clock::now());
  tracer = nullptr;
  root->StartChild("c", std::chrono::steady_clock::now())->Set({{"a", true}});
  EXPECT_THAT(collector.spans(), IsEmpty());
}

TEST(TracestateTest, OnlyPrintableListsArePassedOn) {
  EXPECT_TRUE(IsTracestate("vendor=a:b,other@x=1"));
  EXPECT_FALSE(IsTracestate(""));
  EXPECT_FALSE(IsTracestate("vendor"));
  EXPECT_FALSE(IsTracestate("a=1\r\nX: y"));
  EXPECT_FALSE(IsTracestate("a=" + std::string(511, '1')));
}

}  // namespace
}  // namespace mao
