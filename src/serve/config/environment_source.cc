#include "serve/config/environment_source.h"

#include <algorithm>
#include <set>

#include <unistd.h>

#include <fmt/core.h>

#include "serve/config/spelling.h"

namespace mao {
namespace {

constexpr std::string_view kPrefix = "MAOOCR_";
// Of the program, but no settings of the server.
constexpr std::string_view kOtherVariables[] = {"MAOOCR_CPU_ISA", kConfigFileVariable};
// Close to names of ours, and common in .env files of other programs.
constexpr std::string_view kVariablesOfOthers[] = {"APP_HOST", "APP_PORT"};

// In short names one letter makes another word.
constexpr size_t kShortName = 10;

const std::vector<std::string>& KnownNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all(std::begin(kOtherVariables), std::end(kOtherVariables));
    for (const Setting& setting : Settings()) {
      all.insert(all.end(), setting.environment.begin(), setting.environment.end());
    }
    return all;
  }();
  return names;
}

bool IsIn(const auto& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

SettingOrigin OriginOf(const std::string& name, const EnvVariable& variable,
                       const std::string& file) {
  const auto kind = file.empty() ? SettingOrigin::Kind::kEnvironment : SettingOrigin::Kind::kDotenv;
  return {kind, file, variable.line, name};
}

void CheckNames(const EnvVariables& variables, const std::string& file, ConfigErrors& errors) {
  for (const auto& [name, variable] : variables) {
    if (file.empty() && !name.starts_with(kPrefix)) continue;
    if (IsIn(KnownNames(), name) || IsIn(kVariablesOfOthers, name)) continue;
    const std::string nearest = NearestWord(name, KnownNames(), name.size() < kShortName ? 1 : 2);
    if (nearest.empty()) continue;
    const std::string where = file.empty() ? "environment: unknown key " + QuotedForError(name)
                                           : fmt::format("{}: unknown key {} at line {}", file,
                                                         QuotedForError(name), variable.line);
    errors.Add(fmt::format("{}; did you mean '{}'?", where, nearest));
  }
}

bool IsServiceLink(const std::string& name, const std::string& value) {
  return name.ends_with("_PORT") && (value.starts_with("tcp://") || value.starts_with("udp://"));
}

// The first of the setting's names that is set; end() if none is.
EnvVariables::const_iterator FindVariable(const Setting& setting, const EnvVariables& variables,
                                          bool is_process) {
  for (const std::string& name : setting.environment) {
    const auto found = variables.find(name);
    if (found == variables.end() || found->second.value.empty()) continue;
    if (is_process && IsServiceLink(name, found->second.value)) continue;
    return found;
  }
  return variables.end();
}

}  // namespace

EnvVariables ProcessEnvironment() {
  EnvVariables variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables[std::string(text.substr(0, equals))].value = text.substr(equals + 1);
  }
  return variables;
}

EnvVariables DotenvVariables(const DotenvFile& parsed, const std::string& file,
                             ConfigErrors& errors) {
  for (const DotenvError& error : parsed.errors) {
    errors.Add(fmt::format("{}: line {}: {}", file, error.line, error.message));
  }
  EnvVariables variables;
  for (const DotenvEntry& entry : parsed.entries) {
    variables[entry.name] = {entry.value, entry.line, entry.has_expansion};
  }
  return variables;
}

std::vector<SettingAssignment> ReadVariables(const EnvVariables& variables, const std::string& file,
                                             ConfigErrors& errors) {
  CheckNames(variables, file, errors);
  std::vector<SettingAssignment> assignments;
  for (const Setting& setting : Settings()) {
    const auto found = FindVariable(setting, variables, file.empty());
    if (found == variables.end()) continue;
    const auto& [name, variable] = *found;
    SettingAssignment assignment;
    assignment.setting = &setting;
    assignment.origin = OriginOf(name, variable, file);
    if (variable.has_expansion) {
      errors.Add(
          assignment.origin.Where() +
          " has a $ that would have to be expanded, which is not done here; write the value, "
          "or put it into single quotes");
      continue;
    }
    assignment.values = setting.type.kind == SettingType::Kind::kList
                            ? SplitSettingList(variable.value)
                            : std::vector{variable.value};
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

}  // namespace mao
