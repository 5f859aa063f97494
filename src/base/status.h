// Errors as values. Whatever may fail returns Status or Result<T>; nothing in MaoOCR throws across
// a function boundary, and user input never reaches a CHECK.
#ifndef MAOOCR_BASE_STATUS_H_
#define MAOOCR_BASE_STATUS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mao {

enum class StatusCode {
  kOk = 0,
  kInvalidArgument,    // the caller's input is wrong
  kNotFound,           // a file, model or tensor that is not there
  kDataLoss,           // bytes that are corrupt or truncated
  kOutOfRange,         // input above a limit; the message names the limit
  kResourceExhausted,  // no memory, no block, queue full
  kUnimplemented,      // a valid input of a kind that is not supported
  kCancelled,
  kDeadlineExceeded,
  kUnavailable,
  kInternal,  // a bug of ours
};

// "INVALID_ARGUMENT" and so on.
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with "context: " in front; ok stays ok.
  Status WithContext(std::string_view context) const;

  // "NOT_FOUND: message", or "OK".
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status OkStatus() { return {}; }
Status InvalidArgumentError(std::string message);
Status NotFoundError(std::string message);
Status DataLossError(std::string message);
Status OutOfRangeError(std::string message);
Status ResourceExhaustedError(std::string message);
Status UnimplementedError(std::string message);
Status CancelledError(std::string message);
Status DeadlineExceededError(std::string message);
Status UnavailableError(std::string message);
Status InternalError(std::string message);

// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  using ValueType = T;
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    if (status_.ok()) status_ = InternalError("Result built from an ok Status");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  // Only when ok().
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return *std::move(value_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace mao

#define MAO_STATUS_CONCAT_INNER_(a, b) a##b
#define MAO_STATUS_CONCAT_(a, b) MAO_STATUS_CONCAT_INNER_(a, b)

// Returns the error of `expr` (a Status) from the enclosing function.
#define MAO_RETURN_IF_ERROR(expr)                                                  \
  do {                                                                             \
    if (::mao::Status mao_status_ = (expr); !mao_status_.ok()) return mao_status_; \
  } while (false)

// MAO_ASSIGN_OR_RETURN(auto x, F()): x = value of F(), or returns its error. Its first argument is a
// declaration, which cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define MAO_ASSIGN_OR_RETURN(decl, expr) \
  MAO_ASSIGN_OR_RETURN_IMPL_(MAO_STATUS_CONCAT_(mao_result_, __LINE__), decl, expr)
#define MAO_ASSIGN_OR_RETURN_IMPL_(tmp, decl, expr) \
  auto tmp = (expr);                                \
  if (!tmp.ok()) return tmp.status();               \
  decl = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses)

#endif  // MAOOCR_BASE_STATUS_H_
