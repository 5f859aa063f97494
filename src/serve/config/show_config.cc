#include "serve/config/show_config.h"

#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "serve/config/setting.h"

namespace mao {
namespace {

struct ShownSetting {
  const Setting* setting;
  std::string model;  // of a model's setting
  std::vector<std::string> values;
  std::string origin;

  std::string Path() const { return setting->Path(model); }
};

// Every setting, those of a model once for each model.
std::vector<ShownSetting> AllSettings(const LoadedConfig& loaded) {
  ServeConfig config = loaded.config;  // what SettingType::get takes can be written to
  std::vector<ShownSetting> rows;
  const auto add = [&](const Setting& setting, ModelConfig* model) {
    ShownSetting row = {&setting, model != nullptr ? model->name : "", {}, ""};
    row.values = ShownValues(setting, setting.type.get({&config, model}));
    const auto origin = loaded.origins.find(row.Path());
    row.origin =
        origin == loaded.origins.end() ? SettingOrigin().ToString() : origin->second.ToString();
    rows.push_back(std::move(row));
  };
  const auto& settings = Settings();
  for (size_t i = 0; i < settings.size();) {
    if (!settings[i].is_of_model()) {
      add(settings[i++], nullptr);
      continue;
    }
    // The settings of a model stand together in the table.
    size_t end = i;
    while (end < settings.size() && settings[end].is_of_model()) ++end;
    for (ModelConfig& model : config.models) {
      for (size_t k = i; k < end; ++k) add(settings[k], &model);
    }
    i = end;
  }
  return rows;
}

std::string PlainValue(const ShownSetting& row) {
  std::string text;
  for (const std::string& value : row.values) text += (text.empty() ? "" : ",") + value;
  return text.empty() ? "-" : text;
}

// Double quotes take every text in YAML; values have no control characters.
std::string YamlString(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string YamlValue(const ShownSetting& row) {
  const SettingType::Kind kind = row.setting->type.kind;
  if (kind == SettingType::Kind::kList) {
    std::string items;
    for (const std::string& value : row.values) {
      items += (items.empty() ? "" : ", ") + YamlString(value);
    }
    return "[" + items + "]";
  }
  if (row.values.empty()) return "null";
  return kind == SettingType::Kind::kText ? YamlString(row.values[0]) : row.values[0];
}

std::string Interfaces(const ListenerSpec& listener) {
  std::string names;
  for (const ApiInterface interface : listener.interfaces) {
    names += names.empty() ? "" : " ";
    names += kApiInterfaces[static_cast<size_t>(interface)].name;
  }
  return names;
}

// The parts of "models.NAME" and so on: a section's way from the top.
std::vector<std::string> Parts(const ShownSetting& row) {
  const std::string& section = row.setting->section;
  if (row.setting->is_of_model()) return {"models", YamlString(row.model)};
  if (section.empty()) return {};
  const size_t dot = section.find('.');
  if (dot == std::string::npos) return {section};
  return {section.substr(0, dot), section.substr(dot + 1)};
}

// The headings that lead from one section to another.
std::string Headings(const std::vector<std::string>& from, const std::vector<std::string>& to) {
  const auto [unused, first] = std::mismatch(from.begin(), from.end(), to.begin(), to.end());
  std::string text;
  for (auto part = first; part != to.end(); ++part) {
    text += std::string(2 * static_cast<size_t>(part - to.begin()), ' ') + *part + ":\n";
  }
  return text;
}

}  // namespace

std::string ConfigText(const LoadedConfig& loaded) {
  const std::vector<ShownSetting> rows = AllSettings(loaded);
  constexpr size_t kMaxValueWidth = 40;  // a longer value moves its origin, not everybody's
  size_t path_width = 0;
  size_t value_width = 0;
  for (const ShownSetting& row : rows) {
    path_width = std::max(path_width, row.Path().size());
    value_width = std::max(value_width, std::min(PlainValue(row).size(), kMaxValueWidth));
  }
  std::string text;
  for (const ShownSetting& row : rows) {
    text += fmt::format("{:<{}}  {:<{}}  {}\n", row.Path(), path_width, PlainValue(row),
                        value_width, row.origin);
  }
  text += "\nListeners:\n";
  for (const ListenerSpec& listener : loaded.listeners.listeners) {
    text += fmt::format("  {}  {}\n", ListenerAddress(listener), Interfaces(listener));
  }
  for (const std::string& warning : loaded.warnings) text += "\nWarning: " + warning + "\n";
  return text;
}

std::string ConfigYaml(const LoadedConfig& loaded) {
  std::string text;
  std::vector<std::string> section;
  for (const ShownSetting& row : AllSettings(loaded)) {
    const std::vector<std::string> parts = Parts(row);
    text += Headings(section, parts);
    text += fmt::format("{}{}: {}  # {}\n", std::string(2 * parts.size(), ' '), row.setting->key,
                        YamlValue(row), row.origin);
    section = parts;
  }
  text += "# Listeners:\n";
  for (const ListenerSpec& listener : loaded.listeners.listeners) {
    text += fmt::format("#   {}  {}\n", ListenerAddress(listener), Interfaces(listener));
  }
  for (const std::string& warning : loaded.warnings) text += "# Warning: " + warning + "\n";
  return text;
}

}  // namespace mao
