#include "serve/config/load_config.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <fmt/core.h>

#include "base/file.h"
#include "serve/config/check_config.h"
#include "serve/config/setting_types.h"
#include "serve/config/spelling.h"
#include "serve/config/yaml_source.h"

namespace mao {
namespace {

constexpr std::string_view kModelNameSetting = "model_name";
constexpr std::string_view kModelPathSetting = "model_path";
constexpr std::string_view kDataDirSetting = "data_dir";

std::string ValueOf(const EnvVariables& variables, std::string_view name) {
  const auto found = variables.find(std::string(name));
  return found == variables.end() ? "" : found->second.value;
}

// The last part of a path.
std::string LastPart(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

class Loader {
 public:
  explicit Loader(const ConfigSources& sources) : sources_(sources) {}

  Result<LoadedConfig> Load() && {
    ReadDotenv();
    ReadYaml();
    Append(ReadVariables(dotenv_, loaded_.env_file.empty() ? ".env" : loaded_.env_file, errors_));
    Append(ReadVariables(sources_.environment, "", errors_));
    ReadFlags();
    MakeModels();
    for (const SettingAssignment& assignment : assignments_) Apply(assignment);
    SetDataDir();
    // Settings that are wrong alone would be wrong together too.
    if (errors_.empty()) CheckConfig(loaded_.config, errors_);
    if (!errors_.empty()) return errors_.ToStatus();
    Result<ListenerPlan> listeners = ResolveListeners(loaded_.config);
    if (!listeners.ok()) return listeners.status();
    loaded_.listeners = *std::move(listeners);
    loaded_.warnings = ConfigWarnings(loaded_.config, loaded_.listeners);
    return std::move(loaded_);
  }

 private:
  void Append(std::vector<SettingAssignment> more) {
    assignments_.insert(assignments_.end(), std::make_move_iterator(more.begin()),
                        std::make_move_iterator(more.end()));
  }

  void ReadDotenv() {
    std::string file = sources_.env_file.value_or("");
    if (!sources_.env_file) {
      // A folder of this name is a virtual environment of Python, as a rule.
      std::error_code error;
      if (!std::filesystem::is_regular_file(sources_.default_env_file, error)) return;
      file = sources_.default_env_file;
    }
    if (file.empty()) return errors_.Add("command line: --env-file names no file");
    const Result<std::string> text = ReadFile(file, kMaxDotenvBytes);
    if (!text.ok()) return errors_.Add(text.status().message());
    loaded_.env_file = file;
    dotenv_ = DotenvVariables(ParseDotenv(*text), file, errors_);
  }

  void ReadYaml() {
    std::string file = sources_.config_file.value_or("");
    if (!sources_.config_file) {
      file = ValueOf(sources_.environment, kConfigFileVariable);
      if (file.empty()) file = ValueOf(dotenv_, kConfigFileVariable);
      if (file.empty()) return;
    }
    if (file.empty()) return errors_.Add("command line: --config names no file");
    const Result<std::string> text = ReadFile(file, kMaxYamlBytes);
    if (!text.ok()) return errors_.Add(text.status().message());
    const Result<YamlNode> root = ParseYaml(*text, file);
    if (!root.ok()) return errors_.Add(root.status().message());
    loaded_.config_file = file;
    YamlSettings settings = ReadYamlSettings(*root, file, errors_);
    yaml_models_ = std::move(settings.models);
    Append(std::move(settings.assignments));
  }

  void ReadFlags() {
    for (const FlagValue& flag : sources_.flags) {
      SettingAssignment assignment;
      assignment.setting = flag.setting;
      assignment.values = flag.values;
      if (flag.setting->type.kind == SettingType::Kind::kList) {
        assignment.values.clear();
        for (const std::string& value : flag.values) {
          for (std::string& item : SplitSettingList(value))
            assignment.values.push_back(std::move(item));
        }
      }
      assignment.origin = {SettingOrigin::Kind::kFlag, "", 0, flag.setting->flags[0]};
      assignments_.push_back(std::move(assignment));
    }
  }

  // What the sources say last about a setting, of no model in the YAML file; empty if nothing.
  std::string LastValue(std::string_view name) const {
    for (auto each = assignments_.rbegin(); each != assignments_.rend(); ++each) {
      if (each->setting->name == name && each->model.empty() && each->values.size() == 1) {
        return each->values[0];
      }
    }
    return "";
  }

  void MakeModels() {
    ServeConfig& config = loaded_.config;
    std::vector<std::string> names = yaml_models_;
    std::string chosen = LastValue(kModelNameSetting);
    if (names.empty()) {
      if (chosen.empty()) chosen = NameFromPath();
      if (chosen.empty()) chosen = sources_.embedded_model_name;
      names = {chosen};
    } else if (chosen.empty()) {
      chosen = names[0];
    } else if (std::find(names.begin(), names.end(), chosen) == names.end()) {
      FailUnknownModel(chosen, names);
      chosen = names[0];
    }
    for (std::string& name : names) {
      config.models.emplace_back();
      config.models.back().name = std::move(name);
    }
    config.default_model = chosen;
    default_model_ = std::move(chosen);
  }

  std::string NameFromPath() {
    std::string name = LastPart(LastValue(kModelPathSetting));
    if (!setting_types::kModelName.is_allowed(name)) {
      errors_.Add(fmt::format("model_path ends in {}, which is no name for a model; set model_name",
                              QuotedForError(name)));
    }
    return name;
  }

  void FailUnknownModel(const std::string& name, const std::vector<std::string>& names) {
    std::string known;
    for (const std::string& each : names) known += (known.empty() ? "" : ", ") + each;
    const std::string nearest = NearestWord(name, names, 2);
    errors_.Add(fmt::format(
        "model_name {} is not below models in {}; {}", QuotedForError(name), loaded_.config_file,
        nearest.empty() ? "known: " + known : fmt::format("did you mean '{}'?", nearest)));
  }

  void Apply(const SettingAssignment& assignment) {
    const Setting& setting = *assignment.setting;
    const std::string& model_name = assignment.model.empty() ? default_model_ : assignment.model;
    const auto model =
        std::find_if(loaded_.config.models.begin(), loaded_.config.models.end(),
                     [&](const ModelConfig& each) { return each.name == model_name; });
    const SettingTarget target = {&loaded_.config, &*model};
    // An empty name chooses nothing.
    if (setting.name == kModelNameSetting && assignment.values == std::vector<std::string>{""}) {
      return;
    }
    if (!setting.type.set(target, assignment.values)) {
      std::string value;
      for (const std::string& each : ShownValues(setting, assignment.values)) {
        value += (value.empty() ? "" : ",") + each;
      }
      return errors_.Add(fmt::format("{} is {}; allowed: {}", assignment.origin.Where(),
                                     QuotedForError(value), setting.type.allowed));
    }
    loaded_.origins[setting.Path(model_name)] = assignment.origin;
  }

  void SetDataDir() {
    std::string& folder = loaded_.config.data_dir;
    if (!folder.empty()) return;
    loaded_.origins.erase(std::string(kDataDirSetting));
    // As the XDG Base Directory Specification says; a relative path there must be ignored.
    const std::string state = ValueOf(sources_.environment, "XDG_STATE_HOME");
    const std::string user = ValueOf(sources_.environment, "HOME");
    if (state.starts_with('/')) {
      folder = state + "/maoocr";
    } else if (user.starts_with('/')) {
      folder = user + "/.local/state/maoocr";
    } else {
      errors_.Add("neither XDG_STATE_HOME nor HOME is set; set data_dir (MAOOCR_DATA_DIR)");
    }
  }

  const ConfigSources& sources_;
  ConfigErrors errors_;
  LoadedConfig loaded_;
  EnvVariables dotenv_;
  std::vector<std::string> yaml_models_;
  std::vector<SettingAssignment> assignments_;  // in ascending precedence
  std::string default_model_;
};

}  // namespace

Result<LoadedConfig> LoadServeConfig(const ConfigSources& sources) {
  return Loader(sources).Load();
}

}  // namespace mao
