// The table of everything that can be set. It drives the reading of every source, the flags, what
// `maoocr config show` prints and the table in docs/configuration.md.
#ifndef MAOOCR_SERVE_CONFIG_SETTING_H_
#define MAOOCR_SERVE_CONFIG_SETTING_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/config/serve_config.h"

namespace mao {

// What a setting writes to. `model` is for the settings of a model only.
struct SettingTarget {
  ServeConfig* config = nullptr;
  ModelConfig* model = nullptr;
};

// What a value may be. A value is a list of texts; all but lists have exactly one.
struct SettingType {
  enum class Kind { kText, kNumber, kSwitch, kList };
  Kind kind = Kind::kText;
  std::string placeholder;  // for --help: "N", "DIR"
  std::string allowed;      // for errors: "a whole number from 0 to 65535"
  // False, with nothing changed: the value is not allowed.
  std::function<bool(SettingTarget, const std::vector<std::string>&)> set;
  // As `set` reads it; empty: not set, or an empty list.
  std::function<std::vector<std::string>(SettingTarget)> get;
};

// In the YAML file, the settings of a model are below "models" and the model's name.
inline constexpr std::string_view kModelSection = "models.NAME";

struct Setting {
  std::string name;     // unique; MAOOCR_ and this in capitals is its first environment name
  std::string section;  // in the YAML file: "", "limits", "api_interfaces.grpc", kModelSection
  std::string key;      // in that section
  std::vector<std::string> environment;  // the first that is set counts; empty: YAML only
  std::vector<std::string> flags;        // "--max-num-seqs"; synonyms; empty: YAML only
  SettingType type;
  std::string help;  // what it means; unit and special values included
  bool is_secret = false;

  bool is_of_model() const { return section == kModelSection; }
  // "limits.max_queue_length"; of a model "models.NAME.max_model_len".
  std::string Path(std::string_view model) const;
};

// In the order of the documentation. Never changes.
const std::vector<Setting>& Settings();

// Null if there is none.
const Setting* FindSetting(std::string_view name);

// The values with what must not be seen replaced by "***": secrets, and passwords within URLs.
std::vector<std::string> ShownValues(const Setting& setting, std::vector<std::string> values);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_SETTING_H_
