#include "serve/config/yaml_source.h"

#include <algorithm>

#include <fmt/core.h>

#include "serve/config/setting_types.h"
#include "serve/config/spelling.h"

namespace mao {
namespace {

constexpr std::string_view kModels = "models";

// How far a key may be from what was meant: a third of its letters.
size_t MaxSpellingDistance(const std::string& key) {
  return std::clamp<size_t>(key.size() / 3, 1, 3);
}

// What may stand in a section: its settings, and sections below it.
struct SectionContents {
  std::vector<std::string> keys;  // of both kinds
  std::vector<const Setting*> settings;

  void AddKey(const std::string& key) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
};

SectionContents ContentsOf(const std::string& section) {
  SectionContents contents;
  const std::string prefix = section.empty() ? "" : section + ".";
  for (const Setting& setting : Settings()) {
    if (setting.section == section) {
      contents.AddKey(setting.key);
      contents.settings.push_back(&setting);
    } else if (setting.section.starts_with(prefix)) {
      const std::string below = setting.section.substr(prefix.size());
      contents.AddKey(below.substr(0, below.find('.')));
    }
  }
  return contents;
}

// A setting of this key, or of this name, that belongs somewhere else; null if there is none.
const Setting* FindElsewhere(const std::string& key) {
  for (const Setting& setting : Settings()) {
    if (SpellingDistance(key, setting.key, 0) == 0 || SpellingDistance(key, setting.name, 0) == 0) {
      return &setting;
    }
  }
  return nullptr;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

class YamlReader {
 public:
  YamlReader(std::string file, ConfigErrors& errors) : file_(std::move(file)), errors_(errors) {}

  YamlSettings Read(const YamlNode& root) && {
    ReadSection(root, "", "");
    return std::move(settings_);
  }

 private:
  void Fail(std::string message) { errors_.Add(file_ + ": " + std::move(message)); }

  // False: there is nothing to read; wrong kinds are reported.
  bool IsMap(const YamlNode& node, const std::string& section) {
    if (node.kind == YamlNode::Kind::kMap) return true;
    if (node.kind != YamlNode::Kind::kNull) {
      Fail(section.empty() ? "the file must consist of keys and values"
                           : fmt::format("{} at line {} is no section; allowed: keys and values "
                                         "below it",
                                         section, node.line));
    }
    return false;
  }

  void ReadSection(const YamlNode& map, const std::string& section, const std::string& model) {
    if (!IsMap(map, section)) return;
    const SectionContents contents = ContentsOf(section);
    for (const YamlNode& child : map.children) {
      const auto setting =
          std::find_if(contents.settings.begin(), contents.settings.end(),
                       [&](const Setting* each) { return each->key == child.key; });
      if (setting != contents.settings.end()) {
        ReadValue(**setting, child, model);
      } else if (section.empty() && child.key == kModels) {
        ReadModels(child);
      } else if (std::find(contents.keys.begin(), contents.keys.end(), child.key) !=
                 contents.keys.end()) {
        ReadSection(child, section.empty() ? child.key : section + "." + child.key, model);
      } else {
        FailUnknown(child, contents);
      }
    }
  }

  void FailUnknown(const YamlNode& node, const SectionContents& contents) {
    const std::string problem =
        fmt::format("unknown key {} at line {}", QuotedForError(node.key), node.key_line);
    const std::string nearest = NearestWord(node.key, contents.keys, MaxSpellingDistance(node.key));
    const Setting* const elsewhere = FindElsewhere(node.key);
    if (elsewhere != nullptr && SpellingDistance(node.key, nearest, 0) != 0) {
      Fail(fmt::format("{}; did you mean '{}'?", problem, elsewhere->Path("NAME")));
    } else if (!nearest.empty()) {
      Fail(fmt::format("{}; did you mean '{}'?", problem, nearest));
    } else {
      Fail(fmt::format("{}; known here: {}", problem, Joined(contents.keys)));
    }
  }

  void ReadModels(const YamlNode& map) {
    if (!IsMap(map, std::string(kModels))) return;
    for (const YamlNode& child : map.children) {
      if (child.key.empty() || !setting_types::kModelName.is_allowed(child.key)) {
        Fail(fmt::format("the model's name {} at line {} is not allowed; allowed: {}",
                         QuotedForError(child.key), child.key_line,
                         setting_types::kModelName.allowed));
        continue;
      }
      if (settings_.models.size() == kMaxModels) {
        Fail(fmt::format("more models than the limit of {}, at line {}", kMaxModels,
                         child.key_line));
        return;
      }
      settings_.models.push_back(child.key);
      ReadSection(child, std::string(kModelSection), child.key);
    }
  }

  void ReadValue(const Setting& setting, const YamlNode& node, const std::string& model) {
    if (node.kind == YamlNode::Kind::kNull) return;
    SettingAssignment assignment;
    assignment.setting = &setting;
    assignment.model = model;
    assignment.origin = {SettingOrigin::Kind::kYaml, file_, node.key_line, setting.Path(model)};
    const bool is_list = setting.type.kind == SettingType::Kind::kList;
    bool is_plain = node.kind == YamlNode::Kind::kScalar;
    if (is_plain) {
      assignment.values = is_list ? SplitSettingList(node.scalar) : std::vector{node.scalar};
    } else if (is_list && node.kind == YamlNode::Kind::kList) {
      is_plain = true;
      for (const YamlNode& item : node.children) {
        is_plain = is_plain && item.kind == YamlNode::Kind::kScalar;
        assignment.values.push_back(item.scalar);
      }
    }
    if (!is_plain) {
      return errors_.Add(fmt::format("{} is {}; allowed: {}", assignment.origin.Where(),
                                     is_list ? "no plain list" : "a list or a section",
                                     setting.type.allowed));
    }
    settings_.assignments.push_back(std::move(assignment));
  }

  std::string file_;
  ConfigErrors& errors_;
  YamlSettings settings_;
};

}  // namespace

YamlSettings ReadYamlSettings(const YamlNode& root, const std::string& file, ConfigErrors& errors) {
  return YamlReader(file, errors).Read(root);
}

}  // namespace mao
