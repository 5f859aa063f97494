// A YAML file as a tree that knows its lines. The only file that knows yaml-cpp is its .cc.
#ifndef MAOOCR_SERVE_CONFIG_YAML_DOCUMENT_H_
#define MAOOCR_SERVE_CONFIG_YAML_DOCUMENT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

inline constexpr size_t kMaxYamlBytes = size_t{256} << 10;
inline constexpr size_t kMaxYamlDepth = 16;
inline constexpr size_t kMaxYamlNodes = 20000;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;     // from 1
  std::string key;  // within a map
  int key_line = 0;
  std::string scalar;              // as written, without quotes; a number is a text here
  std::vector<YamlNode> children;  // of a list or a map, in the order of the file
};

// The one document of `text`; an empty text is kNull. `name` is for errors.
//
// Refused (InvalidArgument, naming the line): what is not YAML, a second document, keys that are no
// scalars or stand in a map twice, tags other than YAML's own, and anchors and aliases, with which
// a short file can stand for an endless one. OutOfRange: sizes above the limits here.
Result<YamlNode> ParseYaml(std::string_view text, const std::string& name);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_YAML_DOCUMENT_H_
