// From all sources to one configuration.
#ifndef MAOOCR_SERVE_CONFIG_LOAD_CONFIG_H_
#define MAOOCR_SERVE_CONFIG_LOAD_CONFIG_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "serve/config/assignment.h"
#include "serve/config/environment_source.h"
#include "serve/config/listeners.h"
#include "serve/config/serve_config.h"

namespace mao {

// For --help.
inline constexpr std::string_view kConfigHelp =
    R"(Configuration, in the order in which it counts:
  1. flags
  2. variables of the environment
  3. the .env file: ./.env, or --env-file FILE
  4. the YAML file: --config FILE, or MAOOCR_CONFIG
  5. defaults
  A variable with the prefix MAOOCR_ goes before the same name without it. Variables and flags of a
  model describe the default model. `maoocr config show` tells what counts and where it is from.)";

// A flag of the command line.
struct FlagValue {
  const Setting* setting = nullptr;
  std::vector<std::string> values;  // as often as it was given
};

struct ConfigSources {
  std::vector<FlagValue> flags;
  EnvVariables environment;                // usually ProcessEnvironment()
  std::optional<std::string> env_file;     // not set: default_env_file, if there is such a file
  std::string default_env_file = ".env";   // empty: none
  std::optional<std::string> config_file;  // not set: as MAOOCR_CONFIG says, if anything
  std::string embedded_model_name;         // what the default model is called without a path
};

struct LoadedConfig {
  ServeConfig config;
  ListenerPlan listeners;
  std::vector<std::string> warnings;  // what works, but was perhaps not meant
  // By Setting::Path(); what is missing has its default.
  std::map<std::string, SettingOrigin> origins;
  std::string config_file;  // that was read; empty: none
  std::string env_file;     // that was read; empty: none
};

// The default model is the one that model_name names, which must be in the YAML file if that has
// any; else the first there; else one called after model_path, or embedded_model_name.
//
// Errors: InvalidArgument with all that is wrong, a line for each. Nothing is read but the two files
// (at most kMaxYamlBytes and kMaxDotenvBytes); no file that a setting names is looked at.
Result<LoadedConfig> LoadServeConfig(const ConfigSources& sources);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_LOAD_CONFIG_H_
