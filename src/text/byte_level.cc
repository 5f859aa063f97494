#include "text/byte_level.h"

#include <array>

#include "text/utf8.h"

namespace mao {

namespace {

constexpr char32_t kFirstStandIn = 0x100;

constexpr bool StandsForItself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct ByteLevelMap {
  std::array<char32_t, 256> char_of_byte{};
  std::array<int16_t, 0x200> byte_of_char{};
};

constexpr ByteLevelMap MakeMap() {
  ByteLevelMap map;
  for (int16_t& byte : map.byte_of_char) byte = -1;
  char32_t next = kFirstStandIn;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t c = StandsForItself(byte) ? static_cast<char32_t>(byte) : next++;
    map.char_of_byte[static_cast<size_t>(byte)] = c;
    map.byte_of_char[c] = static_cast<int16_t>(byte);
  }
  return map;
}

constexpr ByteLevelMap kMap = MakeMap();

}  // namespace

char32_t ByteLevelChar(uint8_t byte) { return kMap.char_of_byte[byte]; }

int ByteLevelByte(char32_t c) { return c < kMap.byte_of_char.size() ? kMap.byte_of_char[c] : -1; }

void AppendByteLevelDecoded(std::string_view token, std::string& out) {
  const size_t start = out.size();
  for (size_t pos = 0; pos < token.size();) {
    const Utf8Char c = DecodeUtf8(token, pos);
    const int byte = ByteLevelByte(c.code_point);
    if (byte < 0) {
      out.resize(start);
      out.append(token);
      return;
    }
    out.push_back(static_cast<char>(byte));
    pos += c.size;
  }
}

std::string ByteLevelEncoded(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size() * 2);
  for (const char byte : text) AppendUtf8(ByteLevelChar(static_cast<uint8_t>(byte)), encoded);
  return encoded;
}

}  // namespace mao
