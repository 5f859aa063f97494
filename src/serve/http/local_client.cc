#include "serve/http/local_client.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "serve/http/exchange.h"
#include "serve/http/respond.h"

namespace mao {
namespace {

// Outlives the wait: a handler may write to a forgotten exchange later.
struct Bell {
  std::mutex mutex;
  std::condition_variable rung;
  bool is_rung = false;

  void Ring() {
    {
      const std::lock_guard lock(mutex);
      is_rung = true;
    }
    rung.notify_one();
  }
  void Wait() {
    std::unique_lock lock(mutex);
    rung.wait(lock, [this] { return is_rung; });
    is_rung = false;
  }
};

}  // namespace

HttpResponse PerformLocally(const Router& router, HttpRequest request, const std::stop_token& stop,
                            const OnResponseBytes& on_bytes, const OnWorkProgress& on_progress) {
  static const std::vector<Interface> kAll = {Interface::kOpenAi, Interface::kRest};
  Router::Match match = router.Find(request.method, request.path, kAll);
  if (match.route == nullptr) return NoRoute(request, match);
  request.path_parameters = std::move(match.parameters);
  const auto bell = std::make_shared<Bell>();
  const auto exchange = std::make_shared<Exchange>(std::move(request), [bell] { bell->Ring(); });
  const std::stop_callback wake(stop, [bell] { bell->Ring(); });
  match.route->handler(exchange);
  HttpResponse response;
  while (true) {
    Exchange::Pending pending = exchange->Take();
    if (pending.head.has_value()) response = *std::move(pending.head);
    response.body += pending.bytes;
    if (on_bytes && !pending.bytes.empty()) on_bytes(pending.bytes);
    if (on_progress && pending.progress.has_value()) {
      on_progress(pending.progress->num_done, pending.progress->num_total);
    }
    if (pending.ended) return response;
    if (stop.stop_requested()) {
      exchange->Disconnect();
      return {499, "text/plain", "cancelled\n", {}};
    }
    bell->Wait();
  }
}

}  // namespace mao
