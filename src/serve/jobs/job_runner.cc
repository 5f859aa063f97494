#include "serve/jobs/job_runner.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "serve/api/json.h"
#include "serve/http/local_client.h"
#include "serve/jobs/job_request.h"
#include "serve/middleware/request_trace.h"

namespace mao {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kClaimWaitMs = 1000;
constexpr milliseconds kBusyPause{500};
constexpr milliseconds kHousekeeping{1000};
constexpr int kSweepEvery = 60;  // rounds of housekeeping
constexpr size_t kAtOnce = 16;   // batches of one round
constexpr size_t kMaxBatchErrors = 100;

void LogIfWrong(std::string_view what, const Status& status) {
  if (!status.ok()) LogError(fmt::format("{}: {}", what, status.message()));
}

// The server is full or has not all its models yet: the job is not to blame.
bool IsTooBusy(int http_status) { return http_status == 429 || http_status == 503; }

std::string AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

JobRunner::JobRunner(PersistentStore& store, const Router& router, JobRunnerOptions options)
    : store_(store), router_(router), options_(std::move(options)) {}

JobRunner::~JobRunner() { Stop(); }

void JobRunner::Stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  callbacks_.reset();
  store_.jobs().StopWaiting();
  threads_.clear();
}

Status JobRunner::CheckCallback(const std::string& url) const {
  if (!options_.webhooks.has_value()) {
    return InvalidArgumentError("callback_url: callbacks are switched off on this server");
  }
  return options_.webhooks->CheckUrl(url).WithContext("callback_url");
}

void JobRunner::Start() {
  if (options_.webhooks.has_value()) callbacks_.emplace(store_.jobs(), *options_.webhooks);
  threads_.emplace_back([this](const std::stop_token& stop) { KeepHouse(stop); });
  for (size_t i = 0; i < options_.num_workers; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

void JobRunner::Interrupt(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  if (const auto it = running_.find(job_id); it != running_.end()) it->second.request_stop();
}

void JobRunner::WakeUp() {
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  wake_.notify_all();
}

void JobRunner::Work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Result<std::optional<ClaimedJob>> job = store_.jobs().ClaimNext(kClaimWaitMs);
    if (!job.ok()) {
      LogIfWrong("claiming a job", job.status());
      std::this_thread::sleep_for(kBusyPause);
    } else if (job->has_value()) {
      RunJob(**job, stop);
    }
  }
}

void JobRunner::RunJob(const ClaimedJob& job, const std::stop_token& stop) {
  const std::string& id = job.claim.id;
  Result<HttpRequest> request = MakeRequest(job);
  if (!request.ok()) {
    LogIfWrong(id, store_.jobs().Fail(job.claim, {"invalid_request", request.status().message()}));
    return;
  }
  request->context.request_id = id;
  request->context.key_id = job.job.owner;
  request->context.is_background = true;
  const std::shared_ptr<TraceSpan> span = BeginJobSpan(options_.tracer, *request);
  std::stop_token job_stop;
  {
    const std::lock_guard lock(mutex_);
    job_stop = running_[id].get_token();
  }
  // Asked to stop before Interrupt could find it?
  if (const auto asked = store_.jobs().Progress(job.claim, {}); asked.ok() && *asked) Interrupt(id);
  HttpResponse response;
  {
    const std::stop_callback on_shutdown(stop, [this, &id] { Interrupt(id); });
    response = PerformLocally(
        router_, *std::move(request), job_stop, {}, [&](int64_t num_done, int64_t num_total) {
          LogIfWrong(id, store_.jobs().Progress(job.claim, {num_done, num_total, ""}).status());
        });
    EndJobSpan(span.get(), response.status);
  }
  {
    const std::lock_guard lock(mutex_);
    running_.erase(id);
  }
  Status status;
  if (stop.stop_requested() && job_stop.stop_requested()) {
    status = store_.jobs().Release(job.claim);
  } else if (job_stop.stop_requested()) {
    status = store_.jobs().FinishCancelled(job.claim);
  } else if (IsTooBusy(response.status)) {
    status = store_.jobs().Release(job.claim);
    std::this_thread::sleep_for(kBusyPause);
  } else {
    status = Conclude(job, response);
  }
  LogIfWrong(id, status);
  if (!job.job.batch_id.empty()) WakeUp();
}

