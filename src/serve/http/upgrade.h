// Connections that change from HTTP to another protocol (RFC 9110, section 7.8).
#ifndef MAOOCR_SERVE_HTTP_UPGRADE_H_
#define MAOOCR_SERVE_HTTP_UPGRADE_H_

#include <string>

#include <boost/asio/awaitable.hpp>

#include "serve/http/connection.h"
#include "serve/http/message.h"
#include "serve/http/session.h"

namespace mao {

struct UpgradedConnection {
  Connection& connection;
  const HttpRequest& request;           // admitted, without a body
  const HttpHeaders& response_headers;  // for the answer to it
  std::string input;                    // what was read after the request
  SessionEnvironment& environment;
};

class Upgrade {
 public:
  struct End {
    int status = 0;        // of the answer to the request
    size_t num_bytes = 0;  // written, all in all
  };

  virtual ~Upgrade() = default;
  // Whether the request wants this protocol; else the route's handler answers it.
  virtual bool IsAskedFor(const HttpRequest& request) const = 0;
  // Answers the request, and uses the connection until its end, or until the server drains and
  // nothing is under way. The connection is of no use afterwards. May be destroyed while it waits.
  virtual boost::asio::awaitable<End> Run(UpgradedConnection upgraded) const = 0;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_UPGRADE_H_
