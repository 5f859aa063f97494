// What the sources say, before it is applied.
#ifndef MAOOCR_SERVE_CONFIG_ASSIGNMENT_H_
#define MAOOCR_SERVE_CONFIG_ASSIGNMENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "serve/config/setting.h"

namespace mao {

// Where a value comes from; in ascending precedence.
struct SettingOrigin {
  enum class Kind { kDefault, kYaml, kDotenv, kEnvironment, kFlag };
  Kind kind = Kind::kDefault;
  std::string file;  // of kYaml and kDotenv
  int line = 0;      // of kYaml and kDotenv
  std::string name;  // as it is called there: a key, a variable, a flag

  // "default", "serve.yaml:7", ".env:3 MAX_MODEL_LEN", "environment MAX_MODEL_LEN",
  // "flag --max-model-len".
  std::string ToString() const;
  // For errors: "serve.yaml: max_model_len at line 7", "environment: MAX_MODEL_LEN".
  std::string Where() const;
};

struct SettingAssignment {
  const Setting* setting = nullptr;
  std::string model;  // of a model's setting in the YAML file; else empty: the default model
  std::vector<std::string> values;
  SettingOrigin origin;
};

// All that is wrong, to be told at once.
class ConfigErrors {
 public:
  void Add(std::string message);
  bool empty() const { return messages_.empty(); }
  // InvalidArgument: the one message; or a count, and each in a line. At most 50 are told.
  Status ToStatus() const;

 private:
  std::vector<std::string> messages_;
};

// The text as an error may show it: cut at 64 bytes, without control characters.
std::string QuotedForError(std::string_view text);

// The parts of a list in an environment variable or a flag: separated by commas, trimmed; empty ones
// are left out.
std::vector<std::string> SplitSettingList(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_SERVE_CONFIG_ASSIGNMENT_H_
