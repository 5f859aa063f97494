// Which handler answers which path.
#ifndef MAOOCR_SERVE_HTTP_ROUTER_H_
#define MAOOCR_SERVE_HTTP_ROUTER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/exchange.h"

namespace mao {

class Upgrade;

// Answers now or later. Called on a thread for handlers; inline ones on the one that serves all
// connections, so they must be quick.
using Handler = std::function<void(const std::shared_ptr<Exchange>&)>;

// Which interface a route belongs to; a listener serves some of them. Routes of kCommon are on
// every listener.
enum class Interface { kCommon, kOpenAi, kRest, kWebSocket, kGraphQl };

struct Route {
  Interface interface = Interface::kCommon;
  std::string method;   // "GET"; HEAD is answered by GET
  std::string pattern;  // "/v1/models/{id}"; a last "{path...}" takes the rest with its slashes
  Handler handler;
  bool needs_key = true;  // when keys are configured; also counts against the key's rate
  bool is_inline = false;
  // Takes connections over whose requests ask for it, see upgrade.h; the handler gets the others.
  std::shared_ptr<const Upgrade> upgrade;
  // The protocol of the upgrade asks for the key itself if the request has none.
  bool takes_key_after_upgrade = false;
  size_t max_body_bytes = 0;  // 0: the server's limit
};

class Router {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }

  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string, std::less<>> parameters;
    std::string allowed_methods;  // when the path is known, but not with this method
  };
  Match Find(std::string_view method, std::string_view path,
             const std::vector<Interface>& interfaces) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_ROUTER_H_
