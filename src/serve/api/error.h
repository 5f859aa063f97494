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

// What is not found is a model: the only thing that interfaces look up by name, but for those with
// codes of their own.
inline constexpr std::string_view kModelNotFound = "model_not_found";

ApiError ToApiError(const Status& status, std::string_view not_found_code = kModelNotFound);

// Seconds that a refused client should wait.
inline constexpr int kRetryAfterSeconds = 2;

// {"error":{"message":...,"type":...,"param":null,"code":...}}
std::string OpenAiErrorBody(const Status& status, std::string_view not_found_code = kModelNotFound);

}  // namespace mao

#endif  // MAOOCR_SERVE_API_ERROR_H_
