// Logging to standard error, so that standard output carries only results.
// Format in the caller (fmt::format); the library behind (spdlog) stays out of the headers.
#ifndef MAOOCR_BASE_LOG_H_
#define MAOOCR_BASE_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <variant>

#include "base/status.h"

namespace mao {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Accepts debug, info, warning, error, off.
Result<LogLevel> ParseLogLevel(std::string_view name);

void SetLogLevel(LogLevel level);

// Text for people, or one JSON object a line: time (UTC), level, message, and the fields.
enum class LogFormat { kText, kJson };

// Accepts text, json.
Result<LogFormat> ParseLogFormat(std::string_view name);
void SetLogFormat(LogFormat format);

struct LogField {
  std::string_view name;
  std::variant<std::string_view, int64_t, double> value;
};

// Whatever message and fields hold, it stays one line of valid UTF-8.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view message) { Log(LogLevel::kDebug, message); }
inline void LogInfo(std::string_view message) { Log(LogLevel::kInfo, message); }
inline void LogWarning(std::string_view message) { Log(LogLevel::kWarning, message); }
inline void LogError(std::string_view message) { Log(LogLevel::kError, message); }

}  // namespace mao

#endif  // MAOOCR_BASE_LOG_H_