Result<HttpRequest> JobRunner::MakeRequest(const ClaimedJob& job) {
  MAO_ASSIGN_OR_RETURN(const std::string text, store_.jobs().RequestOf(job.claim));
  if (job.job.kind == kBatchLineJob) {
    MAO_ASSIGN_OR_RETURN(BatchLineRequest line, ParseBatchLine(text));
    return std::move(line.request);
  }
  std::string body;
  if (!job.inputs.empty()) {
    const JobInput& input = job.inputs.front();
    MAO_ASSIGN_OR_RETURN(const MappedFile file, store_.blobs().Map(input.sha256, input.size_bytes));
    body = AsText(file.bytes());
  }
  return DecodeJobRequest(text, std::move(body));
}

Status JobRunner::Conclude(const ClaimedJob& job, const HttpResponse& response) {
  constexpr int kFirstError = 400;
  if (response.status >= kFirstError) {
    return store_.jobs().Fail(job.claim,
                              {std::to_string(response.status), ErrorMessageOf(response)});
  }
  Status status = store_.jobs().Succeed(job.claim, response.body);
  if (status.code() != StatusCode::kOutOfRange && status.code() != StatusCode::kInvalidArgument) {
    return status;
  }
  return store_.jobs().Fail(job.claim, {"result_refused", status.message()});
}

void JobRunner::KeepHouse(const std::stop_token& stop) {
  for (int round = 0; !stop.stop_requested(); ++round) {
    LogIfWrong("usage statistics", store_.usage().Flush());
    ValidateBatches();
    FinalizeBatches();
    if (round % kSweepEvery == 0) LogIfWrong("housekeeping", store_.Sweep());
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kHousekeeping, [this] { return is_woken_; });
    is_woken_ = false;
  }
}

void JobRunner::ValidateBatches() {
  const auto batches = store_.batches().ListByStatus(BatchStatus::kValidating, kAtOnce);
  if (!batches.ok()) return LogIfWrong("batches", batches.status());
  for (const StoredBatch& batch : *batches) LogIfWrong(batch.id, ValidateBatch(batch));
}

// All errors are told together, as OpenAI does.
Status JobRunner::ValidateBatch(const StoredBatch& batch) {
  MAO_ASSIGN_OR_RETURN(const MappedFile file,
                       store_.files().Content(batch.owner, batch.input_file_id));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  std::vector<BatchLine> lines;
  nlohmann::ordered_json errors = nlohmann::ordered_json::array();
  const auto add_error = [&](size_t line, const std::string& message) {
    if (errors.size() < kMaxBatchErrors) {
      errors.push_back({{"code", "invalid_line"}, {"message", message}, {"line", line}});
    }
  };
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    ++number;
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      const Result<BatchLineRequest> parsed = ParseBatchLine(line);
      if (!parsed.ok()) {
        add_error(number, parsed.status().message());
      } else if (parsed->request.path != batch.endpoint) {
        add_error(number, fmt::format("url: expected {}, the batch's endpoint", batch.endpoint));
      } else {
        lines.push_back(
            {parsed->custom_id, static_cast<int64_t>(begin), static_cast<int64_t>(line.size())});
      }
    }
    begin = end + 1;
  }
  Status status;
  if (errors.empty()) {
    const auto started = store_.batches().Start(batch.id, kBatchLineJob, 0, lines);
    if (started.ok()) return OkStatus();
    // The queue may have room later.
    if (started.status().code() == StatusCode::kResourceExhausted) return started.status();
    add_error(0, started.status().message());
  }
  const nlohmann::ordered_json list = {{"object", "list"}, {"data", errors}};
  return store_.batches().FailValidation(batch.id, DumpJson(list)).status();
}

void JobRunner::FinalizeBatches() {
  const auto ids = store_.batches().ReadyToFinalize(kAtOnce);
  if (!ids.ok()) return LogIfWrong("batches", ids.status());
  for (const std::string& id : *ids) LogIfWrong(id, store_.batches().Finalize(id).status());
}

}  // namespace mao
