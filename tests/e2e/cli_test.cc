// The maoocr program, run as a user runs it.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/e2e/program.h"
#include "tests/e2e/test_pages.h"
#include "vision/encode.h"

namespace mao {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kPageSplit = "\n\n<--- Page Split --->\n";

std::string SourcePath(const std::string& name) {
  return std::string(MAOOCR_SOURCE_DIR) + "/" + name;
}

std::string Contents(const fs::path& path) {
  const auto contents = ReadFile(path.string(), size_t{1} << 30);
  EXPECT_TRUE(contents.ok()) << contents.status().ToString();
  return contents.ok() ? *contents : "";
}

// `maoocr ocr` of pages in the mode and with the task of the fastest fixture.
ProgramResult ReadTiny(std::vector<std::string> arguments, const ProgramOptions& options = {}) {
  arguments.insert(arguments.begin(), {"ocr", "--mode", "tiny", "--task", "text"});
  return RunProgram(arguments, options);
}

class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("maoocr_cli_" + std::string(test->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    tiny_ = TestPagePath("tiny_free.png");
    small_ = TestPagePath("small_free.png");
    tiny_text_ = TestPageText("tiny_free.json");
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Path(const std::string& name) const { return (root_ / name).string(); }

  std::string Write(const std::string& name, std::string_view contents) const {
    std::ofstream(root_ / name, std::ios::binary) << contents;
    return Path(name);
  }

  std::string WritePng(const std::string& name, int width, int height) const {
    return Write(name, EncodePng(MakeImage(width, height, 200)).value());
  }

  std::set<std::string> FilesBelow(const std::string& folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / folder)) {
      if (entry.is_regular_file()) {
        names.insert(fs::relative(entry.path(), root_ / folder).string());
      }
    }
    return names;
  }

  fs::path root_;
  std::string tiny_;
  std::string small_;
  std::string tiny_text_;
};

TEST_F(CliTest, ReadsTheBundledPageWithTheModelItCarries) {
  const ProgramResult result = RunProgram({"ocr", SourcePath("samples/page.png")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, Contents(SourcePath("samples/page.md")));
}

TEST_F(CliTest, ACopiedProgramWorksAlone) {
  fs::copy_file(MAOOCR_PROGRAM, root_ / "copy");
  ProgramOptions options;
  options.program = Path("copy");
  options.working_folder = "/";
  options.environment = {"NOTHING=else"};
  const ProgramResult result = ReadTiny({tiny_}, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, tiny_text_ + "\n");
}

TEST_F(CliTest, EveryFormat) {
  EXPECT_EQ(ReadTiny({tiny_}).out, tiny_text_ + "\n");
  EXPECT_EQ(ReadTiny({tiny_, "--format", "text"}).out, tiny_text_ + "\n");
  EXPECT_EQ(ReadTiny({tiny_, "--format", "raw"}).out, tiny_text_ + "\n");
  const Json page = Json::parse(ReadTiny({tiny_, "--format", "json"}).out);
  EXPECT_EQ(page.at("raw_text"), tiny_text_);
}

TEST_F(CliTest, JsonHasEveryKeyOfTheSchema) {
  const ProgramResult result =
      RunProgram({"ocr", SourcePath("samples/page.png"), "--format", "json"});
  EXPECT_EQ(result.exit_code, 0);
  const auto page = nlohmann::ordered_json::parse(result.out);
  std::vector<std::string> keys;
  for (const auto& [key, value] : page.items()) keys.push_back(key);
  EXPECT_THAT(keys,
              ElementsAre("file", "page", "mode", "width", "height", "box_space", "finish_reason",
                          "markdown", "raw_text", "blocks", "figures", "tokens", "timings_ms"));
  EXPECT_EQ(page.at("file"), SourcePath("samples/page.png"));
  EXPECT_EQ(page.at("mode"), "base");
  EXPECT_EQ(page.at("finish_reason"), "stop");
  EXPECT_EQ(page.at("box_space"), "padded_square");
  std::vector<std::string> labels;
  for (const auto& block : page.at("blocks")) {
    labels.push_back(block.at("label"));
    ASSERT_EQ(block.at("boxes").size(), 1u);
    const std::vector<int> box = block.at("boxes_px").at(0);
    EXPECT_TRUE(0 <= box[0] && box[0] < box[2] && box[2] <= page.at("width")) << block;
    EXPECT_TRUE(0 <= box[1] && box[1] < box[3] && box[3] <= page.at("height")) << block;
  }
  EXPECT_THAT(labels, ElementsAre("title", "text", "sub_title", "text", "text", "table",
                                  "sub_title", "text"));
  EXPECT_EQ(page.at("tokens").at("image"), 273);
  EXPECT_GT(page.at("tokens").at("output"), 100);
  EXPECT_GT(page.at("timings_ms").at("decode"), 0);
  EXPECT_GT(page.at("timings_ms").at("encode"), 0);
  EXPECT_GT(page.at("timings_ms").at("total"), page.at("timings_ms").at("generate"));
}

TEST_F(CliTest, SeveralFilesAreJoinedInOrder) {
  const ProgramResult text = ReadTiny({tiny_, small_, tiny_});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, StartsWith(tiny_text_ + std::string(kPageSplit) + "provides the git"));
  EXPECT_TRUE(text.out.ends_with(std::string(kPageSplit) + tiny_text_ + std::string(kPageSplit)));

  const ProgramResult lines = ReadTiny({tiny_, small_, "--format", "json"});
  std::istringstream in(lines.out);
  std::vector<std::string> files;
  for (std::string line; std::getline(in, line);) files.push_back(Json::parse(line).at("file"));
  EXPECT_THAT(files, ElementsAre(tiny_, small_));
}

