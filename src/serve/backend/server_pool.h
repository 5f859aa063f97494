// The servers that compute the same model: which of them answer, and which gets the next request.
#ifndef MAOOCR_SERVE_BACKEND_SERVER_POOL_H_
#define MAOOCR_SERVE_BACKEND_SERVER_POOL_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"

namespace mao {

// Thread-safe. Servers are numbered from 0; all count as healthy until one fails.
class ServerPool {
 public:
  using Clock = std::chrono::steady_clock;

  // A request's place at a server. Must not outlive the pool.
  class Lease {
   public:
    Lease(ServerPool& pool, size_t server) : pool_(&pool), server_(server) {}
    Lease(Lease&& other) noexcept : pool_(other.pool_), server_(other.server_) {
      other.pool_ = nullptr;
    }
    ~Lease() {
      if (pool_ != nullptr) pool_->Release(server_);
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    size_t server() const { return server_; }

   private:
    ServerPool* pool_;
    size_t server_;
  };

  // `names` are for messages.
  ServerPool(std::vector<std::string> names, size_t max_requests_per_server);

  // Of the healthy servers one that is not in `tried`, if there is one; of these the one with the
  // least outstanding requests, of equal ones the one that was not chosen for the longest time.
  // Waits while all of them have max_requests_per_server. Unavailable, at once: none is healthy;
  // DeadlineExceeded, Cancelled.
  Result<Lease> Acquire(const std::set<size_t>& tried, Clock::time_point deadline,
                        const std::stop_token& stop);
  // Whether a healthy server is not in `tried`.
  bool HasOther(const std::set<size_t>& tried) const;

  void ReportHealthy(size_t server);
  // `why` says what is wrong, for messages.
  void ReportFailure(size_t server, std::string why);
  // Returns when the server is not healthy, after `time`, or with a stop request.
  void WaitForFailure(size_t server, std::chrono::milliseconds time, const std::stop_token& stop);

  bool is_healthy(size_t server) const;
  size_t num_outstanding(size_t server) const;
  size_t size() const { return servers_.size(); }
  const std::string& name(size_t server) const { return servers_[server].name; }
  // Ok if at least one server is healthy; else Unavailable with what is wrong with each.
  Status health() const;

 private:
  struct Server {
    std::string name;
    std::string failure;  // empty: healthy
    size_t num_outstanding = 0;
    uint64_t last_chosen = 0;
  };

  void Release(size_t server);
  // Under the lock.
  Status HealthLocked() const;
  bool HasOtherLocked(const std::set<size_t>& tried) const;

  const size_t max_requests_per_server_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Server> servers_;
  uint64_t num_chosen_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_SERVER_POOL_H_
