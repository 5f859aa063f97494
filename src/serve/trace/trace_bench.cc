// What a request's spans cost the threads that serve it; sending them is another thread's work.
#include <benchmark/benchmark.h>

#include "serve/trace/otlp_tracer.h"
#include "serve/trace/testing/otlp_collector.h"

namespace mao {
namespace {

// As one page read over HTTP: two spans with their attributes, and eight stages.
void TraceRequest(Tracer* tracer, const std::string& traceparent) {
  std::shared_ptr<TraceSpan> root;
  const TraceTime now = std::chrono::steady_clock::now();
  if (tracer != nullptr) {
    root =
        tracer->Start("POST /v1/chat/completions", Tracer::Kind::kServer, {traceparent, ""}, now);
    root->Set({{"maoocr.request_id", "4bf92f3577b34da6"},
               {"http.request.method", "POST"},
               {"http.route", "/v1/chat/completions"},
               {"http.response.status_code", int64_t{200}}});
  }
  std::shared_ptr<TraceSpan> call;
  if (root != nullptr) {
    call = root->StartChild("chat page-reader", now);
    call->Set({{"gen_ai.operation.name", "chat"},
               {"gen_ai.request.model", "page-reader"},
               {"gen_ai.response.finish_reasons", "stop", true},
               {"gen_ai.usage.input_tokens", int64_t{300}},
               {"gen_ai.usage.output_tokens", int64_t{500}},
               {"maoocr.page.width", int64_t{1240}},
               {"maoocr.page.height", int64_t{1754}},
               {"maoocr.page.mode", "base"}});
  }
  for (const char* stage : {"wait_for_worker", "decode_image", "preprocess", "queue",
                            "vision_encode", "prefill", "decode", "postprocess"}) {
    if (call != nullptr) call->AddStage(stage, now, now, {{"maoocr.page.tokens", int64_t{273}}});
  }
  benchmark::DoNotOptimize(call);
}

void BM_TraceOff(benchmark::State& state) {
  for (auto _ : state) TraceRequest(nullptr, "");
}
BENCHMARK(BM_TraceOff);

void BM_TraceOn(benchmark::State& state) {
  OtlpCollector collector;
  OtlpTracerConfig config;
  config.url = collector.url();
  config.export_interval = std::chrono::milliseconds(100);
  const auto tracer = MakeOtlpTracer(config);
  for (auto _ : state) TraceRequest(tracer.get(), "");
  state.counters["spans lost"] = static_cast<double>(tracer->stats().num_overflowed);
}
BENCHMARK(BM_TraceOn);

void BM_TraceNotSampled(benchmark::State& state) {
  OtlpTracerConfig config;
  config.url = "http://127.0.0.1:9/v1/traces";
  const auto tracer = MakeOtlpTracer(config);
  for (auto _ : state) {
    TraceRequest(tracer.get(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  }
}
BENCHMARK(BM_TraceNotSampled);

}  // namespace
}  // namespace mao
