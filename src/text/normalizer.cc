#include "text/normalizer.h"

namespace mao {

namespace {

Result<std::string> ApplyStep(const Normalizer::Step& step, std::string text,
                              RegexScratch& scratch) {
  if (const auto* form = std::get_if<UnicodeForm>(&step)) {
    return ToUnicodeForm(std::move(text), *form);
  }
  if (const auto* prepend = std::get_if<Normalizer::Prepend>(&step)) {
    if (!text.empty()) text.insert(0, prepend->text);
    return text;
  }
  const auto& replace = std::get<Normalizer::Replace>(step);
  return ReplaceAll(text, replace.pattern, replace.content, scratch);
}

}  // namespace

Result<std::string> Normalizer::Apply(std::string_view text, RegexScratch& scratch) const {
  std::string current(text);
  for (const Step& step : steps_) {
    MAO_ASSIGN_OR_RETURN(current, ApplyStep(step, std::move(current), scratch));
  }
  return current;
}

}  // namespace mao
