// What belongs to one GraphQL request: who asks, and what ends with it.
#ifndef MAOOCR_SERVE_GRAPHQL_API_REQUEST_CONTEXT_H_
#define MAOOCR_SERVE_GRAPHQL_API_REQUEST_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/api/generation.h"
#include "serve/graphql/executor.h"

namespace mao {

// Thread-safe, but for what resolvers ask, one at a time.
class ServiceRequest final : public graphql::RequestContext {
 public:
  ServiceRequest(CallContext context, bool use_result_cache)
      : context_(std::move(context)), use_result_cache_(use_result_cache) {}

  bool IsCancelled() const override;
  // The client has gone, or wants no more.
  void Cancel();
  // Ends what the request waits for, and may come after that has ended and something else has begun.
  // Called at once if the request was cancelled already.
  void OnCancel(const std::function<void()>& cancel);

  // For resolvers.
  const std::string& key_id() const { return context_.key_id; }
  bool use_result_cache() const { return use_result_cache_; }
  // Each call of a request has an id of its own, the first one that of the request.
  CallContext NextCall(std::string operation);
  // Counts stored results, which one request could ask for by the hundred. OutOfRange above a limit.
  Status TakeResult(size_t num_bytes);

  static ServiceRequest& Of(const graphql::FieldCall& call) {
    return static_cast<ServiceRequest&>(call.context);
  }

 private:
  const CallContext context_;
  const bool use_result_cache_;
  uint64_t num_calls_ = 0;
  size_t num_result_bytes_ = 0;

  mutable std::mutex mutex_;
  bool is_cancelled_ = false;
  std::vector<std::function<void()>> cancels_;  // of all calls
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_REQUEST_CONTEXT_H_
