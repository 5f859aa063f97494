// Parses every #include "…" below src/ and compares it with the table of layers in
// docs/architecture.md. Includes go down only; anything not in the table is an error.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

// Layer -> what its files may include besides themselves. "engine/engine.h" names a single door.
const std::map<std::string, std::set<std::string>>& MayInclude() {
  static const std::map<std::string, std::set<std::string>> table = {
      {"base", {}},
      {"tensor", {"base"}},
      {"kernels", {"base"}},
      {"text", {"base"}},
      {"vision", {"base"}},
      {"comm", {"base", "tensor"}},
      {"weights", {"base", "tensor"}},
      {"layers", {"base", "tensor", "kernels", "comm", "weights"}},
      {"models", {"base", "tensor", "layers", "weights", "vision", "text"}},
      {"engine/sched", {"base", "engine/cache"}},
      {"engine/cache", {"base"}},
      {"engine",
       {"base", "tensor", "kernels", "comm", "layers", "weights", "text", "vision",
        "models/model.h", "models/test_model.h", "engine/sched", "engine/cache"}},
      {"ocr", {"base", "text", "vision", "engine/engine.h", "models/test_model.h"}},
      {"serve", {"base", "text", "vision", "ocr", "engine/engine.h", "models/test_model.h"}},
      {"apps",
       {"base", "tensor", "kernels", "comm", "layers", "weights", "text", "vision",
        "models/registry.h", "models/model.h", "models/quantize_model.h", "engine/engine.h", "ocr",
        "serve"}},
  };
  return table;
}

// The longest table key that is a folder prefix of `path` ("engine/sched/x.h" -> "engine/sched").
std::string LayerOf(const std::string& path) {
  std::string best;
  for (const auto& [layer, unused] : MayInclude()) {
    if (path.starts_with(layer + "/") && layer.size() > best.size()) best = layer;
  }
  return best;
}

std::vector<std::string> QuotedIncludes(const fs::path& file) {
  std::vector<std::string> includes;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("#include \"")) continue;
    const size_t begin = line.find('"') + 1;
    includes.push_back(line.substr(begin, line.find('"', begin) - begin));
  }
  return includes;
}

std::string Violation(const std::string& file, const std::string& include) {
  const std::string layer = LayerOf(file);
  if (layer.empty()) return file + ": is in no layer of the table";
  const std::string target = LayerOf(include);
  if (target == layer || MayInclude().at(layer).contains(include) ||
      (!target.empty() && MayInclude().at(layer).contains(target))) {
    return "";
  }
  return file + ": may not include \"" + include + "\"";
}

TEST(IncludeRuleTest, IncludesGoDownOnly) {
  const fs::path src = fs::path(MAOOCR_SOURCE_DIR) / "src";
  int num_files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(src)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc" && extension != ".cu") continue;
    ++num_files;
    const std::string file = fs::relative(entry.path(), src).generic_string();
    for (const std::string& include : QuotedIncludes(entry.path())) {
      EXPECT_EQ(Violation(file, include), "");
    }
  }
  EXPECT_GT(num_files, 0);
}

TEST(IncludeRuleTest, TheRuleItselfCatchesWrongIncludes) {
  EXPECT_EQ(Violation("apps/main.cc", "engine/engine.h"), "");
  EXPECT_NE(Violation("apps/main.cc", "engine/core/engine_core.h"), "");
  EXPECT_NE(Violation("kernels/dot/dot.cc", "tensor/shape.h"), "");
  EXPECT_NE(Violation("engine/sched/scheduler.h", "tensor/shape.h"), "");
  EXPECT_NE(Violation("engine/core/engine_core.h", "models/deepseek_ocr/model.h"), "");
  EXPECT_NE(Violation("base/status.h", "text/tokenizer.h"), "");
  EXPECT_NE(Violation("nowhere/x.h", "base/status.h"), "");
}

TEST(IncludeRuleTest, TheTableHasNoCycle) {
  for (const auto& [layer, allowed] : MayInclude()) {
    for (const std::string& lower : allowed) {
      const auto entry = MayInclude().find(lower);
      if (entry != MayInclude().end()) {
        EXPECT_FALSE(entry->second.contains(layer)) << layer << " <-> " << lower;
      }
    }
  }
}

}  // namespace
