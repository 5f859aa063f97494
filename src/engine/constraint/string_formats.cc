#include "engine/constraint/string_formats.h"

#include <fmt/core.h>

namespace mao {
namespace {

// RFC 3339; 29 February in leap years only.
constexpr std::string_view kDate =
    "((\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|"
    "02-(0[1-9]|1\\d|2[0-8])))|((\\d\\d(0[48]|[2468][048]|[13579][26])|"
    "([02468][048]|[13579][26])00)-02-29))";
constexpr std::string_view kTime =
    "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
constexpr std::string_view kHost =
    "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?){";

}  // namespace

// RFC 3339, 4122, 5321, 1123, 2673 and 3986.
std::string FormatRegex(std::string_view format) {
  const std::string byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  if (format == "date") return fmt::format("^{}$", kDate);
  if (format == "time") return fmt::format("^{}$", kTime);
  if (format == "date-time") return fmt::format("^{}T{}$", kDate, kTime);
  if (format == "uuid") {
    return "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
  }
  if (format == "email") {
    return fmt::format("^[\\w!#$%&'*+/=?^`{{|}}~-]{{1,32}}(\\.[\\w+-]{{1,32}}){{0,3}}@{}1,3}}$",
                       kHost);
  }
  if (format == "hostname") return fmt::format("^{}0,3}}$", kHost);
  if (format == "ipv4") return fmt::format("^{}(\\.{}){{3}}$", byte, byte);
  if (format == "uri") {
    return "^[A-Za-z][A-Za-z0-9+.-]{0,15}:([\\w.~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$";
  }
  return "";
}

}  // namespace mao
