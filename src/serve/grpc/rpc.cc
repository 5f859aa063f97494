#include "serve/grpc/rpc.h"

#include <algorithm>
#include <array>
#include <utility>

#include "serve/api/error.h"
#include "serve/api/json.h"

namespace mao {
namespace {

constexpr std::array<const char*, 5> kAdmissionHeaders = {
    "authorization", "x-api-key", "x-request-id", "traceparent", "tracestate"};

grpc::StatusCode ToGrpcCode(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return grpc::StatusCode::OK;
    case StatusCode::kInvalidArgument:
    case StatusCode::kDataLoss:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case StatusCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case StatusCode::kOutOfRange:
      return grpc::StatusCode::OUT_OF_RANGE;
    case StatusCode::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case StatusCode::kUnimplemented:
      return grpc::StatusCode::UNIMPLEMENTED;
    case StatusCode::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case StatusCode::kDeadlineExceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case StatusCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case StatusCode::kInternal:
      break;
  }
  return grpc::StatusCode::INTERNAL;
}

// The refusal of an HTTP request, as admission words it.
grpc::Status ToGrpcStatus(const HttpResponse& refusal) {
  std::string message = refusal.body;
  if (const Result<nlohmann::json> body = ParseJson(refusal.body); body.ok()) {
    const JsonFields fields(*body);
    if (const nlohmann::json* error = fields.Find("error"); error != nullptr) {
      JsonFields(*error).Read("message", message);
    }
  }
  switch (refusal.status) {
    case 401:
      return {grpc::StatusCode::UNAUTHENTICATED, message};
    case 403:
      return {grpc::StatusCode::PERMISSION_DENIED, message};
    case 429:
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, message};
    case 503:
      return {grpc::StatusCode::UNAVAILABLE, message};
    default:
      return {grpc::StatusCode::FAILED_PRECONDITION, message};
  }
}

// "127.0.0.1" of "ipv4:127.0.0.1:50314", "::1" of "ipv6:%5B::1%5D:50314".
std::string AddressOf(std::string_view peer) {
  peer.remove_prefix(std::min(peer.size(), peer.find(':') + 1));
  peer = peer.substr(0, peer.rfind(':'));
  for (const std::string_view open : {"%5B", "["}) {
    if (peer.starts_with(open)) peer.remove_prefix(open.size());
  }
  for (const std::string_view close : {"%5D", "]"}) {
    if (peer.ends_with(close)) peer.remove_suffix(close.size());
  }
  return std::string(peer);
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

// Until the client's deadline; 0 if it has none that matters.
std::chrono::milliseconds TimeLeft(const grpc::CallbackServerContext& context) {
  constexpr std::chrono::hours kLong{24};
  const auto left = context.deadline() - std::chrono::system_clock::now();
  if (left > kLong) return std::chrono::milliseconds(0);
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                  std::chrono::milliseconds(1));
}

}  // namespace

grpc::Status ToGrpcStatus(const Status& status) {
  return {ToGrpcCode(status.code()), status.message()};
}

Rpc::Rpc(RpcEnvironment& environment, grpc::CallbackServerContext& context, std::string_view method)
    : environment_(environment), context_(context), method_(method) {
  ++environment_.num_active;
}

grpc::Status Rpc::Admit(bool needs_key) {
  Route route;
  route.needs_key = needs_key;
  Router::Match match;
  match.route = &route;
  HttpRequest request;
  request.path = method_;
  request.remote_address = AddressOf(context_.peer());
  for (const char* name : kAdmissionHeaders) {
    const auto found = context_.client_metadata().find(name);
    if (found == context_.client_metadata().end()) continue;
    request.headers.emplace_back(name, std::string(found->second.data(), found->second.size()));
  }
  const Admission admission = environment_.admit(request, match);
  call_context_ = std::move(request.context);
  for (const auto& [name, value] : admission.response_headers) {
    context_.AddInitialMetadata(LowerCase(name), value);
  }
  if (!admission.refusal.has_value()) return grpc::Status::OK;
  was_refused_ = true;
  const std::string_view retry_after = FindHeader(admission.refusal->headers, "Retry-After");
  if (!retry_after.empty()) context_.AddTrailingMetadata("retry-after", std::string(retry_after));
  return ToGrpcStatus(*admission.refusal);
}

Status Rpc::Hold(size_t message_bytes) {
  held_bytes_ += message_bytes;
  const size_t all = environment_.held_bytes += message_bytes;
  if (all <= environment_.config.max_messages_bytes) return OkStatus();
  return UnavailableError("the server is reading too many large requests; try again later");
}

void Rpc::Release() { environment_.held_bytes -= std::exchange(held_bytes_, 0); }

Status Rpc::Submit(GenerationRequest request, std::shared_ptr<CallObserver> observer) {
  SetContext(request);
  return Keep(environment_.service.Submit(std::move(request), std::move(observer)));
}

Status Rpc::Submit(OcrRequest request, std::shared_ptr<OcrObserver> observer) {
  SetContext(request);
  return Keep(OcrCall::Start(environment_.service, std::move(request), std::move(observer)));
}

Status Rpc::Submit(OcrRequest request, std::shared_ptr<OcrDocumentObserver> observer) {
  SetContext(request);
  return Keep(
      OcrDocumentCall::Start(environment_.service, std::move(request), std::move(observer)));
}

template <typename StartedCall>
Status Rpc::Keep(Result<std::shared_ptr<StartedCall>> call) {
  if (!call.ok()) return call.status();
  SetCancel([call = *std::move(call)] { call->Cancel(); });
  return OkStatus();
}

template <typename Request>
void Rpc::SetContext(Request& request) const {
  std::string operation = std::move(request.context.operation);
  request.context = call_context_;
  request.context.operation = std::move(operation);
  request.timeout = TimeLeft(context_);
}

void Rpc::SetCancel(std::function<void()> cancel) {
  bool is_cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    cancel_ = cancel;
    is_cancelled = cancelled_;
  }
  if (is_cancelled) cancel();
}

// Not under the lock: calls have locks of their own, which they hold when they write.
void Rpc::Cancel() {
  std::function<void()> cancel;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    cancel = cancel_;
  }
  if (cancel) cancel();
}

grpc::Status Rpc::End(const Status& status) {
  Release();
  end_ = status.code();
  if (ToApiError(status).is_retryable) {
    context_.AddTrailingMetadata("retry-after", std::to_string(kRetryAfterSeconds));
  }
  return ToGrpcStatus(status);
}

void Rpc::Close() {
  if (environment_.on_rpc) {
    environment_.on_rpc({method_, was_refused_ ? "REFUSED" : StatusCodeName(end_), call_context_,
                         std::chrono::duration<double, std::milli>(Clock::now() - start_).count()});
  }
  --environment_.num_active;
}

grpc::ServerUnaryReactor* AnswerNow(RpcEnvironment& environment,
                                    grpc::CallbackServerContext& context, std::string_view method,
                                    bool needs_key, const std::function<Status()>& fill) {
  Rpc rpc(environment, context, method);
  grpc::Status status = rpc.Admit(needs_key);
  if (status.ok()) status = rpc.End(fill());
  rpc.Close();
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

}  // namespace mao
