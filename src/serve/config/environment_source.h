// Variables as sources of settings: of the process and of a .env file.
#ifndef MAOOCR_SERVE_CONFIG_ENVIRONMENT_SOURCE_H_
#define MAOOCR_SERVE_CONFIG_ENVIRONMENT_SOURCE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "serve/config/assignment.h"
#include "serve/config/dotenv.h"

namespace mao {

// Names the YAML file, if --config does not.
inline constexpr std::string_view kConfigFileVariable = "MAOOCR_CONFIG";

struct EnvVariable {
  std::string value;
  int line = 0;  // of a .env file
  bool has_expansion = false;
};
using EnvVariables = std::map<std::string, EnvVariable>;

// The environment of this process.
EnvVariables ProcessEnvironment();

// Of equal names the last counts. Lines that are wrong are errors.
EnvVariables DotenvVariables(const DotenvFile& parsed, const std::string& file,
                             ConfigErrors& errors);

// The settings that variables give. An empty value counts as not set, as compose files pass it on
// for ${NAME:-}. Of a setting's names the first that is set counts.
//
// Unknown names that are a slip away from a known one are errors with a suggestion; in the
// environment of the process, which belongs to everybody, only those that begin with MAOOCR_. All
// other unknown names are left alone.
//
// `file` is the .env file's name; empty: the environment of the process. There a port whose value is
// "tcp://..." is left alone too: Kubernetes sets API_PORT so for a Service called "api".
std::vector<SettingAssignment> ReadVariables(const EnvVariables& variables, const std::string& file,
                                             ConfigErrors& errors);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_ENVIRONMENT_SOURCE_H_
