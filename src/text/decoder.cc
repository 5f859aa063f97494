#include "text/decoder.h"

#include <utility>

#include "text/byte_level.h"
#include "text/utf8.h"

namespace mao {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that a token like <0x0A> stands for, or -1.
int FallbackByte(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  const int high = HexDigit(token[3]);
  const int low = HexDigit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

template <typename T>
bool Is(const Decoder::Step& step) {
  return std::holds_alternative<T>(step);
}

std::string Stripped(std::string_view token, const Decoder::Strip& strip) {
  std::string character;
  AppendUtf8(strip.content, character);
  for (size_t n = 0; n < strip.start && token.starts_with(character); ++n) {
    token.remove_prefix(character.size());
  }
  for (size_t n = 0; n < strip.stop && token.ends_with(character); ++n) {
    token.remove_suffix(character.size());
  }
  return std::string(token);
}

// The bytes of one step. The overloads mirror DecodeStream::Run without its wait for whole
// characters.
struct BytesOfToken {
  std::string_view token;
  bool first;
  bool fused;

  std::string operator()(const Decoder::JoinWithSpaces&) const {
    return (first ? "" : " ") + std::string(token);
  }
  std::string operator()(const Decoder::ByteLevel&) const {
    std::string bytes;
    AppendByteLevelDecoded(token, bytes);
    return bytes;
  }
  std::string operator()(const Decoder::ByteFallback&) const {
    const int byte = FallbackByte(token);
    return byte < 0 ? std::string(token) : std::string(1, static_cast<char>(byte));
  }
  std::string operator()(const Decoder::Fuse&) const { return std::string(token); }
  std::string operator()(const Decoder::Replace& replace) const {
    RegexScratch scratch(token.size());
    const Result<std::string> replaced =
        ReplaceAll(token, replace.pattern, replace.content, scratch);
    return replaced.ok() ? *replaced : std::string(token);
  }
  std::string operator()(const Decoder::Strip& strip) const {
    return fused && !first ? std::string(token) : Stripped(token, strip);
  }
  std::string operator()(const Decoder::Metaspace& metaspace) const {
    std::string character;
    AppendUtf8(metaspace.replacement, character);
    const bool drop = (first || fused) && metaspace.drop_in_first;
    std::string bytes(token);
    for (size_t at = 0; (at = bytes.find(character, at)) != std::string::npos; at += drop ? 0 : 1) {
      bytes.replace(at, character.size(), drop ? "" : " ");
    }
    return bytes;
  }
};

}  // namespace

Result<Decoder> Decoder::Create(std::vector<Step> steps) {
  Decoder decoder(std::move(steps));
  bool fused = false;
  for (const Step& step : decoder.steps_) {
    if (fused && (Is<ByteLevel>(step) || Is<ByteFallback>(step) || Is<Replace>(step))) {
      return UnimplementedError(
          "a ByteLevel, ByteFallback or Replace decoder after one that fuses");
    }
    decoder.input_is_fused_.push_back(fused);
    fused |= Is<ByteLevel>(step) || Is<Fuse>(step);
  }
  return decoder;
}

std::string Decoder::TokenBytes(std::string_view token, bool first) const {
  std::string bytes(token);
  for (size_t i = 0; i < steps_.size(); ++i) {
    bytes = std::visit(BytesOfToken{bytes, first, input_is_fused_[i]}, steps_[i]);
  }
  return bytes;
}

Status Decoder::CheckTokenBytes() const {
  bool bytes_fall_back = false;
  for (size_t i = 0; i < steps_.size(); ++i) {
    bytes_fall_back |= Is<ByteFallback>(steps_[i]);
    const auto* strip = std::get_if<Strip>(&steps_[i]);
    if (strip == nullptr) continue;
    const bool one_in_front = strip->start <= 1 && strip->stop == 0 && strip->content < 0x80;
    if (input_is_fused_[i] ? !one_in_front : bytes_fall_back) {
      return UnimplementedError(
          "the tokenizer's Strip decoder takes more than one ASCII character from the front of a "
          "text, so that the bytes of a token depend on its neighbours");
    }
  }
  return OkStatus();
}

DecodeStream::DecodeStream(const Decoder& decoder)
    : decoder_(decoder), states_(decoder.steps_.size()) {}

void DecodeStream::Feed(size_t step, std::string_view token, std::string& out) {
  if (step == decoder_.steps_.size()) {
    out.append(token);
    return;
  }
  std::visit([&](const auto& s) { Run(s, step, token, out); }, decoder_.steps_[step]);
}

void DecodeStream::Run(const Decoder::JoinWithSpaces&, size_t step, std::string_view token,
                       std::string& out) {
  if (std::exchange(states_[step].started, true)) Feed(step + 1, " ", out);
  Feed(step + 1, token, out);
}

void DecodeStream::Run(const Decoder::ByteLevel&, size_t step, std::string_view token,
                       std::string& out) {
  std::string& pending = states_[step].pending;
  AppendByteLevelDecoded(token, pending);
  std::string text;
  DrainCompleteUtf8(pending, text);
  if (!text.empty()) Feed(step + 1, text, out);
}

void DecodeStream::Run(const Decoder::ByteFallback&, size_t step, std::string_view token,
                       std::string& out) {
  if (const int byte = FallbackByte(token); byte >= 0) {
    states_[step].pending.push_back(static_cast<char>(byte));
    return;
  }
  FlushByteRun(step, out);
  Feed(step + 1, token, out);
}

void DecodeStream::FlushByteRun(size_t step, std::string& out) {
  const std::string run = std::exchange(states_[step].pending, {});
  if (run.empty()) return;
  if (IsValidUtf8(run)) {
    Feed(step + 1, run, out);
  } else {
    for (size_t i = 0; i < run.size(); ++i) Feed(step + 1, kReplacementUtf8, out);
  }
}

void DecodeStream::Run(const Decoder::Fuse&, size_t step, std::string_view token,
                       std::string& out) {
  Feed(step + 1, token, out);
}

void DecodeStream::Run(const Decoder::Replace& replace, size_t step, std::string_view token,
                       std::string& out) {
  RegexScratch scratch(token.size());
  const Result<std::string> replaced = ReplaceAll(token, replace.pattern, replace.content, scratch);
  // Only a hostile expression fails; decoding has no way to report it and keeps the token.
  Feed(step + 1, replaced.ok() ? *replaced : token, out);
}

void DecodeStream::Run(const Decoder::Strip& strip, size_t step, std::string_view token,
                       std::string& out) {
  StepState& state = states_[step];
  const bool fused = decoder_.input_is_fused_[step];
  if (!fused) state = {};
  std::string kept;
  for (size_t pos = 0; pos < token.size();) {
    const Utf8Char c = DecodeUtf8(token, pos);
    const std::string_view character = token.substr(pos, c.size);
    pos += c.size;
    const bool matches = c.code_point == strip.content;
    if (!state.started && matches && state.num_leading < strip.start) {
      ++state.num_leading;
      continue;
    }
    state.started = true;
    if (matches && state.num_trailing < strip.stop) {
      ++state.num_trailing;
      continue;
    }
    if (!matches) {
      for (; state.num_trailing > 0; --state.num_trailing) AppendUtf8(strip.content, kept);
    }
    kept.append(character);
  }
  if (!fused || !kept.empty()) Feed(step + 1, kept, out);
}

void DecodeStream::Run(const Decoder::Metaspace& metaspace, size_t step, std::string_view token,
                       std::string& out) {
  StepState& state = states_[step];
  const bool first = !std::exchange(state.started, true) || decoder_.input_is_fused_[step];
  std::string text;
  for (size_t pos = 0; pos < token.size();) {
    const Utf8Char c = DecodeUtf8(token, pos);
    if (c.code_point != metaspace.replacement) {
      text.append(token.substr(pos, c.size));
    } else if (!first || !metaspace.drop_in_first) {
      text.push_back(' ');
    }
    pos += c.size;
  }
  Feed(step + 1, text, out);
}

void DecodeStream::Flush(size_t step, std::string& out) {
  if (Is<Decoder::ByteFallback>(decoder_.steps_[step])) FlushByteRun(step, out);
  if (Is<Decoder::ByteLevel>(decoder_.steps_[step]) && !states_[step].pending.empty()) {
    std::string text;
    AppendLossyUtf8(std::exchange(states_[step].pending, {}), text);
    Feed(step + 1, text, out);
  }
}

void DecodeStream::Finish(std::string& out) {
  for (size_t step = 0; step < states_.size(); ++step) Flush(step, out);
}

}  // namespace mao
