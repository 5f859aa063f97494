// Any bytes as a .env file: bounded, in order, and a value that is written back in single quotes
// reads as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "serve/config/dotenv.h"
#include "serve/config/environment_source.h"

namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

// Empty if the value has a quote, or a backslash, which could stand before one.
std::string SingleQuoted(const std::string& value) {
  if (value.find_first_of("'\\") != std::string::npos) return "";
  return "'" + value + "'";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const mao::DotenvFile file = mao::ParseDotenv(text);
  Check(file.entries.size() <= mao::kMaxDotenvEntries && file.errors.size() <= 100);
  int line = 1;
  size_t total_bytes = 0;
  for (const mao::DotenvEntry& entry : file.entries) {
    Check(entry.line >= line && !entry.name.empty() && entry.name.size() <= 256);
    Check(entry.value.find('\0') == std::string::npos);
    line = entry.line;
    total_bytes += entry.name.size() + entry.value.size();
    const std::string quoted = SingleQuoted(entry.value);
    if (quoted.empty()) continue;
    const mao::DotenvFile again = mao::ParseDotenv("export " + entry.name + "=" + quoted + " # x");
    Check(again.errors.empty() && again.entries.size() == 1);
    Check(again.entries[0].name == entry.name && again.entries[0].value == entry.value);
  }
  Check(total_bytes <= size);

  mao::ConfigErrors errors;
  const mao::EnvVariables variables = mao::DotenvVariables(file, "fuzz", errors);
  mao::ReadVariables(variables, "fuzz", errors);
  return 0;
}
