#include "serve/backend/server_pool.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/core.h>

namespace mao {

ServerPool::ServerPool(std::vector<std::string> names, size_t max_requests_per_server)
    : max_requests_per_server_(max_requests_per_server) {
  for (std::string& name : names) servers_.push_back({std::move(name), "", 0, 0});
}

Result<ServerPool::Lease> ServerPool::Acquire(const std::set<size_t>& tried,
                                              Clock::time_point deadline,
                                              const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::optional<size_t> chosen;
  Status health;
  const auto choose = [&] {
    health = HealthLocked();
    if (!health.ok()) return true;
    const bool has_other = HasOtherLocked(tried);
    for (size_t i = 0; i < servers_.size(); ++i) {
      const Server& server = servers_[i];
      if (!server.failure.empty() || (has_other && tried.contains(i))) continue;
      if (server.num_outstanding >= max_requests_per_server_) continue;
      const auto order = [this](size_t k) {
        return std::tuple(servers_[k].num_outstanding, servers_[k].last_chosen);
      };
      if (!chosen.has_value() || order(i) < order(*chosen)) chosen = i;
    }
    return chosen.has_value();
  };
  const bool is_chosen = changed_.wait_until(lock, stop, deadline, choose);
  MAO_RETURN_IF_ERROR(health);
  if (is_chosen && chosen.has_value()) {
    Server& server = servers_[*chosen];
    ++server.num_outstanding;
    server.last_chosen = ++num_chosen_;
    return Lease(*this, *chosen);
  }
  if (stop.stop_requested()) return CancelledError("the request was cancelled");
  return DeadlineExceededError(
      fmt::format("all servers had {} requests, which is the limit (max_connections), until the "
                  "request's deadline",
                  max_requests_per_server_));
}

bool ServerPool::HasOther(const std::set<size_t>& tried) const {
  const std::lock_guard lock(mutex_);
  return HasOtherLocked(tried);
}

bool ServerPool::HasOtherLocked(const std::set<size_t>& tried) const {
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (servers_[i].failure.empty() && !tried.contains(i)) return true;
  }
  return false;
}

void ServerPool::Release(size_t server) {
  {
    const std::lock_guard lock(mutex_);
    --servers_[server].num_outstanding;
  }
  changed_.notify_all();
}

void ServerPool::ReportHealthy(size_t server) {
  {
    const std::lock_guard lock(mutex_);
    servers_[server].failure.clear();
  }
  changed_.notify_all();
}

void ServerPool::ReportFailure(size_t server, std::string why) {
  {
    const std::lock_guard lock(mutex_);
    servers_[server].failure = std::move(why);
  }
  changed_.notify_all();
}

void ServerPool::WaitForFailure(size_t server, std::chrono::milliseconds time,
                                const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, time, [&] { return !servers_[server].failure.empty(); });
}

bool ServerPool::is_healthy(size_t server) const {
  const std::lock_guard lock(mutex_);
  return servers_[server].failure.empty();
}

size_t ServerPool::num_outstanding(size_t server) const {
  const std::lock_guard lock(mutex_);
  return servers_[server].num_outstanding;
}

Status ServerPool::health() const {
  const std::lock_guard lock(mutex_);
  return HealthLocked();
}

Status ServerPool::HealthLocked() const {
  std::string failures;
  for (const Server& server : servers_) {
    if (server.failure.empty()) return OkStatus();
    failures += fmt::format("{}{}: {}", failures.empty() ? "" : "; ", server.name, server.failure);
  }
  return UnavailableError("no server answers: " + failures);
}

}  // namespace mao
