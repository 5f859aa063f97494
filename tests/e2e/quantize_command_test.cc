// `maoocr quantize` as a user runs it, and what it wrote as a model.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/e2e/program.h"
#include "tests/e2e/test_pages.h"

namespace mao {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class QuantizeCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("maoocr_quantize_" + std::string(test->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Path(const std::string& name) const { return (root_ / name).string(); }

  ProgramResult Quantize(const std::string& output, const std::string& type,
                         const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"quantize", kModel, output, "--quantization", type};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunProgram(arguments);
  }

  static std::string Read(const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {
        "ocr", TestPagePath("tiny_free.png"), "--mode", "tiny", "--task", "text"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }

  static inline const std::string kModel = std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny";
  fs::path root_;
};

TEST_F(QuantizeCommandTest, TheTextIsThatOfQuantisingAtLoad) {
  for (const std::string type : {"none", "int8", "int4"}) {
    const ProgramResult result = Quantize(Path(type), type);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, AllOf(HasSubstr("50 % of"), HasSubstr(Path(type) + ": complete: ")));
    const std::string expected = Read({"--quantization", type});
    EXPECT_EQ(Read({"--model", Path(type)}), expected) << type;
    EXPECT_EQ(Read({"--model", Path(type), "--quantization", type}), expected) << type;
  }
}

TEST_F(QuantizeCommandTest, AModelMayChangeItsNumberFormatOnlyOnce) {
  ASSERT_EQ(Quantize(Path("packed"), "int8", {"--quiet"}).err, "");
  const ProgramResult other = RunProgram(
      {"ocr", TestPagePath("tiny_free.png"), "--model", Path("packed"), "--quantization", "int4"});
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.err, AllOf(HasSubstr(Path("packed")), HasSubstr("int4"), HasSubstr("int8")));
  const ProgramResult again =
      RunProgram({"quantize", Path("packed"), Path("again"), "--quantization", "int4"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("packed already"));
  EXPECT_FALSE(fs::exists(Path("again")));
}

TEST_F(QuantizeCommandTest, InfoTellsTheFormat) {
  ASSERT_EQ(Quantize(Path("packed"), "int4").exit_code, 0);
  EXPECT_THAT(RunProgram({"info", Path("packed")}).out, HasSubstr("quantization int4"));
  const auto packed = nlohmann::json::parse(RunProgram({"info", Path("packed"), "--json"}).out);
  const auto plain = nlohmann::json::parse(RunProgram({"info", kModel, "--json"}).out);
  EXPECT_EQ(packed.at("packed_quantization"), "int4");
  EXPECT_EQ(plain.at("packed_quantization"), nullptr);
  EXPECT_EQ(packed.at("parameters"), plain.at("parameters"));
  EXPECT_EQ(packed.at("compute_dtype"), plain.at("compute_dtype"));
  EXPECT_LT(packed.at("memory_bytes").at("weights"), plain.at("memory_bytes").at("weights"));
}

TEST_F(QuantizeCommandTest, ASecondCallFindsItComplete) {
  const ProgramResult first = Quantize(Path("packed"), "int8", {"--json"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto told = nlohmann::json::parse(first.out);
  EXPECT_EQ(told.at("was_complete"), false);
  EXPECT_EQ(told.at("tensor_bytes").get<size_t>() < 50'000'000, true);
  const auto written = fs::last_write_time(Path("packed/model.safetensors"));
  const ProgramResult second = Quantize(Path("packed"), "int8");
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_THAT(second.err, HasSubstr("is complete already"));
  EXPECT_EQ(fs::last_write_time(Path("packed/model.safetensors")), written);
  EXPECT_TRUE(
      nlohmann::json::parse(Quantize(Path("packed"), "int8", {"--json"}).out).at("was_complete"));
}

TEST_F(QuantizeCommandTest, ShowsABarOnATerminal) {
  const ProgramResult result =
      RunProgramInTerminal({"quantize", kModel, Path("packed"), "--quantization", "int8"});
  EXPECT_EQ(result.exit_code, 0) << result.out;
  EXPECT_THAT(result.out, AllOf(HasSubstr("[####"), HasSubstr(" MB"), HasSubstr(": complete: "),
                                Not(HasSubstr(" % of"))));
}

TEST_F(QuantizeCommandTest, ErrorsNameWhatIsWrong) {
  const auto error = [](const std::vector<std::string>& arguments, int exit_code) {
    const ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(error({"quantize", Path("none"), Path("out"), "--quantization", "int8"}, 3),
              HasSubstr(Path("none")));
  EXPECT_THAT(error({"quantize", kModel, Path("out"), "--quantization", "awq"}, 2),
              AllOf(HasSubstr("awq"), HasSubstr("int4")));
  EXPECT_THAT(error({"quantize", kModel, Path("out")}, 2), HasSubstr("--quantization"));
  EXPECT_THAT(error({"quantize", kModel, "--quantization", "int8"}, 2), HasSubstr("output"));
  EXPECT_THAT(error({"quantize", "", Path("out"), "--quantization", "int8"}, 2),
              HasSubstr("must not be empty"));
  EXPECT_FALSE(fs::exists(Path("out")));
  std::ofstream(root_ / "file") << "mine";
  EXPECT_THAT(error({"quantize", kModel, Path("file"), "--quantization", "int8"}, 1),
              HasSubstr(Path("file")));
  EXPECT_THAT(error({"quantize", kModel, root_.string(), "--quantization", "int8"}, 1),
              AllOf(HasSubstr(root_.string()), HasSubstr("not empty")));
  EXPECT_EQ(ReadFile(Path("file"), 100).value(), "mine");
}

TEST_F(QuantizeCommandTest, ACutFileIsNamed) {
  ASSERT_EQ(Quantize(Path("packed"), "int8").exit_code, 0);
  const std::string file = Path("packed/model.safetensors");
  fs::resize_file(file, fs::file_size(file) - 1);
  const ProgramResult result =
      RunProgram({"ocr", TestPagePath("tiny_free.png"), "--model", Path("packed")});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr(file));
}

}  // namespace
}  // namespace mao
