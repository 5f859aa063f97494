#include "engine/constraint/constraint_compiler.h"

#include <algorithm>

namespace mao {

Result<std::shared_ptr<const ConstraintVocabulary>> ConstraintCompiler::Vocabulary() {
  const std::lock_guard lock(vocabulary_mutex_);
  if (vocabulary_ == nullptr) {
    MAO_ASSIGN_OR_RETURN(vocabulary_, ConstraintVocabulary::Create(*tokenizer_));
  }
  return vocabulary_;
}

std::shared_ptr<const Constraint> ConstraintCompiler::FindKept(const ConstraintSpec& spec) {
  const std::lock_guard lock(kept_mutex_);
  const auto it = std::find_if(kept_.begin(), kept_.end(),
                               [&](const Kept& kept) { return kept.first == spec; });
  if (it == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, it);
  return it->second;
}

Result<std::shared_ptr<const Constraint>> ConstraintCompiler::Compile(const ConstraintSpec& spec) {
  if (auto kept = FindKept(spec)) return kept;
  MAO_ASSIGN_OR_RETURN(auto vocabulary, Vocabulary());
  // Without a lock: a large schema must not hold up the others.
  MAO_ASSIGN_OR_RETURN(auto constraint, CompileConstraint(spec, std::move(vocabulary)));
  const std::lock_guard lock(kept_mutex_);
  kept_.emplace_front(spec, constraint);
  if (kept_.size() > kMaxKept) kept_.pop_back();
  return constraint;
}

}  // namespace mao
