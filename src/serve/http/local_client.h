// Requests of the server to itself: jobs and batches go through the same handlers as everyone.
#ifndef MAOOCR_SERVE_HTTP_LOCAL_CLIENT_H_
#define MAOOCR_SERVE_HTTP_LOCAL_CLIENT_H_

#include <functional>
#include <stop_token>
#include <string_view>

#include "serve/http/message.h"
#include "serve/http/router.h"

namespace mao {

// Gets the pieces of a streamed response as they come.
using OnResponseBytes = std::function<void(std::string_view bytes)>;
// Exchange::SetProgress
using OnWorkProgress = std::function<void(int64_t num_done, int64_t num_total)>;

// Calls the route's handler on this thread and waits for the whole response; a stop request counts
// as a client that goes away. `request` has method, path, headers, body and context; it has been
// admitted already. 404 or 405 without a route, 499 after a stop request.
HttpResponse PerformLocally(const Router& router, HttpRequest request, const std::stop_token& stop,
                            const OnResponseBytes& on_bytes = {},
                            const OnWorkProgress& on_progress = {});

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_LOCAL_CLIENT_H_
