#include "serve/fetch/url_poster.h"

#include <utility>

#include <fmt/core.h>

#include "serve/fetch/curl_transfer.h"
#include "serve/fetch/pinned_connection.h"

namespace mao {
namespace {

using Clock = std::chrono::steady_clock;
using End = CurlTransfer::End;

constexpr size_t kMaxHeadBytes = 64 << 10;

Status TooSlow(const CheckedUrl& url, const PostConfig& config) {
  return DeadlineExceededError(
      fmt::format("'{}' is too slow; the limit is {} ms", url.host, config.timeout.count()));
}

Status Conclude(const CheckedUrl& url, const PostConfig& config, const CurlTransfer& transfer,
                const CurlTransfer::Outcome& outcome) {
  constexpr long kFirstSuccess = 200;
  constexpr long kFirstRedirect = 300;
  const long status = transfer.status();
  if (outcome.end == End::kStopped) return CancelledError("the server is shutting down");
  if (outcome.end == End::kDeadline) return TooSlow(url, config);
  // Refused is what was too long to be read to its end.
  if (outcome.end == End::kDone && outcome.code != CURLE_OK) {
    return UnavailableError(fmt::format("'{}': {}", url.host, CurlErrorText(outcome.code)));
  }
  if (status >= kFirstSuccess && status < kFirstRedirect) return OkStatus();
  return UnavailableError(fmt::format("'{}' answers with status {}", url.host, status));
}

}  // namespace

Status PostJson(const PostConfig& config, const std::string& url,
                const std::vector<std::string>& headers, const std::string& json,
                const std::stop_token& stop) {
  const Clock::time_point deadline = Clock::now() + config.timeout;
  MAO_ASSIGN_OR_RETURN(const CheckedUrl checked, CheckUrl(url, config.rules));
  Result<std::vector<IpAddress>> addresses =
      ResolveInTime(config.resolve, checked.host, deadline, stop);
  if (addresses.status().code() == StatusCode::kDeadlineExceeded) return TooSlow(checked, config);
  MAO_RETURN_IF_ERROR(addresses.status());
  MAO_RETURN_IF_ERROR(CheckAddresses(checked.host, *addresses, config.allow_private_addresses));
  CurlTransfer transfer;
  PinnedConnection connection(checked, *std::move(addresses));
  MAO_RETURN_IF_ERROR(connection.Pin(transfer));
  transfer.Set(CURLOPT_URL, checked.url.c_str());
  transfer.Set(CURLOPT_POSTFIELDS, json.c_str());
  transfer.Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
  transfer.Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(config.connect_timeout.count()));
  transfer.Set(CURLOPT_HTTP_CONTENT_DECODING, 0L);  // no bombs
  transfer.AddHeader("Content-Type: application/json");
  transfer.AddHeader("Expect:");
  for (const std::string& header : headers) transfer.AddHeader(header);
  size_t num_head_bytes = 0;
  transfer.OnHeader([&num_head_bytes](std::string_view line) {
    num_head_bytes += line.size();
    return num_head_bytes <= kMaxHeadBytes;
  });
  size_t num_body_bytes = 0;
  transfer.OnBody([&](std::string_view bytes) {
    num_body_bytes += bytes.size();
    return num_body_bytes <= config.max_answer_bytes;
  });
  return Conclude(checked, config, transfer, transfer.Run(deadline, {}, stop));
}

}  // namespace mao
