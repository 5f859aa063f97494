// The input is a tokenizer.json, a zero byte, and a text for it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/incremental_detokenizer.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace {

constexpr size_t kMaxJsonBytes = 64 * 1024;
constexpr size_t kMaxTextBytes = 256;

void Require(bool holds) {
  if (!holds) std::abort();
}

void UseTokenizer(const mao::Tokenizer& tokenizer, std::string_view text) {
  for (const bool parse : {false, true}) {
    const auto ids =
        tokenizer.Encode(text, {.add_special_tokens = true, .parse_special_tokens = parse});
    if (!ids.ok()) continue;
    mao::IncrementalDetokenizer detokenizer(tokenizer, parse);
    std::string streamed;
    for (const mao::TokenId id : *ids) {
      Require(tokenizer.TokenText(id).has_value());
      streamed += detokenizer.Append(id);
    }
    streamed += detokenizer.Finish();
    Require(mao::IsValidUtf8(streamed));
    Require(streamed == tokenizer.Decode(*ids, parse));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  if (end == std::string_view::npos || end > kMaxJsonBytes) return 0;
  const auto tokenizer = mao::Tokenizer::FromJson(input.substr(0, end), "fuzz");
  if (!tokenizer.ok()) return 0;
  UseTokenizer(**tokenizer, input.substr(end + 1, kMaxTextBytes));
  return 0;
}
