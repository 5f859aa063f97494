#include "serve/http/header_parameters.h"

#include <algorithm>
#include <cctype>

namespace mao {
namespace {

constexpr std::string_view kBlank = " \t";

std::string_view TrimLeft(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlank), text.size()));
}

bool IsTokenCharacter(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         kMarks.find(c) != std::string_view::npos;
}

// The token that `rest` begins with, taken from it; more characters may be allowed.
std::string TakeToken(std::string_view& rest, std::string_view allowed = "") {
  size_t size = 0;
  while (size < rest.size() &&
         (IsTokenCharacter(rest[size]) || allowed.find(rest[size]) != std::string_view::npos)) {
    ++size;
  }
  std::string token(rest.substr(0, size));
  rest.remove_prefix(size);
  return token;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Behind the opening quote. nullopt: no closing one.
std::optional<std::string> TakeQuoted(std::string_view& rest) {
  std::string value;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return value;
    }
    const bool escapes =
        rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\');
    value += rest[escapes ? ++i : i];
  }
  return std::nullopt;
}

}  // namespace

const std::string* ParameterizedValue::Find(std::string_view name) const {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(),
                   [&](const HeaderParameter& parameter) { return parameter.name == name; });
  return found == parameters.end() ? nullptr : &found->value;
}

std::optional<ParameterizedValue> ParseParameters(std::string_view header) {
  ParameterizedValue parsed;
  std::string_view rest = TrimLeft(header);
  parsed.value = Lower(TakeToken(rest, "/"));
  if (parsed.value.empty()) return std::nullopt;
  for (rest = TrimLeft(rest); !rest.empty(); rest = TrimLeft(rest)) {
    if (rest.front() != ';') return std::nullopt;
    rest = TrimLeft(rest.substr(1));
    if (rest.empty()) break;  // browsers forgive a last semicolon
    HeaderParameter parameter;
    parameter.name = Lower(TakeToken(rest));
    if (parameter.name.empty() || !rest.starts_with('=')) return std::nullopt;
    rest.remove_prefix(1);
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      std::optional<std::string> value = TakeQuoted(rest);
      if (!value.has_value()) return std::nullopt;
      parameter.value = *std::move(value);
    } else {
      parameter.value = TakeToken(rest, "/:@()<>,?=[]{}");
      if (parameter.value.empty()) return std::nullopt;
    }
    parsed.parameters.push_back(std::move(parameter));
  }
  return parsed;
}

}  // namespace mao
