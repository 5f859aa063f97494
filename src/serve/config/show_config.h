// A configuration as people read it.
#ifndef MAOOCR_SERVE_CONFIG_SHOW_CONFIG_H_
#define MAOOCR_SERVE_CONFIG_SHOW_CONFIG_H_

#include <string>

#include "serve/config/load_config.h"

namespace mao {

// A line for each setting: path, value, origin; then the listeners and the warnings. Secrets are
// shown as "***".
std::string ConfigText(const LoadedConfig& loaded);

// A YAML file that means the same, with the origins as comments. Secrets are "***", which is refused
// when the file is read: they must be written in again.
std::string ConfigYaml(const LoadedConfig& loaded);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_SHOW_CONFIG_H_
