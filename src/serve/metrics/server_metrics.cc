#include "serve/metrics/server_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace mao {
namespace {

using Labels = prometheus::Labels;
using Buckets = prometheus::Histogram::BucketBoundaries;

constexpr double kMsPerSecond = 1000;

// vLLM's boundaries (vllm/v1/metrics/loggers.py), in seconds.
const Buckets kRequestSeconds = {0.3,  0.5,  0.8,  1.0,  1.5,  2.0,   2.5,   5.0,   10.0, 15.0,
                                 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0};
const Buckets kFirstTokenSeconds = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,  0.25, 0.5,
                                    0.75,  1.0,   2.5,  5.0,  7.5,  10.0, 20.0, 40.0, 80.0};
const Buckets kTokenSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15,
                               0.2,   0.3,    0.4,   0.5,  0.75,  1.0,  2.5,   5.0};
const Buckets kTokens = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};
const Buckets kHttpSeconds = {0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0};

const char* FinishedReason(const Result<Generation>& result) {
  if (!result.ok()) return result.status().code() == StatusCode::kCancelled ? "abort" : "error";
  switch (result->stop_reason) {
    case StopReason::kMaxTokens:
      return "length";
    case StopReason::kRepetition:
      return "repetition";
    default:
      return "stop";
  }
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

// Families are made at the first use of their name and kept by the registry.
class ServerMetrics::Registry {
 public:
  prometheus::Counter& Counter(const char* name, const char* help, const Labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
  }
  prometheus::Gauge& Gauge(const char* name, const char* help, const Labels& labels) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
  }
  prometheus::Histogram& Histogram(const char* name, const char* help, const Labels& labels,
                                   const Buckets& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels,
                                                                                      buckets);
  }
  std::string Render() {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, registry_.Collect());
    return text.str();
  }

 private:
  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

ServerMetrics::ServerMetrics() : registry_(std::make_unique<Registry>()) {}
ServerMetrics::~ServerMetrics() = default;

void ServerMetrics::SetService(const Service* service) { service_ = service; }

void ServerMetrics::OnCallDone(const CallRecord& record) {
  const Labels labels = {{"model_name", record.model}, {"engine", record.engine}};
  Labels with_reason = labels;
  with_reason["finished_reason"] = FinishedReason(record.result);
  registry_->Counter("vllm:request_success_total", "Requests that ended, by reason", with_reason)
      .Increment();
  const auto observe = [&](const char* name, const char* help, const Buckets& buckets,
                           double value) {
    registry_->Histogram(name, help, labels, buckets).Observe(value);
  };
  observe("vllm:e2e_request_latency_seconds", "From arrival to the last token", kRequestSeconds,
          record.timings.total_ms / kMsPerSecond);
  if (!record.result.ok()) return;
  const Generation& answer = *record.result;
  if (answer.from_result_cache) return;
  const RequestStats& stats = answer.stats;
  const auto count = [&](const char* name, const char* help, int64_t value) {
    registry_->Counter(name, help, labels).Increment(static_cast<double>(value));
  };
  count("vllm:prompt_tokens_total", "Prompt tokens, image tokens included",
        stats.num_prompt_tokens);
  count("vllm:generation_tokens_total", "Generated tokens", stats.num_output_tokens);
  count("vllm:prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache",
        stats.num_prompt_tokens);
  count("vllm:prefix_cache_hits_total", "Prompt tokens found in the prefix cache",
        stats.num_cached_tokens);
  observe("vllm:time_to_first_token_seconds", "From arrival to the first token", kFirstTokenSeconds,
          record.timings.first_output_ms / kMsPerSecond);
  observe("vllm:request_queue_time_seconds", "Waiting, in front of the engine and in it",
          kRequestSeconds, (record.timings.wait_ms + stats.queue_ms) / kMsPerSecond);
  observe("vllm:request_prefill_time_seconds", "Prompt to first token", kRequestSeconds,
          stats.prefill_ms / kMsPerSecond);
  observe("vllm:request_decode_time_seconds", "First token to last", kRequestSeconds,
          stats.generate_ms / kMsPerSecond);
  observe("vllm:request_inference_time_seconds", "Encoding, prefill and decoding", kRequestSeconds,
          (stats.encode_ms + stats.prefill_ms + stats.generate_ms) / kMsPerSecond);
  if (stats.num_output_tokens > 1) {
    observe("vllm:request_time_per_output_token_seconds", "Mean time between tokens", kTokenSeconds,
            stats.generate_ms / kMsPerSecond / static_cast<double>(stats.num_output_tokens - 1));
  }
  observe("vllm:request_prompt_tokens", "Prompt tokens of a request", kTokens,
          static_cast<double>(stats.num_prompt_tokens));
  observe("vllm:request_generation_tokens", "Generated tokens of a request", kTokens,
          static_cast<double>(stats.num_output_tokens));
  if (answer.image_width == 0) return;
  Labels by_mode = labels;
  by_mode["mode"] = answer.image_mode;
  registry_->Counter("maoocr_pages_total", "Pages read, by size mode", by_mode).Increment();
  observe("maoocr_image_decode_seconds", "Image file to pixels", kFirstTokenSeconds,
          record.timings.decode_ms / kMsPerSecond);
  observe("maoocr_preprocess_seconds", "Pixels to views", kFirstTokenSeconds,
          stats.prepare_ms / kMsPerSecond);
  observe("maoocr_vision_encode_seconds", "Views to embeddings", kFirstTokenSeconds,
          stats.encode_ms / kMsPerSecond);
  if (answer.stop_reason == StopReason::kRepetition) {
    registry_->Counter("maoocr_loops_total", "Texts that went round in circles", labels)
        .Increment();
  }
}

