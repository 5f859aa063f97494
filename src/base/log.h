// Logging to standard error, so that standard output carries only results.
// Format in the caller (fmt::format); the library behind (spdlog) stays out of the headers.
#ifndef MAOOCR_BASE_LOG_H_
#define MAOOCR_BASE_LOG_H_

#include <string_view>

#include "base/status.h"

namespace mao {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Accepts debug, info, warning, error, off.
Result<LogLevel> ParseLogLevel(std::string_view name);

void SetLogLevel(LogLevel level);
void Log(LogLevel level, std::string_view message);

inline void LogDebug(std::string_view message) { Log(LogLevel::kDebug, message); }
inline void LogInfo(std::string_view message) { Log(LogLevel::kInfo, message); }
inline void LogWarning(std::string_view message) { Log(LogLevel::kWarning, message); }
inline void LogError(std::string_view message) { Log(LogLevel::kError, message); }

}  // namespace mao

#endif  // MAOOCR_BASE_LOG_H_