TEST_F(CliTest, ThreadsAndPagesAtOnceDoNotChangeTheText) {
  const std::vector<std::string> pages = {tiny_, small_, tiny_};
  std::set<std::string> outputs;
  for (const char* threads : {"1", "2"}) {
    for (const char* max_num_seqs : {"1", "3"}) {
      std::vector<std::string> arguments = pages;
      arguments.insert(arguments.end(), {"--threads", threads, "--max-num-seqs", max_num_seqs});
      const ProgramResult result = ReadTiny(arguments);
      EXPECT_EQ(result.exit_code, 0) << result.err;
      outputs.insert(result.out);
    }
  }
  EXPECT_EQ(outputs.size(), 1u);
}

TEST_F(CliTest, BadFilesAreNamedAndTheOthersAreRead) {
  const std::string png = Contents(tiny_);
  std::string huge(1000, '\0');  // a BMP whose header says 60000 x 60000 pixels of 24 bits
  huge.replace(0, 2, "BM");
  huge.replace(10, 20, std::string("\x36\0\0\0\x28\0\0\0\x60\xEA\0\0\x60\xEA\0\0\1\0\x18\0", 20));
  fs::create_directories(root_ / "no_pictures");
  const std::pair<std::string, const char*> kBad[] = {
      {Path("missing.png"), "No such file"},
      {Write("empty.png", ""), "empty"},
      {Write("text.png", "This is no picture."), "format"},
      {Write("cut.png", png.substr(0, png.size() / 2)), "PNG"},
      {Write("huge.bmp", huge), "100000000 pixels"},
      {WritePng("dot.png", 1, 1), "1x1 pixels; the limit is at least 8 pixels on each side"},
      {WritePng("thread.png", 20000, 100),
       "20000x100 pixels; the limit is a long side of at most 100 times the short one"},
      {Path("no_pictures"), "no pictures"},
      {"/dev/zero", "not a regular file"},
  };
  std::vector<std::string> arguments = {tiny_};
  for (const auto& [path, message] : kBad) arguments.push_back(path);
  arguments.push_back(small_);
  const ProgramResult result = ReadTiny(arguments);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, StartsWith(tiny_text_ + std::string(kPageSplit) + "provides the git"));
  std::istringstream in(result.err);
  for (const auto& [path, message] : kBad) {
    std::string line;
    ASSERT_TRUE(std::getline(in, line)) << path;
    EXPECT_THAT(line, StartsWith("maoocr: " + path + ": "));
    EXPECT_THAT(line, HasSubstr(message));
    EXPECT_EQ(line.find(path), line.rfind(path)) << line;
  }
  EXPECT_TRUE(in.peek() == EOF) << result.err;
  for (const auto& [path, message] : kBad) EXPECT_EQ(ReadTiny({path}).exit_code, 1) << path;
}

