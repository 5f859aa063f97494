#include "serve/web/routes.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/embedded_file.h"

extern "C" const mao::EmbeddedFile mao_web_page[];

namespace mao {
namespace {

// The page loads nothing from elsewhere and runs no script but its own, whatever a model writes.
// Pictures of the page itself are blobs, cut-out figures data.
constexpr char kContentSecurityPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

std::string_view ContentType(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTypes = {
      {{".html", "text/html; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".svg", "image/svg+xml"}}};
  for (const auto& [extension, type] : kTypes) {
    if (name.ends_with(extension)) return type;
  }
  return "application/octet-stream";
}

}  // namespace

void AddWebRoutes(Router& router) {
  for (const EmbeddedFile* file = mao_web_page; file->name != nullptr; ++file) {
    const std::string_view name = file->name;
    Route route;
    route.method = "GET";
    route.pattern = name == "index.html" ? "/" : "/assets/" + std::string(name);
    route.needs_key = false;
    route.is_inline = true;
    route.handler = [name, file](const std::shared_ptr<Exchange>& exchange) {
      HttpResponse response;
      response.content_type = ContentType(name);
      response.body.assign(reinterpret_cast<const char*>(file->data), file->size_bytes);
      response.headers = {{"Content-Security-Policy", kContentSecurityPolicy},
                          {"X-Content-Type-Options", "nosniff"},
                          {"Referrer-Policy", "no-referrer"},
                          {"Cache-Control", "no-cache"}};
      exchange->Send(std::move(response));
    };
    router.Add(std::move(route));
  }
}

}  // namespace mao
