#include "serve/backend/openai_backend.h"

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"
#include "serve/backend/chat_answer.h"
#include "serve/backend/chat_request.h"
#include "serve/fetch/checked_url.h"
#include "serve/fetch/curl_transfer.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;
using End = CurlTransfer::End;
using std::chrono::milliseconds;

constexpr size_t kMaxErrorBody = 16 << 10;
// A server that failed is asked again this soon, then at growing intervals.
constexpr milliseconds kFirstProbe{250};

bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

bool SleepUntil(Clock::time_point time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_until(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

// The connection failed before the server can have answered anything.
bool IsConnectionFailure(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:  // of connecting: no other limit is libcurl's
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return true;
    default:
      return false;
  }
}

bool IsOverload(long status) { return status == 502 || status == 503 || status == 504; }

Status ToStatus(long http_status, std::string message) {
  switch (http_status) {
    case 400:
    case 422:
      return InvalidArgumentError(std::move(message));
    case 404:
      return NotFoundError(std::move(message));
    case 413:
      return OutOfRangeError(std::move(message));
    case 429:
      return ResourceExhaustedError(std::move(message));
    default:
      return UnavailableError(std::move(message));
  }
}

}  // namespace

Result<std::unique_ptr<OpenAiBackend>> OpenAiBackend::Create(const OpenAiBackendConfig& config) {
  if (config.base_urls.empty()) {
    return InvalidArgumentError("vllm_openai: base_urls: at least one is needed");
  }
  if (HasControlCharacters(config.api_key)) {
    return InvalidArgumentError("vllm_openai: api_key: it has control characters");
  }
  if (config.max_connections < 1 || config.max_retries < 0 || config.health_interval.count() < 1 ||
      config.backoff.first.count() < 1 || config.connect_timeout.count() < 1 ||
      config.first_token_timeout.count() < 1 || config.stall_timeout.count() < 1) {
    return InvalidArgumentError(
        "vllm_openai: max_connections, health_interval, the first retry delay and all timeouts "
        "must "
        "be above 0, max_retries not below");
  }
  std::vector<Server> servers;
  for (const std::string& base_url : config.base_urls) {
    MAO_ASSIGN_OR_RETURN(Server server, ReadBaseUrl(base_url));
    servers.push_back(std::move(server));
  }
  std::unique_ptr<OpenAiBackend> backend(new OpenAiBackend(config, std::move(servers)));
  for (size_t i = 0; i < backend->servers_.size(); ++i) {
    backend->watchers_.emplace_back(
        [self = backend.get(), i](const std::stop_token& stop) { self->Watch(i, stop); });
  }
  return backend;
}

OpenAiBackend::OpenAiBackend(const OpenAiBackendConfig& config, std::vector<Server> servers)
    : config_(config),
      servers_(std::move(servers)),
      pool_(
          [this] {
            std::vector<std::string> names;
            for (const Server& server : servers_) names.push_back(server.name);
            return names;
          }(),
          config.max_connections),
      idle_transfers_(servers_.size()) {}

OpenAiBackend::~OpenAiBackend() {
  for (std::jthread& watcher : watchers_) watcher.request_stop();
}

Result<OpenAiBackend::Server> OpenAiBackend::ReadBaseUrl(const std::string& base_url) {
  const std::string name = fmt::format("vllm_openai: base URL '{}'", base_url);
  UrlRules rules;
  rules.allowed_ports.clear();
  Result<CheckedUrl> checked = CheckUrl(base_url, rules);
  if (!checked.ok()) return checked.status().WithContext(name);
  if (base_url.find_first_of("?#") != std::string::npos) {
    return InvalidArgumentError(name + ": it must end with its path");
  }
  Server server;
  std::string url = checked->url;
  while (url.ends_with('/')) url.pop_back();
  const size_t host_at = url.find("://") + 3;
  const bool has_path = url.find('/', host_at) != std::string::npos;
  server.base_url = has_path ? url : url + "/v1";
  std::string root = server.base_url;
  if (root.ends_with("/v1")) root.resize(root.size() - 3);
  server.health_url = root + "/health";
  server.name = url.substr(host_at, url.find('/', host_at) - host_at);
  return server;
}

