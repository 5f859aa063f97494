// Any bytes as an event stream: cut into pieces by the first byte, they must give the same events as
// in one piece, each valid UTF-8 and within the limits; and whatever the events say must be taken as
// a chat completion or refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "serve/backend/chat_stream.h"
#include "serve/backend/sse_parser.h"
#include "text/utf8.h"

namespace {

constexpr mao::SseParser::Limits kLimits = {512, 1024};

void Check(bool condition) {
  if (!condition) std::abort();
}

struct Outcome {
  std::vector<std::string> events;
  bool ok = true;
  bool operator==(const Outcome&) const = default;
};

Outcome Parse(std::string_view stream, size_t piece) {
  mao::SseParser parser(kLimits);
  Outcome outcome;
  for (size_t at = 0; at < stream.size(); at += piece) {
    const mao::Status status =
        parser.Feed(stream.substr(at, piece), [&](const mao::SseEvent& event) {
          Check(mao::IsValidUtf8(event.data) && mao::IsValidUtf8(event.type));
          Check(event.data.size() <= 3 * kLimits.max_event_bytes);  // U+FFFD is three bytes
          outcome.events.push_back(event.type + "\n" + event.data);
        });
    outcome.ok = status.ok();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  Check(Parse(stream, 1 + data[0] % 16) == Parse(stream, std::max<size_t>(1, stream.size())));

  mao::SseParser parser(kLimits);
  mao::ChatStream chat((data[0] & 16) != 0);
  mao::GenerationOutput output;
  mao::Status status;
  const mao::Status parsed = parser.Feed(stream, [&](const mao::SseEvent& event) {
    if (status.ok()) status = chat.Take(event.data, output);
  });
  Check(parsed.ok() || parsed.code() == mao::StatusCode::kOutOfRange);
  Check(mao::IsValidUtf8(output.text) && mao::IsValidUtf8(status.message()));
  Check(chat.is_finished() == (chat.stop_reason() != mao::StopReason::kNone));
  Check(chat.num_prompt_tokens() >= 0 && chat.num_output_tokens() >= 0);
  return 0;
}
