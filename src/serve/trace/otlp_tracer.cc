#include "serve/trace/otlp_tracer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <opentelemetry/exporters/otlp/otlp_http_exporter.h>
#include <opentelemetry/sdk/common/global_log_handler.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/batch_span_processor.h>
#include <opentelemetry/sdk/trace/processor.h>
#include <opentelemetry/sdk/trace/samplers/parent_factory.h>
#include <opentelemetry/sdk/trace/samplers/trace_id_ratio_factory.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>
#include <opentelemetry/trace/tracer.h>

#include "base/log.h"
#include "text/utf8.h"

namespace mao {
namespace {

namespace nostd = opentelemetry::nostd;
namespace otlp = opentelemetry::exporter::otlp;
namespace sdk = opentelemetry::sdk;
namespace trace_api = opentelemetry::trace;
namespace trace_sdk = opentelemetry::sdk::trace;
namespace internal_log = opentelemetry::sdk::common::internal_log;
using opentelemetry::sdk::common::ExportResult;
using Clock = std::chrono::steady_clock;

// A collector refuses a batch with a text that is no UTF-8.
std::string CleanText(std::string_view text) {
  constexpr size_t kMaxBytes = 1024;
  if (text.size() > kMaxBytes) {
    text = text.substr(0, kMaxBytes);
    // What the cut left of a character would be shown as a broken one.
    const size_t valid = ValidUtf8Prefix(text);
    if (kMaxBytes - valid < 4) text = text.substr(0, valid);
  }
  std::string clean;
  AppendLossyUtf8(text, clean);
  return clean;
}

nostd::string_view ToView(std::string_view text) { return {text.data(), text.size()}; }

// The library tells this alone what went wrong.
class ErrorKeeper final : public internal_log::LogHandler {
 public:
  void Handle(internal_log::LogLevel level, const char*, int, const char* message,
              const sdk::common::AttributeMap&) noexcept override {
    if (level != internal_log::LogLevel::Error || message == nullptr) return;
    try {
      const std::lock_guard lock(mutex_);
      if (first_.empty()) first_ = CleanText(message);
    } catch (const std::exception&) {  // no memory: nothing is told then
    }
  }
  std::string Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(first_, "");
  }

 private:
  std::mutex mutex_;
  std::string first_;  // since Take: what follows says less
};

// Of the process, as the library has it.
ErrorKeeper& LibraryErrors() {
  static ErrorKeeper* const keeper = [] {
    auto* const created = new ErrorKeeper;
    internal_log::GlobalLogHandler::SetLogHandler(
        nostd::shared_ptr<internal_log::LogHandler>(created));
    return created;
  }();
  return *keeper;
}

// What processor, exporter and tracer know together.
struct Ledger {
  explicit Ledger(size_t max_pending) : max_num_pending(max_pending) {}

  const size_t max_num_pending;
  std::atomic<size_t> num_pending = 0;  // ended, not yet taken by the exporter
  std::atomic<uint64_t> num_exported = 0;
  std::atomic<uint64_t> num_not_exported = 0;
  std::atomic<uint64_t> num_overflowed = 0;
  std::atomic<Clock::time_point> give_up = Clock::time_point::max();
};

class CountingExporter final : public trace_sdk::SpanExporter {
 public:
  CountingExporter(std::unique_ptr<trace_sdk::SpanExporter> exporter,
                   std::shared_ptr<Ledger> ledger)
      : exporter_(std::move(exporter)), ledger_(std::move(ledger)) {}

  std::unique_ptr<trace_sdk::Recordable> MakeRecordable() noexcept override {
    return exporter_->MakeRecordable();
  }
  ExportResult Export(
      const nostd::span<std::unique_ptr<trace_sdk::Recordable>>& spans) noexcept override {
    const size_t num_spans = spans.size();
    ledger_->num_pending -= num_spans;
    std::string failure = "the server ends";
    if (Clock::now() < ledger_->give_up.load()) {
      LibraryErrors().Take();  // what does not belong to this batch
      // Its result is success whatever happened (1.19); what happened, it has logged when it returns.
      exporter_->Export(spans);
      failure = LibraryErrors().Take();
    }
    if (failure.empty()) {
      ledger_->num_exported += num_spans;
      return ExportResult::kSuccess;
    }
    ledger_->num_not_exported += num_spans;
    LogFailure(failure);
    return ExportResult::kFailure;
  }
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override {
    return exporter_->ForceFlush(timeout);
  }
  bool Shutdown(std::chrono::microseconds timeout) noexcept override {
    return exporter_->Shutdown(timeout);
  }

