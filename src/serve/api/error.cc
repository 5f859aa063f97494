#include "serve/api/error.h"

#include "serve/api/json.h"

namespace mao {

ApiError ToApiError(const Status& status, std::string_view not_found_code) {
  switch (status.code()) {
    case StatusCode::kOk:
      return {200, "", "", false};
    case StatusCode::kInvalidArgument:
      return {400, "invalid_request_error", "invalid_value", false};
    case StatusCode::kNotFound:
      return {404, "invalid_request_error", not_found_code, false};
    case StatusCode::kDataLoss:
      return {422, "invalid_request_error", "image_decode_failed", false};
    case StatusCode::kOutOfRange:
      return {400, "invalid_request_error", "limit_exceeded", false};
    case StatusCode::kResourceExhausted:
      return {429, "rate_limit_error", "rate_limit_exceeded", true};
    case StatusCode::kUnimplemented:
      return {400, "invalid_request_error", "unsupported", false};
    case StatusCode::kCancelled:
      return {499, "cancelled", "cancelled", false};
    case StatusCode::kDeadlineExceeded:
      return {504, "timeout_error", "deadline_exceeded", false};
    case StatusCode::kUnavailable:
      return {503, "service_unavailable", "overloaded", true};
    case StatusCode::kInternal:
      break;
  }
  return {500, "server_error", "internal_error", false};
}

std::string OpenAiErrorBody(const Status& status, std::string_view not_found_code) {
  const ApiError error = ToApiError(status, not_found_code);
  const nlohmann::ordered_json body = {{"error",
                                        {{"message", status.message()},
                                         {"type", error.type},
                                         {"param", nullptr},
                                         {"code", error.code}}}};
  return DumpJson(body);
}

}  // namespace mao
