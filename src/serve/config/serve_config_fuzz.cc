// Any bytes as the YAML file: the tree, the settings, and what is allowed reads back as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "serve/config/assignment.h"
#include "serve/config/yaml_document.h"
#include "serve/config/yaml_source.h"

namespace {

void Check(bool condition) {
  if (!condition) std::abort();
}

size_t CheckTree(const mao::YamlNode& node, size_t depth) {
  Check(depth <= mao::kMaxYamlDepth + 1 && node.line >= 0);
  size_t num_nodes = 1;
  for (const mao::YamlNode& child : node.children) num_nodes += CheckTree(child, depth + 1);
  return num_nodes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const mao::Result<mao::YamlNode> root = mao::ParseYaml(text, "fuzz");
  if (!root.ok()) return 0;
  Check(CheckTree(*root, 1) <= mao::kMaxYamlNodes + 1);

  mao::ConfigErrors errors;
  const mao::YamlSettings settings = mao::ReadYamlSettings(*root, "fuzz", errors);
  Check(settings.models.size() <= mao::kMaxModels);
  for (const mao::SettingAssignment& assignment : settings.assignments) {
    mao::ServeConfig config;
    mao::ModelConfig model;
    const mao::SettingTarget target = {&config, &model};
    const mao::SettingType& type = assignment.setting->type;
    if (!type.set(target, assignment.values)) continue;
    const auto value = type.get(target);
    Check(type.set(target, value) && type.get(target) == value);
  }
  return 0;
}
