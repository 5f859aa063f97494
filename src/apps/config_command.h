// `maoocr config show`: the server's configuration and where each value comes from.
#ifndef MAOOCR_APPS_CONFIG_COMMAND_H_
#define MAOOCR_APPS_CONFIG_COMMAND_H_

#include <optional>
#include <string>
#include <vector>

#include "serve/config/load_config.h"

namespace mao {

// What the server's command line says; for every command that starts from a configuration.
struct ConfigOptions {
  std::optional<std::string> config_file;
  std::optional<std::string> env_file;
  std::vector<FlagValue> flags;
};

// Of all sources: the command line, this process's environment, the files.
Result<LoadedConfig> LoadConfig(const ConfigOptions& options);

struct ConfigShowOptions {
  ConfigOptions config;
  std::string format = "text";  // text, yaml
};

// Returns the exit code.
int RunConfigShow(const ConfigShowOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_CONFIG_COMMAND_H_
