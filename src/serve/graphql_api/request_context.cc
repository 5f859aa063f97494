#include "serve/graphql_api/request_context.h"

#include <utility>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr size_t kMaxResultBytes = size_t{32} << 20;

}  // namespace

bool ServiceRequest::IsCancelled() const {
  const std::lock_guard lock(mutex_);
  return is_cancelled_;
}

void ServiceRequest::Cancel() {
  std::vector<std::function<void()>> cancels;
  {
    const std::lock_guard lock(mutex_);
    is_cancelled_ = true;
    cancels.swap(cancels_);
  }
  for (const std::function<void()>& cancel : cancels) cancel();
}

void ServiceRequest::OnCancel(const std::function<void()>& cancel) {
  bool is_cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    is_cancelled = is_cancelled_;
    if (!is_cancelled) cancels_.push_back(cancel);
  }
  if (is_cancelled) cancel();
}

CallContext ServiceRequest::NextCall(std::string operation) {
  CallContext context = context_;
  if (++num_calls_ > 1) context.request_id = fmt::format("{}-{}", context_.request_id, num_calls_);
  context.operation = std::move(operation);
  return context;
}

Status ServiceRequest::TakeResult(size_t num_bytes) {
  num_result_bytes_ += num_bytes;
  if (num_result_bytes_ <= kMaxResultBytes) return OkStatus();
  return OutOfRangeError(
      fmt::format("the results of one request may have {} MB together; ask for fewer jobs at once",
                  kMaxResultBytes >> 20));
}

}  // namespace mao
