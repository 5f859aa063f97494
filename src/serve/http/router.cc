#include "serve/http/router.h"

#include <algorithm>

namespace mao {
namespace {

using Parameters = std::map<std::string, std::string, std::less<>>;

std::string_view TakeSegment(std::string_view& path) {
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(path.size(), segment.size() + 1));
  return segment;
}

bool Matches(std::string_view pattern, std::string_view path, Parameters& parameters) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = TakeSegment(pattern);
    if (expected.ends_with("...}")) {
      parameters[std::string(expected.substr(1, expected.size() - 5))] = path;
      return true;
    }
    const std::string_view segment = TakeSegment(path);
    if (expected.starts_with('{') && !segment.empty()) {
      parameters[std::string(expected.substr(1, expected.size() - 2))] = segment;
    } else if (expected != segment) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

bool Serves(const std::vector<Interface>& interfaces, Interface wanted) {
  return wanted == Interface::kCommon ||
         std::find(interfaces.begin(), interfaces.end(), wanted) != interfaces.end();
}

}  // namespace

Router::Match Router::Find(std::string_view method, std::string_view path,
                           const std::vector<Interface>& interfaces) const {
  Match match;
  if (!path.starts_with('/')) return match;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : routes_) {
    Parameters parameters;
    if (!Serves(interfaces, route.interface)) continue;
    if (!Matches(std::string_view(route.pattern).substr(1), path.substr(1), parameters)) continue;
    if (route.method == wanted) return {&route, std::move(parameters), ""};
    match.allowed_methods += (match.allowed_methods.empty() ? "" : ", ") + route.method;
  }
  return match;
}

}  // namespace mao
