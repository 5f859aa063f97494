// Server-sent events (WHATWG HTML, section 9.2), as they come from a server.
#ifndef MAOOCR_SERVE_BACKEND_SSE_PARSER_H_
#define MAOOCR_SERVE_BACKEND_SSE_PARSER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace mao {

struct SseEvent {
  std::string type;  // "message" unless the server says otherwise
  std::string data;  // valid UTF-8: what is ill-formed became U+FFFD
};

// Takes the stream in pieces of any size; the events do not depend on where it is cut. An event
// whose blank line has not come is not there.
class SseParser {
 public:
  struct Limits {
    size_t max_line_bytes = size_t{1} << 20;
    size_t max_event_bytes = size_t{4} << 20;  // of the data of one event
  };
  using OnEvent = std::function<void(const SseEvent& event)>;

  SseParser() : SseParser(Limits()) {}
  explicit SseParser(const Limits& limits) : limits_(limits) {}

  // OutOfRange names the limit; after that, every call returns the same.
  Status Feed(std::string_view bytes, const OnEvent& on_event);

 private:
  Status TakeLine(const OnEvent& on_event);
  Status TakeField(std::string_view name, std::string_view value);

  const Limits limits_;
  Status status_;
  std::string line_;  // without its end
  bool is_first_line_ = true;
  bool after_cr_ = false;  // a line feed belongs to the line before
  std::string type_;
  std::string data_;  // each line of it with a line feed
};

}  // namespace mao

#endif  // MAOOCR_SERVE_BACKEND_SSE_PARSER_H_
