#include "serve/config/yaml_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Repeated(std::string_view text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

// The tree in one line: scalars with their line, "key@line=".
std::string Flat(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kNull) return "null";
  if (node.kind == YamlNode::Kind::kScalar) return node.scalar + ":" + std::to_string(node.line);
  const bool is_map = node.kind == YamlNode::Kind::kMap;
  std::string text;
  for (const YamlNode& child : node.children) {
    if (!text.empty()) text += " ";
    if (is_map) text += child.key + "@" + std::to_string(child.key_line) + "=";
    text += Flat(child);
  }
  return is_map ? "{" + text + "}" : "[" + text + "]";
}

std::string Parsed(std::string_view text) {
  const Result<YamlNode> node = ParseYaml(text, "f.yaml");
  return node.ok() ? Flat(*node) : node.status().message();
}

TEST(YamlDocumentTest, KnowsItsLines) {
  EXPECT_EQ(Parsed("# comment\nport: 8000\nmodels:\n  a: {path: 'x y', len: ~}\n"
                   "hosts: [one,\n  \"two\"]\nempty:\n"),
            "{port@2=8000:2 models@3={a@4={path@4=x y:4 len@4=null}} hosts@5=[one:5 two:6] "
            "empty@7=null}");
  EXPECT_EQ(Parsed(""), "null");
  EXPECT_EQ(Parsed("# nothing\n"), "null");
  EXPECT_EQ(Parsed("---\na: !!str 5\n"), "{a@2=5:2}");
}

TEST(YamlDocumentTest, RefusesWhatIsNoConfiguration) {
  EXPECT_EQ(Parsed("a: 1\nb: 2\na: 3\n"),
            "f.yaml: key 'a' stands twice in one map, again at line 3");
  EXPECT_EQ(Parsed("a: 1\n---\nb: 2\n"), "f.yaml: a second document begins at line 2");
  EXPECT_EQ(Parsed("a: &x 1\n"), "f.yaml: anchors (&name) are not supported; one stands at line 1");
  EXPECT_EQ(Parsed("a: 1\nb: !include c\n"),
            "f.yaml: tags are not supported; one stands at line 2");
  EXPECT_EQ(Parsed("[a, b]: 1\n"), "f.yaml: a key is a list or a map at line 1");
  EXPECT_EQ(Parsed("~: 1\n"), "f.yaml: a key is missing at line 1");
  EXPECT_THAT(Parsed("a: [1\nb: 2\n"), StartsWith("f.yaml: no YAML at line "));
  EXPECT_THAT(Parsed("a: 1\n\tb: 2\n"), StartsWith("f.yaml: no YAML at line "));
  EXPECT_THAT(Parsed("a: *x\n"), StartsWith("f.yaml: no YAML at line 1"));
}

TEST(YamlDocumentTest, RefusesBombsOfAliases) {
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + before + ", *a" +
            before + "]\n";
  }
  EXPECT_THAT(Parsed(bomb), HasSubstr("anchors (&name) are not supported"));
}

TEST(YamlDocumentTest, SizesAreBounded) {
  EXPECT_EQ(Parsed(Repeated("[", 16) + Repeated("]", 16)), Repeated("[", 16) + Repeated("]", 16));
  EXPECT_EQ(Parsed(Repeated("[", 17) + Repeated("]", 17)),
            "f.yaml: more levels than the limit of 16, at line 1");
  EXPECT_THAT(Parsed(Repeated("{a: ", 100'000)), StartsWith("f.yaml: "));
  EXPECT_THAT(Parsed(Repeated("- ", 100'000)), StartsWith("f.yaml: "));
  EXPECT_THAT(Parsed("- 1\n" + Repeated("- 1\n", 19'998)), StartsWith("[1:1 1:2"));
  EXPECT_EQ(Parsed(Repeated("- 1\n", 20'000)),
            "f.yaml: more values than the limit of 20000, at line 20000");
  EXPECT_EQ(Parsed("#" + std::string(kMaxYamlBytes, 'x')),
            "f.yaml: 262145 bytes, more than the limit of 262144 bytes");
}

TEST(YamlDocumentTest, AnyBytesAreAnswered) {
  for (const std::string& text :
       {std::string("\0", 1), std::string("\xFF\xFE"), std::string("\xFE\xFF\x00\x61", 4),
        std::string("a: \"\\xZZ\""), std::string("? ? ? ?"), std::string("%YAML 9.9\n---\na: 1"),
        std::string("a: |9\n x"),
        std::string("\""
                    "\\U00110000"
                    "\": 1"),
        std::string(": : :")}) {
    EXPECT_NE(Parsed(text), "") << text;
  }
}

}  // namespace
}  // namespace mao
