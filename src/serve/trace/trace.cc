#include "serve/trace/trace.h"

#include <algorithm>

namespace mao {

bool IsTracestate(std::string_view text) {
  // W3C Trace Context, 3.3.1.5: at least this much is to be passed on.
  constexpr size_t kMaxBytes = 512;
  return !text.empty() && text.size() <= kMaxBytes && text.find('=') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace mao
