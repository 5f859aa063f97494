// Errors as clients see them.
#ifndef MAOOCR_SERVE_API_ERROR_H_
#define MAOOCR_SERVE_API_ERROR_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

struct ApiError {
  int http_status;
  std::string_view type;  // as in OpenAI's error objects
  std::string_view code;
  bool is_retryable;  // goes with a Retry-After header
};

ApiError ToApiError(const Status& status);

// Seconds that a refused client should wait.
inline constexpr int kRetryAfterSeconds = 2;

// {"error":{"message":...,"type":...,"param":null,"code":...}}
std::string OpenAiErrorBody(const Status& status);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_ERROR_H_
