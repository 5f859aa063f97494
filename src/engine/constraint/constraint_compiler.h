// Compiles the constraints of an engine's requests, and keeps those that come again and again.
#ifndef MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_COMPILER_H_
#define MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_COMPILER_H_

#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "base/status.h"
#include "engine/constraint/constraint.h"

namespace mao {

// Thread-safe. What it made does not refer to it or to the tokenizer.
class ConstraintCompiler {
 public:
  static constexpr size_t kMaxKept = 32;  // the latest used

  // `tokenizer` must outlive this. Its vocabulary is looked at when first needed.
  explicit ConstraintCompiler(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}

  // Errors: those of CompileConstraint and ConstraintVocabulary::Create.
  Result<std::shared_ptr<const Constraint>> Compile(const ConstraintSpec& spec);

 private:
  using Kept = std::pair<ConstraintSpec, std::shared_ptr<const Constraint>>;

  Result<std::shared_ptr<const ConstraintVocabulary>> Vocabulary();
  std::shared_ptr<const Constraint> FindKept(const ConstraintSpec& spec);

  const Tokenizer* tokenizer_;
  std::mutex vocabulary_mutex_;
  std::shared_ptr<const ConstraintVocabulary> vocabulary_;
  std::mutex kept_mutex_;
  std::list<Kept> kept_;  // latest used first
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_COMPILER_H_
