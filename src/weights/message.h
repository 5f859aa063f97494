// Foreign names in messages and in JSON: quoted, escaped and of bounded length.
#ifndef MAOOCR_WEIGHTS_MESSAGE_H_
#define MAOOCR_WEIGHTS_MESSAGE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mao {

// `text` (UTF-8) as a JSON string, quotes included.
std::string JsonQuote(std::string_view text);

// Like JsonQuote, but cut after about 200 bytes: for names that come out of a file.
std::string Quoted(std::string_view text);

// "a, b, c"; above max_items "a, b … and 7 more".
std::string Listing(std::span<const std::string> items, size_t max_items = 20);

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_MESSAGE_H_
