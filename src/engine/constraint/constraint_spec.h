// What a request may ask its text to be.
#ifndef MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_SPEC_H_
#define MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_SPEC_H_

#include <cstddef>
#include <string>

namespace mao {

inline constexpr size_t kMaxConstraintBytes = size_t{256} << 10;

struct ConstraintSpec {
  enum class Kind {
    kJsonObject,  // any JSON object; text is not used
    kJsonSchema,  // text: a JSON Schema
    kRegex,       // text: a regular expression that the whole answer matches
    kChoice,      // text: a JSON array of strings, one of which is the answer
  };
  Kind kind = Kind::kJsonObject;
  std::string text;

  bool operator==(const ConstraintSpec&) const = default;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_SPEC_H_