Result<Generation> OpenAiBackend::Generate(const GenerationRequest& request,
                                           std::shared_ptr<const Image> /*image*/,
                                           Clock::time_point deadline,
                                           const OnGenerationOutput& on_output,
                                           const std::stop_token& stop) {
  const Outgoing outgoing = {request,
                             MakeChatBody(request, config_.model, config_.send_vllm_fields),
                             deadline, on_output, stop};
  std::set<size_t> tried;  // since the last wait
  int num_retries = 0;
  while (true) {
    Attempt attempt = TryNext(tried, outgoing);
    if (attempt.result.ok() || !attempt.can_retry) return std::move(attempt.result);
    if (tried.size() < servers_.size() && pool_.HasOther(tried)) continue;
    if (attempt.only_elsewhere || num_retries == config_.max_retries)
      return std::move(attempt.result);
    const auto delay = std::max(BackoffDelay(config_.backoff, num_retries++), attempt.retry_after);
    if (delay >= deadline - Clock::now()) return std::move(attempt.result);
    if (!SleepUntil(Clock::now() + delay, stop)) return CancelledError("the request was cancelled");
    tried.clear();
  }
}

OpenAiBackend::Attempt OpenAiBackend::TryNext(std::set<size_t>& tried, const Outgoing& outgoing) {
  const Result<ServerPool::Lease> lease = pool_.Acquire(tried, outgoing.deadline, outgoing.stop);
  if (!lease.ok()) {
    return {lease.status(), lease.status().code() == StatusCode::kUnavailable, {}};
  }
  if (!tried.insert(lease->server()).second) {  // the others have failed in the meantime
    return {pool_.health().ok() ? UnavailableError("no other server is left") : pool_.health(),
            true,
            {}};
  }
  return Try(lease->server(), outgoing);
}

OpenAiBackend::Attempt OpenAiBackend::Try(size_t server, const Outgoing& outgoing) {
  std::unique_ptr<CurlTransfer> transfer = TakeTransfer(server);
  SetOptions(servers_[server], outgoing, *transfer);
  ChatAnswer answer(outgoing.request, outgoing.on_output);
  std::string error_body;
  transfer->OnBody([&, raw = transfer.get()](std::string_view bytes) {
    if (raw->status() == 200) return answer.Feed(bytes);
    error_body += bytes.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, error_body.size()));
    return error_body.size() < kMaxErrorBody;
  });
  const auto give_up_at = [&] {
    return answer.last_output() +
           (answer.has_begun() ? config_.stall_timeout : config_.first_token_timeout);
  };
  const CurlTransfer::Outcome outcome = transfer->Run(outgoing.deadline, give_up_at, outgoing.stop);
  Attempt attempt = Conclude(server, *transfer, outcome, error_body, answer);
  GiveBack(server, std::move(transfer));
  return attempt;
}

OpenAiBackend::Attempt OpenAiBackend::Conclude(size_t server, const CurlTransfer& transfer,
                                               const CurlTransfer::Outcome& outcome,
                                               const std::string& body, ChatAnswer& answer) {
  const std::string& name = servers_[server].name;
  const auto fail = [&](StatusCode code, std::string_view what) {
    return Attempt{Status(code, fmt::format("{}: {}", name, what))};
  };
  if (outcome.end == End::kStopped) return {CancelledError("the request was cancelled")};
  const long http_status = transfer.status();
  if (http_status == 200) {
    if (answer.is_complete() && answer.status().ok()) return {answer.Take()};
    if (!answer.status().ok()) return fail(answer.status().code(), answer.status().message());
  }
  if (outcome.end == End::kDeadline) {
    return fail(StatusCode::kDeadlineExceeded, "the request's deadline passed during its answer");
  }
  if (outcome.end == End::kGivenUp) {
    pool_.ReportFailure(server, "it went silent");
    if (answer.has_begun()) {
      return fail(StatusCode::kUnavailable,
                  fmt::format("no token came for {} ms, which is the limit, and the answer is cut "
                              "off",
                              config_.stall_timeout.count()));
    }
    Attempt attempt =
        fail(StatusCode::kUnavailable, fmt::format("no token came within {} ms, which is the limit",
                                                   config_.first_token_timeout.count()));
    attempt.can_retry = attempt.only_elsewhere = true;
    return attempt;
  }
  if (http_status == 0 || (outcome.end == End::kDone && outcome.code != CURLE_OK)) {
    const std::string_view what = CurlErrorText(outcome.code);
    pool_.ReportFailure(server, std::string(what));
    Attempt attempt = fail(StatusCode::kUnavailable, what);
    attempt.can_retry = !answer.has_begun() && IsConnectionFailure(outcome.code);
    return attempt;
  }
  if (http_status == 200) {
    return fail(StatusCode::kUnavailable,
                transfer.Header("Content-Type").starts_with("text/event-stream")
                    ? "the answer is cut off"
                    : "it does not stream its answers");
  }
  const std::string message = RemoteErrorMessage(body);
  Attempt attempt = {ToStatus(http_status, fmt::format("{}: status {}{}{}", name, http_status,
                                                       message.empty() ? "" : ": ", message))};
  attempt.can_retry = IsOverload(http_status) || http_status == 429;
  attempt.retry_after =
      ParseRetryAfter(transfer.Header("Retry-After"), std::chrono::system_clock::now());
  if (IsOverload(http_status)) pool_.ReportFailure(server, fmt::format("status {}", http_status));
  return attempt;
}

