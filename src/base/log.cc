#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

#include <fmt/core.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

namespace mao {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto created = std::make_shared<spdlog::logger>(
        "maoocr", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created->set_level(spdlog::level::warn);
    created->set_pattern(kTextPattern, spdlog::pattern_time_type::utc);
    return created;
  }();
  return *logger;
}

// Quoted as JSON, without the quotes: control characters and bytes that are not UTF-8 are gone.
std::string Escaped(std::string_view text) {
  std::string quoted =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

// A message of plain ASCII keeps its quotation marks and backslashes.
std::string OneLine(std::string_view text) {
  const bool is_clean = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= ' ' && byte < 0x7f;
  });
  return is_clean ? std::string(text) : Escaped(text);
}

std::string ToText(const LogField& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    const bool is_word = !text->empty() && text->find_first_of(" =\"") == std::string_view::npos;
    return is_word ? OneLine(*text) : '"' + Escaped(*text) + '"';
  }
  if (const auto* integer = std::get_if<int64_t>(&field.value)) return std::to_string(*integer);
  return fmt::format("{:.1f}", std::get<double>(field.value));
}

std::string ToJson(const LogField& field) {
  if (std::holds_alternative<std::string_view>(field.value)) {
    return '"' + Escaped(std::get<std::string_view>(field.value)) + '"';
  }
  return ToText(field);
}

std::atomic<LogFormat> log_format = LogFormat::kText;

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  if (name == "off") return LogLevel::kOff;
  return InvalidArgumentError("unknown log level '" + std::string(name) +
                              "'; known: debug, info, warning, error, off");
}

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

Result<LogFormat> ParseLogFormat(std::string_view name) {
  if (name == "text") return LogFormat::kText;
  if (name == "json") return LogFormat::kJson;
  return InvalidArgumentError(fmt::format("unknown log format '{}'; known: text, json", name));
}

void SetLogFormat(LogFormat format) {
  log_format = format;
  Logger().set_pattern(format == LogFormat::kText ? kTextPattern : kJsonPattern,
                       spdlog::pattern_time_type::utc);
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(ToSpdlog(level))) return;
  std::string line;
  if (log_format == LogFormat::kText) {
    line = OneLine(message);
    for (const LogField& field : fields) line += fmt::format(" {}={}", field.name, ToText(field));
  } else {
    line = fmt::format(R"("message":"{}")", Escaped(message));
    for (const LogField& field : fields) {
      line += fmt::format(R"(,"{}":{})", field.name, ToJson(field));
    }
  }
  logger.log(ToSpdlog(level), spdlog::string_view_t(line));
}

}  // namespace mao