 private:
  // Once a minute, though every batch may fail.
  void LogFailure(const std::string& reason) noexcept {
    constexpr std::chrono::minutes kInterval{1};
    const Clock::time_point now = Clock::now();
    if (last_logged_.has_value() && now - *last_logged_ < kInterval) return;
    last_logged_ = now;
    try {
      LogWarning(
          fmt::format("traces: {} spans were not sent so far, {} had no room in the queue: {}",
                      ledger_->num_not_exported.load(), ledger_->num_overflowed.load(), reason));
    } catch (const std::exception&) {  // no memory: nothing is told then
    }
  }

  const std::unique_ptr<trace_sdk::SpanExporter> exporter_;
  const std::shared_ptr<Ledger> ledger_;
  std::optional<Clock::time_point> last_logged_;
};

// Bounds the queue before the batches do, which drop spans and do not count them.
class BoundedProcessor final : public trace_sdk::SpanProcessor {
 public:
  BoundedProcessor(std::unique_ptr<trace_sdk::SpanProcessor> processor,
                   std::shared_ptr<Ledger> ledger)
      : processor_(std::move(processor)), ledger_(std::move(ledger)) {}

  std::unique_ptr<trace_sdk::Recordable> MakeRecordable() noexcept override {
    return processor_->MakeRecordable();
  }
  void OnStart(trace_sdk::Recordable& span,
               const trace_api::SpanContext& parent) noexcept override {
    processor_->OnStart(span, parent);
  }
  void OnEnd(std::unique_ptr<trace_sdk::Recordable>&& span) noexcept override {
    if (ledger_->num_pending++ >= ledger_->max_num_pending) {
      --ledger_->num_pending;
      ++ledger_->num_overflowed;
      return;
    }
    processor_->OnEnd(std::move(span));
  }
  bool ForceFlush(std::chrono::microseconds timeout) noexcept override {
    return processor_->ForceFlush(timeout);
  }
  bool Shutdown(std::chrono::microseconds timeout) noexcept override {
    return processor_->Shutdown(timeout);
  }

 private:
  const std::unique_ptr<trace_sdk::SpanProcessor> processor_;
  const std::shared_ptr<Ledger> ledger_;
};

// The same moment on both clocks, so that spans of one trace fit into each other.
struct ClockPair {
  std::chrono::system_clock::time_point system = std::chrono::system_clock::now();
  Clock::time_point steady = Clock::now();

