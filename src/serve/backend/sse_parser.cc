#include "serve/backend/sse_parser.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "text/utf8.h"

namespace mao {

Status SseParser::Feed(std::string_view bytes, const OnEvent& on_event) {
  while (status_.ok() && !bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    if (line_.size() + end > limits_.max_line_bytes) {
      status_ = OutOfRangeError(
          fmt::format("a line of the event stream is longer than the limit of {} bytes",
                      limits_.max_line_bytes));
      break;
    }
    line_ += bytes.substr(0, end);
    if (end == bytes.size()) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    status_ = TakeLine(on_event);
  }
  return status_;
}

Status SseParser::TakeLine(const OnEvent& on_event) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const std::string taken = std::exchange(line_, {});
  std::string_view line = taken;
  if (std::exchange(is_first_line_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    SseEvent event;
    event.type = std::exchange(type_, {});
    if (event.type.empty()) event.type = "message";
    if (data_.empty()) return OkStatus();
    data_.pop_back();
    AppendLossyUtf8(data_, event.data);
    data_.clear();
    on_event(event);
    return OkStatus();
  }
  const size_t colon = std::min(line.find(':'), line.size());
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  return TakeField(line.substr(0, colon), value);
}

// Ids and retry times matter to clients that connect again; this one does not.
Status SseParser::TakeField(std::string_view name, std::string_view value) {
  if (name == "event") {
    type_.clear();
    AppendLossyUtf8(value, type_);
  }
  if (name != "data") return OkStatus();
  if (data_.size() + value.size() + 1 > limits_.max_event_bytes) {
    return OutOfRangeError(fmt::format(
        "an event of the stream is larger than the limit of {} bytes", limits_.max_event_bytes));
  }
  data_ += value;
  data_ += '\n';
  return OkStatus();
}

}  // namespace mao
