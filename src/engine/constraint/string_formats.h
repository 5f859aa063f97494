// The formats of JSON Schema's strings as regular expressions.
#ifndef MAOOCR_ENGINE_CONSTRAINT_STRING_FORMATS_H_
#define MAOOCR_ENGINE_CONSTRAINT_STRING_FORMATS_H_

#include <string>
#include <string_view>

namespace mao {

inline constexpr std::string_view kKnownFormats =
    "date, time, date-time, uuid, email, hostname, ipv4, uri";

// Matches texts of the format only, though not every rare one: addresses and names of usual length.
// Empty for a format that is not known.
std::string FormatRegex(std::string_view format);

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_STRING_FORMATS_H_