  std::chrono::system_clock::time_point SystemTime(Clock::time_point time) const {
    return system + std::chrono::duration_cast<std::chrono::system_clock::duration>(time - steady);
  }
};

trace_api::StartSpanOptions BeginAt(Clock::time_point begin, const ClockPair& clocks) {
  trace_api::StartSpanOptions options;
  options.start_system_time = opentelemetry::common::SystemTimestamp(clocks.SystemTime(begin));
  options.start_steady_time = opentelemetry::common::SteadyTimestamp(begin);
  return options;
}

trace_api::EndSpanOptions EndAt(Clock::time_point end) {
  trace_api::EndSpanOptions options;
  options.end_steady_time = opentelemetry::common::SteadyTimestamp(end);
  return options;
}

void SetAttributes(trace_api::Span& span, TraceAttributes attributes) {
  for (const TraceAttribute& attribute : attributes) {
    const nostd::string_view name = ToView(attribute.name);
    if (const auto* text = std::get_if<std::string_view>(&attribute.value)) {
      const std::string clean = CleanText(*text);
      const std::array<nostd::string_view, 1> list = {ToView(clean)};
      if (attribute.is_list) {
        span.SetAttribute(name, nostd::span<const nostd::string_view>(list.data(), list.size()));
      } else {
        span.SetAttribute(name, list.front());
      }
    } else if (const auto* integer = std::get_if<int64_t>(&attribute.value)) {
      span.SetAttribute(name, *integer);
    } else if (const auto* number = std::get_if<double>(&attribute.value)) {
      span.SetAttribute(name, *number);
    } else {
      span.SetAttribute(name, std::get<bool>(attribute.value));
    }
  }
}

TraceHeaders HeadersOf(const trace_api::SpanContext& context) {
  std::array<char, 2 * trace_api::TraceId::kSize> trace{};
  std::array<char, 2 * trace_api::SpanId::kSize> span{};
  context.trace_id().ToLowerBase16(trace);
  context.span_id().ToLowerBase16(span);
  return {fmt::format("00-{}-{}-{:02x}", std::string_view(trace.data(), trace.size()),
                      std::string_view(span.data(), span.size()), context.trace_flags().flags()),
          context.trace_state()->ToHeader()};
}

template <size_t kSize>
std::array<uint8_t, kSize> FromHex(std::string_view digits) {
  std::array<uint8_t, kSize> bytes{};
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  for (size_t i = 0; i < kSize; ++i) {
    bytes[i] = static_cast<uint8_t>(value(digits[2 * i]) << 4 | value(digits[2 * i + 1]));
  }
  return bytes;
}

// "00-<trace>-<span>-<flags>", which has been checked when it came.
trace_api::SpanContext RemoteParent(const TraceHeaders& headers) {
  constexpr size_t kTraceAt = 3;
  constexpr size_t kSpanAt = 36;
  constexpr size_t kFlagsAt = 53;
  constexpr size_t kLength = 55;
  const std::string_view text = headers.traceparent;
  if (text.size() != kLength) return trace_api::SpanContext::GetInvalid();
  const auto trace = FromHex<trace_api::TraceId::kSize>(text.substr(kTraceAt));
  const auto span = FromHex<trace_api::SpanId::kSize>(text.substr(kSpanAt));
  const uint8_t flags = FromHex<1>(text.substr(kFlagsAt)).front();
  return {trace_api::TraceId(trace), trace_api::SpanId(span), trace_api::TraceFlags(flags), true,
          trace_api::TraceState::FromHeader(headers.tracestate)};
}

class OtlpSpan final : public TraceSpan, public std::enable_shared_from_this<OtlpSpan> {
 public:
  OtlpSpan(nostd::shared_ptr<trace_api::Tracer> tracer, nostd::shared_ptr<trace_api::Span> span,
           const ClockPair& clocks, std::shared_ptr<OtlpSpan> parent)
      : tracer_(std::move(tracer)),
        span_(std::move(span)),
        clocks_(clocks),
        parent_(std::move(parent)),
        headers_(HeadersOf(span_->GetContext())) {}

  ~OtlpSpan() override {
    const Clock::time_point end = std::max(end_.value_or(Clock::now()), children_end_);
    span_->End(EndAt(end));
    if (parent_ != nullptr) parent_->NoteChildEnd(end);
  }
  OtlpSpan(const OtlpSpan&) = delete;
  OtlpSpan& operator=(const OtlpSpan&) = delete;

  const TraceHeaders& headers() const override { return headers_; }

  void Set(TraceAttributes attributes) override {
    if (span_->IsRecording()) SetAttributes(*span_, attributes);
  }

  void SetError(std::string_view type, std::string_view message) override {
    if (!span_->IsRecording()) return;
    span_->SetStatus(trace_api::StatusCode::kError, ToView(CleanText(message)));
    SetAttributes(*span_, {{"error.type", type}});
  }

  void End(TraceTime end) override {
    const std::lock_guard lock(mutex_);
    end_ = end;
  }

  std::shared_ptr<TraceSpan> StartChild(std::string_view name, TraceTime start) override {
    // What is not sent needs no parts: this one's name is passed on for all of them.
    if (!span_->IsRecording()) return shared_from_this();
    return std::make_shared<OtlpSpan>(tracer_, StartBelow(name, start), clocks_,
                                      shared_from_this());
  }

  void AddStage(std::string_view name, TraceTime begin, TraceTime end,
                TraceAttributes attributes) override {
    if (!span_->IsRecording()) return;
    const auto stage = StartBelow(name, begin);
    SetAttributes(*stage, attributes);
    stage->End(EndAt(end));
    NoteChildEnd(end);
  }