TEST_F(CliTest, StandardInput) {
  ProgramOptions options;
  options.input = Contents(tiny_);
  EXPECT_EQ(ReadTiny({"-"}, options).out, tiny_text_ + "\n");
  options.input = "";
  const ProgramResult nothing = ReadTiny({"-"}, options);
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.err, StartsWith("maoocr: -: "));
}

TEST_F(CliTest, WritesAFolderForEveryPage) {
  fs::create_directories(root_ / "scans");
  fs::copy_file(tiny_, root_ / "scans" / "page.png");
  fs::copy_file(small_, root_ / "page.png");
  const ProgramResult result = ReadTiny({Path("scans"), Path("page.png"), "--output", Path("out"),
                                         "--format", "md,text,json,raw", "--overlay"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(
      FilesBelow("out"),
      ElementsAre("page-2/page-2.json", "page-2/page-2.md", "page-2/page-2.raw.txt",
                  "page-2/page-2.txt", "page-2/page-2_overlay.png", "page/page.json",
                  "page/page.md", "page/page.raw.txt", "page/page.txt", "page/page_overlay.png"));
  EXPECT_EQ(Contents(root_ / "out/page/page.md"), tiny_text_ + "\n");
  EXPECT_EQ(Json::parse(Contents(root_ / "out/page-2/page-2.json")).at("file"), Path("page.png"));
}

TEST_F(CliTest, OverlayHasTheBoxesOfThePage) {
  ProgramOptions options;
  options.working_folder = root_.string();
  const std::string sample = SourcePath("samples/page.png");
  EXPECT_EQ(RunProgram({"ocr", sample, "--overlay"}, options).exit_code, 0);
  EXPECT_THAT(FilesBelow(""), ElementsAre("page_overlay.png"));
  const auto overlay = DecodeImage(AsBytes(Contents(root_ / "page_overlay.png")), "overlay");
  const auto page = DecodeImage(AsBytes(Contents(sample)), "page");
  ASSERT_TRUE(overlay.ok() && page.ok());
  EXPECT_EQ(overlay->width, page->width);
  EXPECT_EQ(overlay->height, page->height);
  size_t num_changed = 0;
  for (size_t i = 0; i < page->rgb.size(); ++i) num_changed += overlay->rgb[i] != page->rgb[i];
  EXPECT_GT(num_changed, page->rgb.size() / 20);
}

TEST_F(CliTest, AModelFolderGivesTheSameText) {
  EXPECT_EQ(ReadTiny({tiny_, "--model", SourcePath("models/maoocr-tiny")}).out, tiny_text_ + "\n");
}

TEST_F(CliTest, ModelsThatCannotBeOpenedAreExitCode3) {
  const fs::path broken = root_ / "broken";
  fs::copy(SourcePath("models/maoocr-tiny"), broken);
  fs::resize_file(broken / "model.safetensors", 1000);
  for (const std::string& folder : {Path("none"), root_.string(), broken.string()}) {
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {"ocr", tiny_, "--model", folder}, {"info", folder}, {"info", "--model", folder}}) {
      const ProgramResult result = RunProgram(arguments);
      EXPECT_EQ(result.exit_code, 3) << folder;
      EXPECT_EQ(result.out, "");
      EXPECT_THAT(result.err, StartsWith("maoocr: " + folder));
    }
  }
}

