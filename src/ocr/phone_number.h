// What looks like a telephone number.
#ifndef MAOOCR_OCR_PHONE_NUMBER_H_
#define MAOOCR_OCR_PHONE_NUMBER_H_

#include <cstddef>
#include <string_view>

namespace mao {

// How many bytes of the ASCII text a telephone number takes that begins at text[at]; 0 if none does.
// Looks at no more than 48 bytes. Accepted, with spaces, hyphens, dots, slashes and parentheses
// between groups:
// - + and 8 to 15 digits (E.164);
// - mobile numbers of China, also with 86 in front, and its 400 and 800 numbers;
// - (2xx) 2xx-xxxx of North America, with other marks than spaces alone, also with 1 in front;
// - 9 to 12 digits in groups of at least two that begin with a single 0.
// Not dates, and nothing that is part of a longer number or name.
size_t PhoneNumberSize(std::string_view text, size_t at);

}  // namespace mao

#endif  // MAOOCR_OCR_PHONE_NUMBER_H_
