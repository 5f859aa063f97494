#include "serve/config/yaml_document.h"

#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace mao {
namespace {

// Leaves yaml-cpp's parser, which has no other way out; caught in ParseYaml.
struct Refusal : std::exception {
  explicit Refusal(Status reason) : status(std::move(reason)) {}
  Status status;
};

[[noreturn]] void Refuse(const YAML::Mark& mark, const std::string& message) {
  throw Refusal(InvalidArgumentError(fmt::format("{} at line {}", message, mark.line + 1)));
}

// Builds the tree from events, so that nothing grows before it has been counted.
class TreeBuilder : public YAML::EventHandler {
 public:
  YamlNode Take() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (has_document_) Refuse(mark, "a second document begins");
    has_document_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckPlain(mark, "", anchor);
    if (NeedsKey()) Refuse(mark, "a key is missing");
    Add(MakeNode(YamlNode::Kind::kNull, mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Refuse(mark, "aliases (*name) are not supported; one stands");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckPlain(mark, tag, anchor);
    if (NeedsKey()) return TakeKey(mark, value);
    YamlNode node = MakeNode(YamlNode::Kind::kScalar, mark);
    node.scalar = value;
    Add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A list or map that is being filled.
  struct Level {
    YamlNode node;
    std::set<std::string> keys;           // of a map
    std::optional<std::string> open_key;  // of a map: its value comes next
    int open_key_line = 0;
  };

  static void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) Refuse(mark, "anchors (&name) are not supported; one stands");
    if (!tag.empty() && tag != "?" && tag != "!" && !tag.starts_with("tag:yaml.org,2002:")) {
      Refuse(mark, "tags are not supported; one stands");
    }
  }

  bool NeedsKey() const {
    return !levels_.empty() && levels_.back().node.kind == YamlNode::Kind::kMap &&
           !levels_.back().open_key;
  }

  void TakeKey(const YAML::Mark& mark, const std::string& key) {
    Level& level = levels_.back();
    if (!level.keys.insert(key).second) {
      Refuse(mark, fmt::format("key '{}' stands twice in one map, again", key.substr(0, 64)));
    }
    level.open_key = key;
    level.open_key_line = mark.line + 1;
  }

  YamlNode MakeNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (++num_nodes_ > kMaxYamlNodes) {
      throw Refusal(OutOfRangeError(fmt::format("more values than the limit of {}, at line {}",
                                                kMaxYamlNodes, mark.line + 1)));
    }
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    return node;
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    CheckPlain(mark, tag, anchor);
    if (NeedsKey()) Refuse(mark, "a key is a list or a map");
    if (levels_.size() == kMaxYamlDepth) {
      throw Refusal(OutOfRangeError(fmt::format("more levels than the limit of {}, at line {}",
                                                kMaxYamlDepth, mark.line + 1)));
    }
    Level level;
    level.node = MakeNode(kind, mark);
    levels_.push_back(std::move(level));
  }

  void Close() {
    YamlNode node = std::move(levels_.back().node);
    levels_.pop_back();
    Add(std::move(node));
  }

  void Add(YamlNode node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::kMap) {
      node.key = *std::exchange(level.open_key, std::nullopt);
      node.key_line = level.open_key_line;
    }
    level.node.children.push_back(std::move(node));
  }

  YamlNode root_;
  std::vector<Level> levels_;
  bool has_document_ = false;
  size_t num_nodes_ = 0;
};

}  // namespace

Result<YamlNode> ParseYaml(std::string_view text, const std::string& name) {
  if (text.size() > kMaxYamlBytes) {
    return OutOfRangeError(fmt::format("{}: {} bytes, more than the limit of {} bytes", name,
                                       text.size(), kMaxYamlBytes));
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder).Take();
  } catch (const Refusal& refusal) {
    return refusal.status.WithContext(name);
  } catch (const YAML::Exception& error) {
    return InvalidArgumentError(
        fmt::format("{}: no YAML at line {}: {}", name, error.mark.line + 1, error.msg));
  } catch (const std::exception& error) {  // no memory, as a rule
    return ResourceExhaustedError(fmt::format("{}: {}", name, error.what()));
  }
}

}  // namespace mao