TEST_F(CliTest, WrongCommandLinesAreExitCode2) {
  const std::vector<std::vector<std::string>> kWrong = {
      {},
      {"orc", tiny_},
      {"ocr"},
      {"ocr", tiny_, "--bogus"},
      {"ocr", tiny_, "--format", "pdf"},
      {"ocr", tiny_, "--format", "md,json"},
      {"ocr", tiny_, "--mode", "huge"},
      {"ocr", tiny_, "--task", ""},
      {"ocr", tiny_, "--task", "locate"},
      {"ocr", tiny_, "--max-tiles", "1"},
      {"ocr", tiny_, "--max-tokens", "0"},
      {"ocr", tiny_, "--max-tokens", "many"},
      {"ocr", tiny_, "--temperature", "nan"},
      {"ocr", tiny_, "--temperature", "3"},
      {"ocr", tiny_, "--top-p", "0"},
      {"ocr", tiny_, "--seed", "-1"},
      {"ocr", tiny_, "--threads", "-1"},
      {"ocr", tiny_, "--dtype", "int4"},
      {"ocr", tiny_, "--quiet", "--verbose"},
      {"ocr", tiny_, "--output", tiny_ + "/below"},
      {"info", "one", "two"},
      {"info", "one", "--model", "two"},
      {"info", "--model", "one", "two"},
      {"info", "--model"},
  };
  for (const std::vector<std::string>& arguments : kWrong) {
    const ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("maoocr: "));
  }
  ProgramOptions options;
  options.environment = {"MAOOCR_CPU_ISA=sse9"};
  EXPECT_EQ(ReadTiny({tiny_}, options).exit_code, 2);
}

TEST_F(CliTest, ATextThatIsCutOffIsAResultWithAWarning) {
  const ProgramResult loud = ReadTiny({tiny_, "--max-tokens", "5", "--format", "json"});
  EXPECT_EQ(loud.exit_code, 0);
  EXPECT_THAT(loud.err, HasSubstr("warning: the text is cut off after 5 tokens"));
  const Json page = Json::parse(loud.out);
  EXPECT_EQ(page.at("finish_reason"), "length");
  EXPECT_EQ(page.at("tokens").at("output"), 5);
  EXPECT_EQ(ReadTiny({tiny_, "--max-tokens", "5", "--quiet"}).err, "");
}

TEST_F(CliTest, SamplingIsRepeatableWithASeed) {
  const std::vector<std::string> arguments = {tiny_, "--temperature", "1.5", "--seed",
                                              "7",   "--max-tokens",  "40"};
  const ProgramResult first = ReadTiny(arguments);
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_NE(first.out, tiny_text_ + "\n");
  EXPECT_EQ(ReadTiny(arguments).out, first.out);
}

TEST_F(CliTest, AFullDiskIsAnError) {
  ProgramOptions options;
  options.output_file = "/dev/full";
  const ProgramResult result = ReadTiny({tiny_}, options);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("standard output: cannot write"));
}

TEST_F(CliTest, SignalsStopItBetweenWholePages) {
  for (const int signal : {SIGINT, SIGTERM}) {
    bool is_sent = false;
    ProgramOptions options;
    options.on_output = [&](const std::string& out, int pid) {
      if (!is_sent && out.find(kPageSplit) != std::string::npos) kill(pid, signal);
      is_sent = out.find(kPageSplit) != std::string::npos;
    };
    std::vector<std::string> arguments(60, tiny_);
    arguments.insert(arguments.end(), {"--max-num-seqs", "1"});
    const ProgramResult result = ReadTiny(arguments, options);
    EXPECT_EQ(result.exit_code, 128 + signal);
    EXPECT_THAT(result.err, HasSubstr("of 60 files done"));
    const std::string page = tiny_text_ + std::string(kPageSplit);
    EXPECT_EQ(result.out.size() % page.size(), 0u);
    EXPECT_LT(result.out.size(), 60 * page.size());
  }
}

