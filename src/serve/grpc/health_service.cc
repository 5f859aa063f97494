#include "serve/grpc/health_service.h"

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <health.grpc.pb.h>

#include "serve/api/health.h"
#include "serve/grpc/rpc.h"

namespace mao {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ServingStatus = HealthCheckResponse::ServingStatus;

constexpr std::chrono::milliseconds kWatchInterval{100};

bool IsKnown(const std::string& service) {
  static const std::set<std::string> names = {
      "", "maoocr.v1.OcrService", "inference.GRPCInferenceService", "grpc.health.v1.Health"};
  return names.contains(service);
}

// One client that watches. Writes a state when it is another than the last; one write at a time.
class HealthWatch final : public grpc::ServerWriteReactor<HealthCheckResponse>,
                          public std::enable_shared_from_this<HealthWatch> {
 public:
  using OnEnd = std::function<void(const std::shared_ptr<HealthWatch>&)>;

  HealthWatch(std::string service, OnEnd on_end)
      : service_(std::move(service)), on_end_(std::move(on_end)) {}

  const std::string& service() const { return service_; }

  void Set(ServingStatus status) {
    {
      const std::lock_guard lock(mutex_);
      wanted_ = status;
    }
    Go();
  }
  // After what is still to be written.
  void End() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    Go();
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      is_writing_ = false;
      is_gone_ = is_gone_ || !ok;
    }
    Go();
  }
  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      is_gone_ = true;
    }
    Go();
  }
  void OnDone() override { on_end_(shared_from_this()); }

 private:
  void Go() {
    bool finishes = false;
    {
      const std::lock_guard lock(mutex_);
      if (is_writing_ || is_finished_) return;
      const bool has_news = wanted_ != message_.status() && !is_gone_;
      finishes = !has_news && (ends_ || is_gone_);
      if (!has_news && !finishes) return;
      if (has_news) message_.set_status(wanted_);
      is_writing_ = has_news;
      is_finished_ = finishes;
    }
    if (finishes) {
      Finish({grpc::StatusCode::UNAVAILABLE, "the server is shutting down"});
    } else {
      StartWrite(&message_);
    }
  }

  const std::string service_;
  const OnEnd on_end_;
  std::mutex mutex_;
  HealthCheckResponse message_;  // the last one written; UNKNOWN is never wanted
  ServingStatus wanted_ = HealthCheckResponse::UNKNOWN;
  bool is_writing_ = false;
  bool is_gone_ = false;
  bool ends_ = false;
  bool is_finished_ = false;
};

class Checker final : public HealthChecker, public grpc::health::v1::Health::CallbackService {
 public:
  explicit Checker(RpcEnvironment& environment)
      : environment_(environment), thread_([this] { Run(); }) {}
  ~Checker() override { Stop(); }

  grpc::Service& service() override { return *this; }

  void Stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    Tell();
    for (const std::shared_ptr<HealthWatch>& watch : watches()) watch->End();
  }

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const HealthCheckRequest* request,
                                  HealthCheckResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (IsKnown(request->service())) {
      response->set_status(Now(request->service()));
      reactor->Finish(grpc::Status::OK);
    } else {
      reactor->Finish({grpc::StatusCode::NOT_FOUND, "no service '" + request->service() + "'"});
    }
    return reactor;
  }

  grpc::ServerWriteReactor<HealthCheckResponse>* Watch(grpc::CallbackServerContext*,
                                                       const HealthCheckRequest* request) override {
    auto watch = std::make_shared<HealthWatch>(request->service(),
                                               [this](const std::shared_ptr<HealthWatch>& done) {
                                                 const std::lock_guard lock(mutex_);
                                                 watches_.erase(done);
                                               });
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      watches_.insert(watch);
      stopping = stopping_;
    }
    changed_.notify_all();
    watch->Set(Now(watch->service()));
    if (stopping) watch->End();
    return watch.get();
  }

 private:
  ServingStatus Now(const std::string& service) const {
    if (!IsKnown(service)) return HealthCheckResponse::SERVICE_UNKNOWN;
    return NotReadyReason(environment_.service, environment_.config.stall_limit).empty()
               ? HealthCheckResponse::SERVING
               : HealthCheckResponse::NOT_SERVING;
  }

  std::vector<std::shared_ptr<HealthWatch>> watches() const {
    const std::lock_guard lock(mutex_);
    return {watches_.begin(), watches_.end()};
  }

  void Tell() {
    for (const std::shared_ptr<HealthWatch>& watch : watches()) watch->Set(Now(watch->service()));
  }

  // Looks now and then while somebody watches: the service tells nobody when its state changes.
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      changed_.wait(lock, [this] { return stopping_ || !watches_.empty(); });
      changed_.wait_for(lock, kWatchInterval, [this] { return stopping_; });
      lock.unlock();
      Tell();
      lock.lock();
    }
  }

  RpcEnvironment& environment_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::shared_ptr<HealthWatch>> watches_;  // keeps them until gRPC is through with them
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<HealthChecker> MakeHealthChecker(RpcEnvironment& environment) {
  return std::make_unique<Checker>(environment);
}

}  // namespace mao
