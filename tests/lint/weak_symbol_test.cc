// Runs nm on the object of every source that is built for one instruction set, and fails on any weak
// definition: of several copies of an inline function the linker keeps one for the whole program,
// and if that is the one compiled for AVX-512, a CPU without it meets an illegal instruction.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

// The lines of nm's output that are weak (w, W, v, V) or unique (u) definitions. The compiler's own
// pointers to its exception routine ("DW.ref.…", in builds with sanitizers) are the same for all.
std::vector<std::string> WeakDefinitions(const std::string& nm_output) {
  std::vector<std::string> weak;
  std::istringstream lines(nm_output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address, kind, name;
    if (!(words >> address >> kind >> name) || kind.size() != 1) continue;
    if (name.starts_with("DW.ref.")) continue;
    if (std::string("wWvVu").find(kind) != std::string::npos) weak.push_back(line);
  }
  return weak;
}

std::string DefinedSymbols(const fs::path& object) {
  const std::string command = MAOOCR_NM " -C --defined-only '" + object.string() + "'";
  FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  if (pipe == nullptr) return output;
  std::array<char, 4096> piece;
  for (size_t n = 0; (n = fread(piece.data(), 1, piece.size(), pipe)) > 0;) {
    output.append(piece.data(), n);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

// All objects of the build, by file name ("dot_avx2.cc.o").
std::multimap<std::string, fs::path> Objects(const fs::path& folder) {
  std::multimap<std::string, fs::path> objects;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".o") objects.emplace(entry.path().filename(), entry.path());
  }
  return objects;
}

TEST(WeakSymbolTest, SourcesForOneInstructionSetDefineNone) {
  const auto objects = Objects(fs::path(MAOOCR_BINARY_DIR) / "src");
  std::ifstream sources(MAOOCR_ARCH_SOURCES);
  int num_objects = 0;
  for (std::string source; std::getline(sources, source);) {
    const auto [begin, end] = objects.equal_range(fs::path(source).filename().string() + ".o");
    EXPECT_NE(begin, end) << source << ": has no object in the build";
    for (auto object = begin; object != end; ++object, ++num_objects) {
      const std::string symbols = DefinedSymbols(object->second);
      EXPECT_NE(symbols, "") << object->second;
      EXPECT_THAT(WeakDefinitions(symbols), testing::IsEmpty()) << object->second;
    }
  }
  EXPECT_GT(num_objects, 0);
}

TEST(WeakSymbolTest, EverySourceNamedAfterAnInstructionSetIsListed) {
  std::ifstream sources(MAOOCR_ARCH_SOURCES);
  std::vector<std::string> listed;
  for (std::string source; std::getline(sources, source);) listed.push_back(source);
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(MAOOCR_SOURCE_DIR) / "src")) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".cc") continue;
    for (const char* arch : {"_avx2", "_avx512", "_amx"}) {
      if (!stem.ends_with(arch)) continue;
      EXPECT_THAT(listed, testing::Contains(entry.path().string()));
    }
  }
}

TEST(WeakSymbolTest, TheRuleItselfCatchesWeakDefinitions) {
  const auto weak = WeakDefinitions(
      "0000000000000000 T mao::Dot()\n"
      "0000000000000010 W mao::ToFloat(mao::BFloat16)\n"
      "0000000000000020 t mao::(anonymous namespace)::Load(float const*)\n"
      "0000000000000000 V guard variable for mao::Table()::table\n"
      "0000000000000000 V DW.ref.__gxx_personality_v0\n"
      "0000000000000000 u std::__detail::table\n");
  EXPECT_EQ(weak.size(), 3u);
}

}  // namespace
