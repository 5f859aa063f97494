#include "serve/fetch/url_fetcher.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <fmt/core.h>

#include "serve/fetch/curl_transfer.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;
using Addresses = std::vector<IpAddress>;

constexpr size_t kMaxHeadBytes = 64 << 10;

curl_socket_t RefuseSocket() { return CURL_SOCKET_BAD; }

// Opens sockets to the checked addresses only. This is what holds whatever libcurl believes the
// addresses of the host to be.
curl_socket_t OpenCheckedSocket(void* checked, curlsocktype purpose, curl_sockaddr* to) {
  if (purpose != CURLSOCKTYPE_IPCXN) return RefuseSocket();
  const auto& addresses = *static_cast<const Addresses*>(checked);
  const std::optional<IpAddress> address = IpAddressOf(to->addr);
  if (!address.has_value() ||
      std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
    return RefuseSocket();
  }
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// "host:port:address,address", which stands in for libcurl's own look-up.
std::string PinnedHost(const CheckedUrl& url, const Addresses& addresses) {
  std::string entry = fmt::format("{}:{}:", url.host, url.port);
  for (const IpAddress& address : addresses) {
    if (entry.back() != ':') entry += ',';
    entry += address.is_v6 ? "[" + ToString(address) + "]" : ToString(address);
  }
  return entry;
}

// One URL, without its redirects.
struct Answer {
  std::string body;
  std::string redirect_url;  // else the body is what was asked for
};

class UrlFetch {
 public:
  UrlFetch(const FetchConfig& config, Clock::time_point deadline, const std::stop_token& stop)
      : config_(config),
        deadline_(std::min(deadline, Clock::now() + config.timeout)),
        is_own_timeout_(deadline_ < deadline),
        stop_(stop) {}

  Result<std::string> Run(const std::string& first_url) {
    std::string url = first_url;
    bool was_https = false;
    for (int num_redirects = 0;; ++num_redirects) {
      MAO_ASSIGN_OR_RETURN(const CheckedUrl checked, CheckUrl(url, config_.rules));
      if (was_https && !checked.is_https) {
        return InvalidArgumentError(
            fmt::format("'{}' is redirected to from https to http", checked.host));
      }
      was_https = checked.is_https;
      MAO_ASSIGN_OR_RETURN(Answer answer, GetOne(checked));
      if (answer.redirect_url.empty()) return std::move(answer.body);
      if (num_redirects == config_.max_redirects) {
        return InvalidArgumentError(fmt::format(
            "'{}' redirects to another address; the limit is {} redirects, so give that address",
            checked.host, config_.max_redirects));
      }
      url = std::move(answer.redirect_url);
    }
  }

 private:
  Result<Addresses> Resolve(const CheckedUrl& url) const {
    Result<Addresses> resolved = ResolveInTime(config_.resolve, url.host, deadline_, stop_);
    if (resolved.status().code() == StatusCode::kDeadlineExceeded) return TooLate(url);
    if (!resolved.ok() && config_.use_environment_proxy) return Addresses();  // it may know better
    MAO_ASSIGN_OR_RETURN(Addresses addresses, std::move(resolved));
    // One bad address is enough: honest hosts have none.
    for (const IpAddress& address : addresses) {
      const std::string_view why = WhyRefused(address, config_.allow_private_addresses);
      if (!why.empty()) {
        return InvalidArgumentError(
            fmt::format("'{}' is not on the public internet ({})", url.host, why));
      }
    }
    return addresses;
  }

  Result<Answer> GetOne(const CheckedUrl& url) const {
    MAO_ASSIGN_OR_RETURN(Addresses addresses, Resolve(url));
    CurlTransfer transfer;
    const std::string pinned = PinnedHost(url, addresses);
    curl_slist* const resolve = curl_slist_append(nullptr, pinned.c_str());
    if (resolve == nullptr) return ResourceExhaustedError("no memory for a transfer");
    SetOptions(url, addresses, resolve, transfer);
    Answer answer;
    size_t num_head_bytes = 0;
    transfer.OnHeader([&num_head_bytes](std::string_view line) {
      num_head_bytes += line.size();
      return num_head_bytes <= kMaxHeadBytes;
    });
    transfer.OnBody([&](std::string_view bytes) {
      if (transfer.status() != 200) return true;  // nobody reads it
      if (answer.body.size() + bytes.size() > config_.max_bytes) return false;
      answer.body += bytes;
      return true;
    });
    const CurlTransfer::Outcome outcome = transfer.Run(deadline_, {}, stop_);
    curl_slist_free_all(resolve);
    if (outcome.end == CurlTransfer::End::kRefused) {
      return num_head_bytes > kMaxHeadBytes
                 ? OutOfRangeError(fmt::format("the head of the answer of '{}' is larger than {} "
                                               "bytes",
                                               url.host, kMaxHeadBytes))
                 : TooLarge(url);
    }
    MAO_RETURN_IF_ERROR(ToStatus(url, outcome));
    answer.redirect_url = transfer.redirect_url();
    if (answer.redirect_url.empty()) MAO_RETURN_IF_ERROR(CheckHttpStatus(url, transfer.status()));
    return answer;
  }

  void SetOptions(const CheckedUrl& url, Addresses& addresses, curl_slist* resolve,
                  CurlTransfer& transfer) const {
    transfer.Set(CURLOPT_URL, url.url.c_str());
    transfer.Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(config_.connect_timeout.count()));
    transfer.Set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(config_.min_bytes_per_second));
    transfer.Set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(config_.slow_for.count()));
    transfer.Set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(config_.max_bytes));
    transfer.Set(CURLOPT_HTTP_CONTENT_DECODING, 0L);  // no bombs
    transfer.Set(CURLOPT_FRESH_CONNECT, 1L);
    transfer.Set(CURLOPT_FORBID_REUSE, 1L);
    transfer.AddHeader("Accept: image/*");
    if (config_.use_environment_proxy) {
      transfer.Set(CURLOPT_PROXY, static_cast<const char*>(nullptr));
      return;
    }
    // An address needs no look-up, and with colons in it could not be told from its port here.
    if (!ParseIpAddress(url.host).has_value()) transfer.Set(CURLOPT_RESOLVE, resolve);
    transfer.Set(CURLOPT_OPENSOCKETFUNCTION, &OpenCheckedSocket);
    transfer.Set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&addresses));
  }

  Status ToStatus(const CheckedUrl& url, const CurlTransfer::Outcome& outcome) const {
    if (outcome.end == CurlTransfer::End::kStopped) {
      return CancelledError("the request was cancelled");
    }
    if (outcome.end != CurlTransfer::End::kDone) return TooLate(url);
    switch (outcome.code) {
      case CURLE_OK:
        return OkStatus();
      case CURLE_FILESIZE_EXCEEDED:
        return TooLarge(url);
      case CURLE_OPERATION_TIMEDOUT:
        return DeadlineExceededError(fmt::format(
            "'{}' is too slow; the limits are {} ms to connect and {} bytes a second for {} s",
            url.host, config_.connect_timeout.count(), config_.min_bytes_per_second,
            config_.slow_for.count()));
      default:
        return UnavailableError(
            fmt::format("'{}' cannot be fetched: {}", url.host, CurlErrorText(outcome.code)));
    }
  }

  static Status CheckHttpStatus(const CheckedUrl& url, long status) {
    if (status == 200) return OkStatus();
    std::string message = fmt::format("'{}' answers with status {}", url.host, status);
    if (status >= 500) return UnavailableError(std::move(message));
    return InvalidArgumentError(std::move(message));
  }

  Status TooLate(const CheckedUrl& url) const {
    if (!is_own_timeout_) {
      return DeadlineExceededError(
          fmt::format("the request's deadline passed while '{}' was fetched", url.host));
    }
    return DeadlineExceededError(
        fmt::format("'{}' is too slow; the limit is {} ms", url.host, config_.timeout.count()));
  }

  Status TooLarge(const CheckedUrl& url) const {
    return OutOfRangeError(fmt::format("what '{}' sends is larger than the limit of {} bytes",
                                       url.host, config_.max_bytes));
  }

  const FetchConfig& config_;
  const Clock::time_point deadline_;
  const bool is_own_timeout_;
  const std::stop_token& stop_;
};

}  // namespace

FetchUrl MakeUrlFetcher(FetchConfig config) {
  return [config = std::move(config)](const std::string& url, Clock::time_point deadline,
                                      const std::stop_token& stop) {
    return UrlFetch(config, deadline, stop).Run(url);
  };
}

}  // namespace mao
