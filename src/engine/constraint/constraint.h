// Structured output: text that is held to a JSON Schema, a regular expression or a choice while it
// is generated. docs/structured_output.md.
#ifndef MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_H_
#define MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/constraint/constraint_spec.h"
#include "engine/constraint/mask_builder.h"
#include "engine/constraint/pushdown.h"
#include "engine/constraint/token_tree.h"

namespace mao {

// What a text must be, for one vocabulary. Immutable but for a cache, and shared by requests.
class Constraint {
 public:
  Constraint(Grammar grammar, std::shared_ptr<const ConstraintVocabulary> vocabulary)
      : grammar_(std::move(grammar)), vocabulary_(std::move(vocabulary)) {}

  const Grammar& grammar() const { return grammar_; }
  const ConstraintVocabulary& vocabulary() const { return *vocabulary_; }
  InsideMaskCache& masks() const { return masks_; }

 private:
  Grammar grammar_;
  std::shared_ptr<const ConstraintVocabulary> vocabulary_;
  mutable InsideMaskCache masks_;
};

// Errors: InvalidArgument (malformed, not supported, contradictory, or only the empty text is
// allowed; the message names the place), OutOfRange (a limit).
Result<std::shared_ptr<const Constraint>> CompileConstraint(
    const ConstraintSpec& spec, std::shared_ptr<const ConstraintVocabulary> vocabulary);

// How far the text of one request has come.
class ConstraintState {
 public:
  // end_ids: tokens that end the text; allowed when it is complete.
  ConstraintState(std::shared_ptr<const Constraint> constraint, std::span<const TokenId> end_ids);
  ConstraintState(ConstraintState&&) noexcept;
  ConstraintState& operator=(ConstraintState&&) noexcept;
  ~ConstraintState();

  // Writes a bit for every token: whether it may come next. bits: (vocabulary size + 63) / 64 words;
  // ids without a token have no bit. ResourceExhausted if the constraint is so ambiguous that
  // looking at all tokens costs too much (docs/structured_output.md, "Limits").
  Status FillMask(std::span<uint64_t> bits);

  // Takes the next token. False, and nothing changes, if it may not come next (or, with a constraint
  // as ambiguous as above, if the texts it may belong to are too many to follow).
  bool Accept(TokenId id);

  // The text may end here.
  bool IsComplete() const;
  // It may end, and nothing may follow.
  bool CanOnlyEnd() const;

 private:
  struct Run;  // does not move, so that its parts may refer to one another

  std::shared_ptr<const Constraint> constraint_;
  std::vector<TokenId> end_ids_;
  std::unique_ptr<Run> run_;
  bool is_first_ = true;
  bool has_ended_ = false;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CONSTRAINT_CONSTRAINT_H_