 private:
  nostd::shared_ptr<trace_api::Span> StartBelow(std::string_view name, TraceTime begin) {
    trace_api::StartSpanOptions options = BeginAt(begin, clocks_);
    options.parent = span_->GetContext();
    return tracer_->StartSpan(ToView(CleanText(name)), options);
  }
  void NoteChildEnd(TraceTime end) {
    const std::lock_guard lock(mutex_);
    children_end_ = std::max(children_end_, end);
  }

  const nostd::shared_ptr<trace_api::Tracer> tracer_;
  const nostd::shared_ptr<trace_api::Span> span_;
  const ClockPair clocks_;
  const std::shared_ptr<OtlpSpan> parent_;
  const TraceHeaders headers_;

  std::mutex mutex_;
  std::optional<TraceTime> end_;
  TraceTime children_end_{};
};

std::unique_ptr<trace_sdk::Sampler> MakeSampler(const TraceSampling& sampling) {
  std::unique_ptr<trace_sdk::Sampler> by_ratio =
      trace_sdk::TraceIdRatioBasedSamplerFactory::Create(sampling.ratio);
  if (!sampling.is_parent_based) return by_ratio;
  return trace_sdk::ParentBasedSamplerFactory::Create(std::move(by_ratio));
}

std::unique_ptr<trace_sdk::SpanExporter> MakeExporter(const OtlpTracerConfig& config) {
  otlp::OtlpHttpExporterOptions options;  // reads the environment
  options.url = config.url;
  options.content_type = otlp::HttpRequestContentType::kBinary;
  options.timeout = config.export_timeout;
  return std::make_unique<otlp::OtlpHttpExporter>(options);
}

class OtlpTracer final : public Tracer {
 public:
  explicit OtlpTracer(const OtlpTracerConfig& config)
      : flush_timeout_(config.flush_timeout),
        ledger_(std::make_shared<Ledger>(config.max_queue_spans)) {
    LibraryErrors();  // before the library has any
    std::unique_ptr<trace_sdk::SpanExporter> exporter = MakeExporter(config);
    trace_sdk::BatchSpanProcessorOptions batches;
    batches.max_queue_size = config.max_queue_spans;
    batches.max_export_batch_size = std::min(batches.max_export_batch_size, batches.max_queue_size);
    batches.schedule_delay_millis = config.export_interval;
    auto processor = std::make_unique<trace_sdk::BatchSpanProcessor>(
        std::make_unique<CountingExporter>(std::move(exporter), ledger_), batches);
    const sdk::resource::ResourceAttributes resource = {
        {"service.name", config.service_name}, {"service.version", config.service_version}};
    provider_ = trace_sdk::TracerProviderFactory::Create(
        std::make_unique<BoundedProcessor>(std::move(processor), ledger_),
        sdk::resource::Resource::Create(resource), MakeSampler(config.sampling));
    tracer_ = provider_->GetTracer("maoocr", config.service_version);
  }

  // The library's own time limits do not hold: it sends all that is left, batch after batch.
  ~OtlpTracer() override {
    ledger_->give_up = Clock::now() + flush_timeout_;
    provider_->Shutdown();
  }
  OtlpTracer(const OtlpTracer&) = delete;
  OtlpTracer& operator=(const OtlpTracer&) = delete;

  std::shared_ptr<TraceSpan> Start(std::string_view name, Kind kind, const TraceHeaders& parent,
                                   TraceTime start) override {
    const ClockPair clocks;
    trace_api::StartSpanOptions options = BeginAt(start, clocks);
    options.kind =
        kind == Kind::kServer ? trace_api::SpanKind::kServer : trace_api::SpanKind::kConsumer;
    options.parent = RemoteParent(parent);
    return std::make_shared<OtlpSpan>(tracer_, tracer_->StartSpan(ToView(CleanText(name)), options),
                                      clocks, nullptr);
  }

  Stats stats() const override {
    return {ledger_->num_exported, ledger_->num_not_exported, ledger_->num_overflowed};
  }

 private:
  const std::chrono::milliseconds flush_timeout_;
  const std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<trace_sdk::TracerProvider> provider_;
  nostd::shared_ptr<trace_api::Tracer> tracer_;
};

}  // namespace

std::unique_ptr<Tracer> MakeOtlpTracer(const OtlpTracerConfig& config) {
  return std::make_unique<OtlpTracer>(config);
}

}  // namespace mao
