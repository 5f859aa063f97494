// The reversible byte <-> character map of GPT-2's byte-level BPE: printable Latin-1 bytes stand
// for themselves, the other 68 bytes for U+0100 onwards, in order.
#ifndef MAOOCR_TEXT_BYTE_LEVEL_H_
#define MAOOCR_TEXT_BYTE_LEVEL_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace mao {

// The character that stands for `byte`.
char32_t ByteLevelChar(uint8_t byte);

// The byte that `c` stands for, or -1 if it is not in the map.
int ByteLevelByte(char32_t c);

// Appends the bytes that `token` stands for; if one of its characters is not in the map, appends
// `token` itself, as Hugging Face's ByteLevel decoder does for added tokens.
void AppendByteLevelDecoded(std::string_view token, std::string& out);

// Every byte of `text` replaced by its character.
std::string ByteLevelEncoded(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_TEXT_BYTE_LEVEL_H_
