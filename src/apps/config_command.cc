#include "apps/config_command.h"

#include "apps/console.h"
#include "apps/embedded_model.h"
#include "apps/exit_code.h"
#include "serve/config/show_config.h"

namespace mao {

Result<LoadedConfig> LoadConfig(const ConfigOptions& options) {
  ConfigSources sources;
  sources.flags = options.flags;
  sources.environment = ProcessEnvironment();
  sources.env_file = options.env_file;
  sources.config_file = options.config_file;
  sources.embedded_model_name = kEmbeddedModelName;
  return LoadServeConfig(sources);
}

int RunConfigShow(const ConfigShowOptions& options) {
  Console console(false);
  const Result<LoadedConfig> loaded = LoadConfig(options.config);
  if (!loaded.ok()) {
    console.Error("", loaded.status().message());
    return kExitUsage;
  }
  const std::string text = options.format == "yaml" ? ConfigYaml(*loaded) : ConfigText(*loaded);
  const Status status = console.Print(Printable(text));
  if (!status.ok()) console.Error("", status.message());
  return status.ok() ? kExitOk : kExitFailed;
}

}  // namespace mao