void OpenAiBackend::SetCommonOptions(CurlTransfer& transfer) const {
  transfer.Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(config_.connect_timeout.count()));
  if (config_.use_environment_proxy) {
    transfer.Set(CURLOPT_PROXY, static_cast<const char*>(nullptr));
  }
  if (!config_.api_key.empty()) transfer.AddHeader("Authorization: Bearer " + config_.api_key);
}

void OpenAiBackend::SetOptions(const Server& server, const Outgoing& outgoing,
                               CurlTransfer& transfer) const {
  SetCommonOptions(transfer);
  const std::string url = server.base_url + "/chat/completions";
  transfer.Set(CURLOPT_URL, url.c_str());
  transfer.Set(CURLOPT_POSTFIELDS, outgoing.body.c_str());
  transfer.Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(outgoing.body.size()));
  transfer.AddHeader("Content-Type: application/json");
  transfer.AddHeader("Accept: text/event-stream");
  transfer.AddHeader("Expect:");  // it would cost servers that do not know it a second
  if (!outgoing.request.use_result_cache) transfer.AddHeader("Cache-Control: no-cache");
  const CallContext& context = outgoing.request.context;
  for (const auto& [header, value] : {std::pair("X-Request-Id", &context.request_id),
                                      std::pair("traceparent", &context.traceparent),
                                      std::pair("tracestate", &context.tracestate)}) {
    if (value->empty() || HasControlCharacters(*value)) continue;
    transfer.AddHeader(fmt::format("{}: {}", header, *value));
  }
}

std::unique_ptr<CurlTransfer> OpenAiBackend::TakeTransfer(size_t server) {
  {
    const std::lock_guard lock(mutex_);
    auto& idle = idle_transfers_[server];
    if (!idle.empty()) {
      std::unique_ptr<CurlTransfer> transfer = std::move(idle.back());
      idle.pop_back();
      return transfer;
    }
  }
  return std::make_unique<CurlTransfer>();
}

// The last one first, so that connections which are not needed get old and are closed.
void OpenAiBackend::GiveBack(size_t server, std::unique_ptr<CurlTransfer> transfer) {
  transfer->Reset();
  const std::lock_guard lock(mutex_);
  idle_transfers_[server].push_back(std::move(transfer));
}

void OpenAiBackend::Watch(size_t server, const std::stop_token& stop) {
  CurlTransfer transfer;
  milliseconds next_if_failed = kFirstProbe;
  bool was_healthy = true;
  while (!stop.stop_requested()) {
    const Status status = Probe(server, transfer, stop);
    if (stop.stop_requested()) return;
    if (status.ok()) {
      pool_.ReportHealthy(server);
      next_if_failed = kFirstProbe;
    } else {
      pool_.ReportFailure(server, status.message());
    }
    if (status.ok() != was_healthy) {
      was_healthy = status.ok();
      const std::string& name = servers_[server].name;
      if (was_healthy) {
        LogInfo(fmt::format("vllm_openai: {} answers again", name));
      } else {
        LogWarning(fmt::format("vllm_openai: {}: {}", name, status.message()));
      }
    }
    if (status.ok()) {
      pool_.WaitForFailure(server, config_.health_interval, stop);
      if (pool_.is_healthy(server)) continue;
    }
    next_if_failed = std::min(next_if_failed, config_.health_interval);
    SleepUntil(Clock::now() + next_if_failed, stop);
    next_if_failed *= 2;
  }
}

Status OpenAiBackend::Probe(size_t server, CurlTransfer& transfer,
                            const std::stop_token& stop) const {
  for (const std::string& url :
       {servers_[server].health_url, servers_[server].base_url + "/models"}) {
    transfer.Reset();
    SetCommonOptions(transfer);
    transfer.Set(CURLOPT_URL, url.c_str());
    const CurlTransfer::Outcome outcome =
        transfer.Run(Clock::now() + config_.health_timeout, {}, stop);
    if (outcome.end != End::kDone) return UnavailableError("its health check takes too long");
    if (outcome.code != CURLE_OK) return UnavailableError(std::string(CurlErrorText(outcome.code)));
    const long http_status = transfer.status();
    if (http_status < 300) return OkStatus();
    if (http_status != 404 && http_status != 405) {
      return UnavailableError(fmt::format("its health check answers with status {}", http_status));
    }
  }
  return OkStatus();  // it has neither path, but it answers
}

}  // namespace mao
