// Compares with Hugging Face's tokenizers on small tokenizers that use every supported component.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "base/file.h"
#include "text/tokenizer.h"

namespace mao {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

const std::string kFixtures = std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/tokenizers/";

// `base` with the members of `override`; those of "model" are merged one level deeper.
std::string Merge(const object& base, const object& override) {
  std::map<std::string, std::string> members;
  for (const auto [key, value] : base) members[std::string(key)] = simdjson::minify(value);
  for (const auto [key, value] : override) {
    object deeper;
    if (key == "model" && value.get(deeper) == simdjson::SUCCESS) {
      members[std::string(key)] = Merge(base[key], deeper);
    } else {
      members[std::string(key)] = simdjson::minify(value);
    }
  }
  std::string json;
  for (const auto& [key, value] : members) {
    json += (json.empty() ? "{" : ",") + ("\"" + key + "\":" + value);
  }
  return json + "}";
}

std::string Text(const element& text) { return std::string(std::string_view(text)); }

std::vector<TokenId> Ids(const element& array) {
  std::vector<TokenId> ids;
  for (const element id : array.get_array()) ids.push_back(static_cast<TokenId>(int64_t(id)));
  return ids;
}

void ExpectCase(const Tokenizer& tokenizer, const element& c) {
  const std::string text = Text(c["text"]);
  SCOPED_TRACE("text: " + text);
  const auto ids = tokenizer.Encode(text, {.add_special_tokens = true});
  ASSERT_TRUE(ids.ok()) << ids.status().ToString();
  EXPECT_EQ(*ids, Ids(c["ids"]));
  std::string_view decoded;
  if (c["decoded"].get(decoded) == simdjson::SUCCESS) {
    EXPECT_EQ(tokenizer.Decode(*ids, false), decoded);
    EXPECT_EQ(tokenizer.Decode(*ids, true), Text(c["decoded_skip_special"]));
  }
}

TEST(TokenizerVariantTest, EqualTheReference) {
  simdjson::dom::parser line_parser;
  simdjson::dom::parser base_parser;
  const auto lines = simdjson::padded_string::load(kFixtures + "variants.jsonl").value();
  size_t num_variants = 0;
  for (const element line : line_parser.parse_many(lines)) {
    const std::string name = Text(line["name"]);
    SCOPED_TRACE("variant " + name);
    const object base = base_parser.load(kFixtures + Text(line["base"]) + ".json");
    const auto tokenizer = Tokenizer::FromJson(Merge(base, line["override"]), name);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
    for (const element c : line["cases"].get_array()) ExpectCase(**tokenizer, c);
    ++num_variants;
  }
  EXPECT_EQ(num_variants, 59u);
}

}  // namespace
}  // namespace mao
