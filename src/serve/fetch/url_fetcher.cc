#include "serve/fetch/url_fetcher.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "serve/fetch/curl_transfer.h"
#include "serve/fetch/pinned_connection.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;
using Addresses = std::vector<IpAddress>;

constexpr size_t kMaxHeadBytes = 64 << 10;

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
    MAO_RETURN_IF_ERROR(CheckAddresses(url.host, addresses, config_.allow_private_addresses));
    return addresses;
  }

  Result<Answer> GetOne(const CheckedUrl& url) const {
    MAO_ASSIGN_OR_RETURN(Addresses addresses, Resolve(url));
    CurlTransfer transfer;
    PinnedConnection connection(url, std::move(addresses));
    MAO_RETURN_IF_ERROR(SetOptions(url, connection, transfer));
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

  Status SetOptions(const CheckedUrl& url, PinnedConnection& connection,
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
      return OkStatus();
    }
    return connection.Pin(transfer);
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
