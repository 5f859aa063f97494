#include "engine/constraint/constraint.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "engine/constraint/json_schema.h"
#include "engine/constraint/json_value.h"
#include "engine/constraint/regex_writer.h"
#include "text/utf8.h"

namespace mao {
namespace {

void SetBits(std::span<const TokenId> ids, std::span<uint64_t> bits) {
  for (const TokenId id : ids) {
    const auto word = static_cast<size_t>(id) / 64;
    if (word < bits.size()) bits[word] |= uint64_t{1} << (id % 64);
  }
}

bool Holds(std::span<const TokenId> ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Work that a request may spend, in units of Pushdown::budget (some nanoseconds each): a store for
// the first masks of a constraint, and what every step adds to it.
constexpr int64_t kMaxBudget = int64_t{1} << 26;
constexpr int64_t kBudgetPerStep = int64_t{1} << 20;

Result<Grammar> CompileRegex(const std::string& expression) {
  if (!IsValidUtf8(expression)) {
    return InvalidArgumentError(fmt::format("the regular expression is not UTF-8 from byte {} on",
                                            ValidUtf8Prefix(expression)));
  }
  MAO_ASSIGN_OR_RETURN(const RegexTree tree, ParseRegex(expression));
  GrammarBuilder builder;
  const auto plain = [&builder](const CodePointSet& set, NodeId next) {
    return builder.Character(set, next);
  };
  return builder.Finish(WriteRegex(tree, RegexMatch::kWhole, plain, builder, Grammar::kEndNode));
}

Result<Grammar> CompileChoice(const std::string& text) {
  auto choices = ParseJsonValue(text);
  if (!choices.ok()) return choices.status().WithContext("the list of choices");
  const auto is_string = [](const JsonValue& value) { return value.is_string(); };
  if (!choices->is_array() || choices->items.empty() ||
      !std::all_of(choices->items.begin(), choices->items.end(), is_string)) {
    return InvalidArgumentError("choices must be an array of at least one string");
  }
  std::vector<std::string> texts;
  for (JsonValue& item : choices->items) texts.push_back(std::move(item.text));
  GrammarBuilder builder;
  return builder.Finish(builder.OneOf(std::move(texts), Grammar::kEndNode));
}

Result<Grammar> CompileGrammar(const ConstraintSpec& spec) {
  if (spec.text.size() > kMaxConstraintBytes) {
    return OutOfRangeError(fmt::format("a constraint of {} bytes; the limit is {}",
                                       spec.text.size(), kMaxConstraintBytes));
  }
  switch (spec.kind) {
    case ConstraintSpec::Kind::kJsonObject:
      return CompileAnyJsonObject();
    case ConstraintSpec::Kind::kJsonSchema:
      return CompileJsonSchema(spec.text);
    case ConstraintSpec::Kind::kRegex:
      return CompileRegex(spec.text);
    case ConstraintSpec::Kind::kChoice:
      return CompileChoice(spec.text);
  }
  return InternalError("a constraint of an unknown kind");
}

}  // namespace

Result<std::shared_ptr<const Constraint>> CompileConstraint(
    const ConstraintSpec& spec, std::shared_ptr<const ConstraintVocabulary> vocabulary) {
  MAO_ASSIGN_OR_RETURN(Grammar grammar, CompileGrammar(spec));
  auto constraint = std::make_shared<const Constraint>(std::move(grammar), std::move(vocabulary));
  if (ConstraintState(constraint, {}).CanOnlyEnd()) {
    return InvalidArgumentError("the constraint allows the empty text only");
  }
  return constraint;
}

struct ConstraintState::Run {
  explicit Run(const Constraint& constraint)
      : pushdown(constraint.grammar(), constraint.vocabulary().later->max_depth()),
        masks(pushdown, constraint.vocabulary(), constraint.masks()),
        state(pushdown.start()) {
    pushdown.set_budget(kMaxBudget);
  }

  void AddBudget() {
    pushdown.set_budget(std::min(pushdown.budget() + kBudgetPerStep, kMaxBudget));
  }

  // The state after a token, whatever is left of the budget: the debt is for the next mask.
  Pushdown::StateId After(std::string_view bytes) {
    const int64_t budget = pushdown.budget();
    pushdown.set_budget(kMaxBudget);
    Pushdown::StateId next = state;
    for (const char byte : bytes) next = pushdown.Step(next, static_cast<uint8_t>(byte));
    pushdown.set_budget(budget - (kMaxBudget - pushdown.budget()));
    return next;
  }

  void CompactIfDue() {
    if (!pushdown.NeedsCompacting()) return;
    state = pushdown.Compact(state);
    masks.ForgetStates();
  }

  Pushdown pushdown;
  MaskBuilder masks;
  Pushdown::StateId state;
};

ConstraintState::ConstraintState(std::shared_ptr<const Constraint> constraint,
                                 std::span<const TokenId> end_ids)
    : constraint_(std::move(constraint)),
      end_ids_(end_ids.begin(), end_ids.end()),
      run_(std::make_unique<Run>(*constraint_)) {}

ConstraintState::ConstraintState(ConstraintState&&) noexcept = default;
ConstraintState& ConstraintState::operator=(ConstraintState&&) noexcept = default;
ConstraintState::~ConstraintState() = default;

Status ConstraintState::FillMask(std::span<uint64_t> bits) {
  std::fill(bits.begin(), bits.end(), 0);
  if (IsComplete()) SetBits(end_ids_, bits);
  if (has_ended_) return OkStatus();
  if (is_first_) SetBits(constraint_->vocabulary().empty_first, bits);
  run_->CompactIfDue();
  run_->AddBudget();
  run_->masks.AddTokens(run_->state, is_first_, bits);
  if (run_->pushdown.exhausted()) {
    return ResourceExhaustedError(
        "the constraint is too ambiguous: looking for the tokens it allows takes too long");
  }
  return OkStatus();
}

bool ConstraintState::Accept(TokenId id) {
  const bool is_end = Holds(end_ids_, id);
  if (has_ended_) return is_end;
  if (is_end) return has_ended_ = IsComplete();
  const ConstraintVocabulary& vocabulary = constraint_->vocabulary();
  if (is_first_ && Holds(vocabulary.empty_first, id)) {
    is_first_ = false;
    return true;
  }
  const std::string_view bytes = (is_first_ ? vocabulary.first : vocabulary.later)->token_bytes(id);
  if (bytes.empty()) return false;
  run_->CompactIfDue();
  const Pushdown::StateId state = run_->After(bytes);
  if (state == Pushdown::kDead) return false;
  run_->state = state;
  is_first_ = false;
  return true;
}

bool ConstraintState::IsComplete() const {
  return has_ended_ || run_->pushdown.IsComplete(run_->state);
}

bool ConstraintState::CanOnlyEnd() const {
  return has_ended_ || (IsComplete() && !run_->pushdown.CanContinue(run_->state));
}

}  // namespace mao