TEST_F(CliTest, ATerminalSeesTheTextGrow) {
  const ProgramResult result = RunProgramInTerminal({"ocr", SourcePath("samples/page.png")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, Contents(SourcePath("samples/page.md")));
}

TEST_F(CliTest, ATerminalSeesTheProgressOfSeveralFiles) {
  const ProgramResult result = RunProgramInTerminal(
      {"ocr", tiny_, small_, "--mode", "tiny", "--output", Path("out"), "--format", "text"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("[....................] 0/2  "));
  EXPECT_THAT(result.out, HasSubstr("[##########..........] 1/2  "));
  EXPECT_THAT(result.out, HasSubstr("maoocr: 2 of 2 files read in "));
  const ProgramResult quiet =
      RunProgramInTerminal({"ocr", tiny_, tiny_, "--mode", "tiny", "--quiet", "--task", "text"});
  const std::string page = tiny_text_ + std::string(kPageSplit);
  EXPECT_EQ(quiet.out, page + page);
}

TEST_F(CliTest, InfoTellsWhatAPageCosts) {
  const ProgramResult text = RunProgram({"info"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("DeepseekOCRForCausalLM"));
  EXPECT_THAT(text.out, HasSubstr("27.0 million"));
  const std::string folder = SourcePath("models/maoocr-tiny");
  const ProgramResult of_folder = RunProgram({"info", folder, "--json"});
  EXPECT_EQ(RunProgram({"info", "--model", folder, "--json"}).out, of_folder.out);
  const Json info = Json::parse(of_folder.out);
  EXPECT_EQ(info.at("vocab_size"), 2048);
  EXPECT_EQ(info.at("max_model_len"), 8192);
  EXPECT_EQ(info.at("memory_bytes").at("cache_per_token"),
            2 * 6 * 384 * (info.at("compute_dtype") == "bfloat16" ? 2 : 4));
  for (const Json& mode : info.at("modes")) {
    const std::string name = mode.at("name");
    const std::string page = name == "gundam" ? TestPagePath("gundam_free.png") : tiny_;
    const ProgramResult read =
        RunProgram({"ocr", page, "--mode", name, "--max-tokens", "1", "--format", "json"});
    const int64_t num_tokens = Json::parse(read.out).at("tokens").at("image");
    EXPECT_LE(mode.at("image_tokens").at(0), num_tokens) << name;
    EXPECT_GE(mode.at("image_tokens").at(1), num_tokens) << name;
  }
}

TEST_F(CliTest, TokenizeGoesBothWays) {
  EXPECT_EQ(RunProgram({"tokenize", "Hello <td>"}).out,
            "     42  H\n    827  ell\n     81  o\n    223  Ġ\n   2042  <td>\n");
  EXPECT_EQ(RunProgram({"tokenize", "--ids", "Hello <td>"}).out, "42 827 81 223 2042\n");
  EXPECT_THAT(RunProgram({"tokenize", "--ids", "--no-special", "Hello <td>"}).out,
              Not(HasSubstr("2042")));
  ProgramOptions options;
  options.input = "Hello";
  EXPECT_EQ(RunProgram({"tokenize", "--ids"}, options).out, "42 827 81\n");
  EXPECT_EQ(RunProgram({"tokenize", "--decode", "42", "827", "81", "2042"}).out, "Hello<td>\n");
  EXPECT_EQ(RunProgram({"tokenize", "--no-special", "--decode", "42", "827", "81", "2042"}).out,
            "Hello\n");
  EXPECT_EQ(RunProgram({"tokenize", "--model", Path("none"), "x"}).exit_code, 3);
}

TEST_F(CliTest, HelpAndVersion) {
  const ProgramResult help = RunProgram({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Examples:"));
  EXPECT_THAT(help.out, HasSubstr("Exit codes:"));
  EXPECT_THAT(RunProgram({"ocr", "--help"}).out, HasSubstr("locate:TERM"));
  const ProgramResult version = RunProgram({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.out, StartsWith("maoocr " MAOOCR_VERSION " ("));
  EXPECT_THAT(version.out, HasSubstr("best instruction set here: "));
}

}  // namespace
}  // namespace mao