void ServerMetrics::OnHttpExchange(const HttpExchangeRecord& record) {
  const std::string route = record.route.empty() ? "none" : record.route;
  registry_
      ->Counter("maoocr_http_requests_total", "HTTP requests, by route and status",
                {{"route", route}, {"status", std::to_string(record.status)}})
      .Increment();
  registry_
      ->Histogram("maoocr_http_request_seconds", "From the request's head to the answer's end",
                  {{"route", route}}, kHttpSeconds)
      .Observe(record.ms / kMsPerSecond);
}

// Counters of the engine come as totals, and are shown as they are.
void ServerMetrics::SetEngineGauges(const EngineStats& stats,
                                    const std::map<std::string, std::string>& labels) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    registry_->Gauge(name, help, labels).Set(value);
  };
  gauge("vllm:kv_cache_usage_perc", "Share of the blocks that requests hold, 0 to 1",
        stats.num_kv_blocks == 0 ? 0.0
                                 : static_cast<double>(stats.num_kv_blocks_used) /
                                       static_cast<double>(stats.num_kv_blocks));
  gauge("vllm:num_preemptions_total", "Times that a request gave way for lack of blocks",
        static_cast<double>(stats.num_preemptions));
  gauge("vllm:mm_cache_queries_total", "Images that requests came to",
        static_cast<double>(stats.encoder_cache_queries));
  gauge("vllm:mm_cache_hits_total", "Images of those that were encoded already",
        static_cast<double>(stats.encoder_cache_hits));
  gauge("maoocr_engine_requests_running", "Requests that the engine computes",
        static_cast<double>(stats.num_running));
  gauge("maoocr_engine_requests_waiting", "Requests that wait in the engine",
        static_cast<double>(stats.num_waiting));
  gauge("maoocr_images_encoding", "Images with the encoder",
        static_cast<double>(stats.num_images_encoding));
  gauge("maoocr_engine_steps_total", "Steps that computed something",
        static_cast<double>(stats.num_steps));
}

std::string ServerMetrics::Render() {
  const auto gauge = [this](const char* name, const char* help, double value,
                            const Labels& labels = {}) {
    registry_->Gauge(name, help, labels).Set(value);
  };
  if (service_ != nullptr) {
    const ServiceLoad load = service_->load();
    std::string model_name;
    for (const ServedModel& model : service_->models()) {
      if (model_name.empty()) model_name = model.name;
      gauge("maoocr_model_ready", "1: the model answers", model.state == ModelState::kReady ? 1 : 0,
            {{"model_name", model.name}});
    }
    for (const ServedModel& model : service_->models()) {
      if (model.backend != nullptr && model.backend->engine() != nullptr) {
        SetEngineGauges(model.backend->engine()->stats(), {{"model_name", model.name}});
      }
    }
    const Labels labels = {{"model_name", model_name}};
    gauge("vllm:num_requests_running", "Requests that are worked on",
          static_cast<double>(load.num_running), labels);
    gauge("vllm:num_requests_waiting", "Requests in the queue",
          static_cast<double>(load.num_waiting), labels);
    const ResultCache::Stats cache = service_->result_cache().stats();
    gauge("maoocr_result_cache_bytes", "Memory of kept answers", static_cast<double>(cache.bytes));
    gauge("maoocr_result_cache_entries", "Kept answers", static_cast<double>(cache.num_entries));
    gauge("maoocr_result_cache_queries", "Requests looked up among the kept answers",
          static_cast<double>(cache.num_queries));
    gauge("maoocr_result_cache_hits", "Requests answered from the kept ones",
          static_cast<double>(cache.num_hits));
  }
  if (tracer_ != nullptr) {
    const Tracer::Stats traces = tracer_->stats();
    gauge("maoocr_trace_spans_exported_total", "Spans that the collector has taken",
          static_cast<double>(traces.num_exported));
    const auto dropped = [&](const char* reason, uint64_t value) {
      gauge("maoocr_trace_spans_dropped_total", "Spans that are lost, by reason",
            static_cast<double>(value), {{"reason", reason}});
    };
    dropped("not_exported", traces.num_not_exported);
    dropped("queue_full", traces.num_overflowed);
  }
  gauge("process_resident_memory_bytes", "Resident memory", ResidentBytes());
  gauge("process_cpu_seconds_total", "CPU time, user and system", CpuSeconds());
  return registry_->Render();
}

}  // namespace mao
