#include "serve/fetch/checked_url.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include <curl/curl.h>
#include <fmt/core.h>

namespace mao {
namespace {

using UrlHandle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string Part(const UrlHandle& handle, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle.get(), part, &text, flags) != CURLUE_OK || text == nullptr) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsPlainAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

bool IsAllowedDomain(std::string_view host, const std::vector<std::string>& allowed) {
  return allowed.empty() || std::any_of(allowed.begin(), allowed.end(), [&](const auto& entry) {
           const std::string domain = LowerCase(entry);
           if (!domain.starts_with("*.")) return host == domain;
           return host.ends_with(std::string_view(domain).substr(1));
         });
}

// The host without what may be written around it. Empty: not one that we take.
std::string BareHost(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.ends_with('.')) host.pop_back();
  return IsPlainAscii(host) ? LowerCase(host) : "";
}

}  // namespace

Result<CheckedUrl> CheckUrl(const std::string& url, const UrlRules& rules) {
  if (url.size() > kMaxUrlBytes) {
    return OutOfRangeError(
        fmt::format("the URL has {} bytes; the limit is {}", url.size(), kMaxUrlBytes));
  }
  if (!IsPlainAscii(url)) {
    return InvalidArgumentError("the URL has characters that must be escaped in a URL");
  }
  const UrlHandle handle(curl_url(), curl_url_cleanup);
  if (handle == nullptr) return ResourceExhaustedError("no memory for a URL");
  const CURLUcode error =
      curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), CURLU_DISALLOW_USER);
  if (error == CURLUE_USER_NOT_ALLOWED) {
    return InvalidArgumentError("the URL has a user or a password in it, which is not allowed");
  }
  const std::string scheme = LowerCase(Part(handle, CURLUPART_SCHEME));
  if (error == CURLUE_UNSUPPORTED_SCHEME ||
      (error == CURLUE_OK && scheme != "http" && scheme != "https")) {
    return InvalidArgumentError("only URLs with http:// or https:// are fetched");
  }
  if (error != CURLUE_OK) {
    return InvalidArgumentError(fmt::format("no valid URL: {}", curl_url_strerror(error)));
  }
  CheckedUrl checked;
  checked.is_https = scheme == "https";
  checked.host = BareHost(Part(handle, CURLUPART_HOST));
  if (checked.host.empty()) return InvalidArgumentError("the URL has no host that can be fetched");
  if (!Part(handle, CURLUPART_ZONEID).empty()) {
    return InvalidArgumentError("the URL has an IPv6 zone, which is not allowed");
  }
  const std::string port = Part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), checked.port);
  const std::vector<uint16_t>& ports = rules.allowed_ports;
  if (!ports.empty() && std::find(ports.begin(), ports.end(), checked.port) == ports.end()) {
    return InvalidArgumentError(fmt::format("'{}': port {} is not among those that are allowed",
                                            checked.host, checked.port));
  }
  if (!IsAllowedDomain(checked.host, rules.allowed_domains)) {
    return InvalidArgumentError(
        fmt::format("'{}' is not among the hosts that are allowed", checked.host));
  }
  const bool is_v6 = checked.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + checked.host + "]" : checked.host;
  curl_url_set(handle.get(), CURLUPART_HOST, host.c_str(), 0);
  curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  checked.url = Part(handle, CURLUPART_URL);
  if (checked.url.empty()) return InvalidArgumentError("the URL cannot be written as one");
  return checked;
}

}  // namespace mao
