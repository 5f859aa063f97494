// The first byte says what the rest is: a JSON Schema, a regular expression or a list of choices.
// Whatever compiles is followed along a random text: it comes to no dead end and, of a schema, what
// ends is JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "engine/constraint/constraint.h"
#include "engine/constraint/json_value.h"
#include "text/utf8.h"

namespace {

constexpr size_t kMaxSteps = 64;
constexpr mao::TokenId kEos = 0;

void Require(bool holds) {
  if (!holds) std::abort();
}

// Every byte, and some tokens of several that cross borders.
std::shared_ptr<const mao::ConstraintVocabulary> Vocabulary() {
  static const auto shared = [] {
    std::vector<std::string> tokens = {"",     "{\"",      "\":",  "\",\"", "\"}", "]}",    "\n  ",
                                       "你好", "\xE4\xBD", "true", "null",  "12",  "\\u00", "ab"};
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    auto vocabulary = std::make_shared<mao::ConstraintVocabulary>();
    vocabulary->later = std::make_shared<const mao::TokenTree>(std::move(tokens));
    vocabulary->first = vocabulary->later;
    return vocabulary;
  }();
  return shared;
}

void Follow(const std::shared_ptr<const mao::Constraint>& constraint, bool is_json, size_t seed) {
  std::minstd_rand random(static_cast<unsigned>(seed));
  mao::ConstraintState state(constraint, std::vector<mao::TokenId>{kEos});
  std::vector<uint64_t> bits(5);
  std::string text;
  for (size_t step = 0; step < kMaxSteps && !state.CanOnlyEnd(); ++step) {
    if (!state.FillMask(bits).ok()) return;
    std::vector<mao::TokenId> allowed;
    for (mao::TokenId id = 0; id < 320; ++id) {
      if ((bits[id / 64] >> (id % 64) & 1) != 0) allowed.push_back(id);
    }
    Require(!allowed.empty());
    const mao::TokenId id = allowed[random() % allowed.size()];
    if (!state.Accept(id)) return;
    if (id == kEos) break;
    text += constraint->vocabulary().later->token_bytes(id);
  }
  if (!state.IsComplete()) return;
  Require(mao::IsValidUtf8(text));
  // Names may come twice in JSON that a model writes; ParseJsonValue refuses that.
  if (is_json) {
    const auto value = mao::ParseJsonValue(text);
    Require(value.ok() || value.status().message().find("is there twice") != std::string::npos ||
            value.status().message().find("nested deeper") != std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  using Kind = mao::ConstraintSpec::Kind;
  constexpr Kind kKinds[] = {Kind::kJsonSchema, Kind::kRegex, Kind::kChoice};
  const Kind kind = kKinds[data[0] % 3];
  const mao::ConstraintSpec spec = {kind,
                                    std::string(reinterpret_cast<const char*>(data) + 1, size - 1)};
  const auto constraint = mao::CompileConstraint(spec, Vocabulary());
  if (!constraint.ok()) return 0;
  for (size_t seed = 1; seed <= 3; ++seed) {
    Follow(*constraint, kind == Kind::kJsonSchema, size * 3 + seed);
  }
  return 0;
}
