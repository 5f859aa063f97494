// Header values with parameters: form-data; name="image"; filename*=UTF-8''a%20b.png
#ifndef MAOOCR_SERVE_HTTP_HEADER_PARAMETERS_H_
#define MAOOCR_SERVE_HTTP_HEADER_PARAMETERS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mao {

struct HeaderParameter {
  std::string name;  // in lower case
  std::string value;
};

struct ParameterizedValue {
  std::string value;  // in lower case
  std::vector<HeaderParameter> parameters;

  // The first with this name; null: there is none.
  const std::string* Find(std::string_view name) const;
};

// Values are tokens or quoted strings (RFC 9110, 5.6), in which a backslash takes the special
// meaning from a quote or backslash behind it. nullopt: the syntax is another.
std::optional<ParameterizedValue> ParseParameters(std::string_view header);

}  // namespace mao

#endif  // MAOOCR_SERVE_HTTP_HEADER_PARAMETERS_H_
