// The YAML file as a source of settings.
#ifndef MAOOCR_SERVE_CONFIG_YAML_SOURCE_H_
#define MAOOCR_SERVE_CONFIG_YAML_SOURCE_H_

#include <string>
#include <vector>

#include "serve/config/assignment.h"
#include "serve/config/yaml_document.h"

namespace mao {

inline constexpr size_t kMaxModels = 64;

struct YamlSettings {
  std::vector<SettingAssignment> assignments;  // in the order of the file
  std::vector<std::string> models;             // the names below "models", in the order of the file
};

// Keys without a value (null) leave a setting as it is. Errors name `file` and the line: unknown
// keys, with what was probably meant; a section where a value belongs, and the reverse; names of
// models that are not allowed; more than kMaxModels.
YamlSettings ReadYamlSettings(const YamlNode& root, const std::string& file, ConfigErrors& errors);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_YAML_SOURCE_H_
