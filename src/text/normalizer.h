// The normalizers of tokenizer.json: what happens to text before it is cut up.
#ifndef MAOOCR_TEXT_NORMALIZER_H_
#define MAOOCR_TEXT_NORMALIZER_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "text/pattern.h"
#include "text/unicode_form.h"

namespace mao {

class Normalizer {
 public:
  struct Prepend {  // in front of every text that is not empty
    std::string text;
  };
  struct Replace {
    Pattern pattern;
    std::string content;  // literal, no group references
  };
  using Step = std::variant<UnicodeForm, Prepend, Replace>;

  explicit Normalizer(std::vector<Step> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }

  // `text` (valid UTF-8) after all steps. Errors: those of ReplaceAll.
  Result<std::string> Apply(std::string_view text, RegexScratch& scratch) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace mao

#endif  // MAOOCR_TEXT_NORMALIZER_H_
