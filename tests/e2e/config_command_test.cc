// `maoocr config show`, run as a user runs it.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/e2e/program.h"

namespace mao {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ConfigCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("maoocr_config_show_" + std::string(test->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    options_.working_folder = root_.string();
    options_.environment = {"HOME=/srv/somebody"};
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& name, std::string_view contents) const {
    std::ofstream(root_ / name, std::ios::binary) << contents;
  }

  ProgramResult Show(std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), {"config", "show"});
    return RunProgram(arguments, options_);
  }

  fs::path root_;
  ProgramOptions options_;
};

TEST_F(ConfigCommandTest, DefaultsNeedNoFile) {
  const ProgramResult result = Show();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, ContainsRegex("\nmodel_name +maoocr-tiny +default\n"));
  EXPECT_THAT(result.out,
              ContainsRegex("\ndata_dir +/srv/somebody/.local/state/maoocr +default\n"));
  EXPECT_THAT(result.out, HasSubstr("\nListeners:\n  127.0.0.1:8000  openai rest websocket graphql"
                                    "\n  127.0.0.1:8003  grpc\n"));
}

TEST_F(ConfigCommandTest, EverySourceIsNamed) {
  Write("serve.yaml",
        "models:\n  ocr:\n    max_num_seqs: 3\n    max_model_len: 1024\n    block_size: 16\n"
        "limits: {max_queue_length: 7}\n");
  Write(".env", "# ours\nMAX_MODEL_LEN=2048\nBLOCK_SIZE=1M\nMAOOCR_BLOCK_SIZE=64\n");
  options_.environment.insert(options_.environment.end(),
                              {"MAOOCR_CONFIG=serve.yaml", "MAX_QUEUE_LENGTH=8", "API_PORT=9000"});
  const ProgramResult result =
      Show({"--port", "9100", "--port", "9200", "--no-enable-prefix-caching", "--api-key", "a,b",
            "--api-key", "c", "--grpc-enabled=false"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* line : {
           "\nmodels.ocr.max_num_seqs +3 +serve.yaml:3\n",
           "\nmodels.ocr.max_model_len +2048 +.env:2 MAX_MODEL_LEN\n",
           "\nmodels.ocr.block_size +64 +.env:4 MAOOCR_BLOCK_SIZE\n",
           "\nmodels.ocr.enable_prefix_caching +false +flag --enable-prefix-caching\n",
           "\nlimits.max_queue_length +8 +environment MAX_QUEUE_LENGTH\n",
           "\napi_port +9200 +flag --port\n",
           "\napi_interfaces.grpc.enabled +false +flag --grpc-enabled\n",
           "\nthreads +0 +default\n",
       }) {
    EXPECT_THAT(result.out, ContainsRegex(line));
  }
  EXPECT_THAT(result.out, HasSubstr("***,***,***"));
  EXPECT_THAT(result.out, HasSubstr("\nListeners:\n  127.0.0.1:9200  openai rest websocket "
                                    "graphql\n"));
}

TEST_F(ConfigCommandTest, ItsYamlIsAConfiguration) {
  Write("serve.yaml",
        "models: {ocr: {model_path: a b}, other: {}}\napi_interfaces: {rest: {port: 1}}\n");
  const ProgramResult first = Show({"--config", "serve.yaml", "--format", "yaml"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("    model_path: \"a b\"  # serve.yaml:1\n"));
  Write("shown.yaml", first.out);
  const ProgramResult again = Show({"--config", "shown.yaml"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, ContainsRegex("\nmodels.ocr.model_path +a b +shown.yaml:"));
}

TEST_F(ConfigCommandTest, TheFilesOfTheDocumentationAreRight) {
  const auto page = ReadFile(MAOOCR_SOURCE_DIR "/docs/configuration.md", size_t{1} << 20);
  ASSERT_TRUE(page.ok());
  for (const auto& [fence, flag] :
       {std::pair{"```yaml\n", "--config"}, {"```sh\n", "--env-file"}}) {
    size_t num_blocks = 0;
    for (size_t at = 0; (at = page->find(fence, at)) != std::string::npos; ++num_blocks) {
      at += std::string(fence).size();
      Write("example", page->substr(at, page->find("\n```", at) + 1 - at));
      const ProgramResult result = Show({flag, "example"});
      EXPECT_EQ(result.exit_code, 0) << result.err;
      EXPECT_THAT(result.out, HasSubstr("  example:"));
    }
    EXPECT_GT(num_blocks, 0u) << fence;
  }
}

TEST_F(ConfigCommandTest, AllErrorsAreToldAtOnce) {
  Write("serve.yaml", "models:\n  ocr:\n    gpu_memory_utilisation: 0.9\n");
  Write(".env", "API_PORT=eighty\n");
  const ProgramResult result = Show({"--config", "serve.yaml", "--api-key", "my secret"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(
      result.err,
      "maoocr: 3 errors in the configuration:\n"
      "  serve.yaml: unknown key 'gpu_memory_utilisation' at line 3; did you mean "
      "'gpu_memory_utilization'?\n"
      "  .env: API_PORT at line 1 is 'eighty'; allowed: a whole number from 0 to 65535\n"
      "  command line: --api-key is '***'; allowed: a list of up to 256 of: up to 512 visible "
      "ASCII characters (*** is what is shown in their place)\n");
}

TEST_F(ConfigCommandTest, WrongCommandLines) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"config"},
                                             {"config", "shwo"},
                                             {"config", "show", "--format", "xml"},
                                             {"config", "show", "--prot", "1"},
                                             {"config", "show", "--config"},
                                             {"config", "show", "--config", "none.yaml"},
                                             {"config", "show", "--env-file", "none"}}) {
    const ProgramResult result = RunProgram(arguments, options_);
    EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("maoocr: "));
  }
}

TEST_F(ConfigCommandTest, NothingFromAFileSteersATerminal) {
  Write("serve.yaml", "\"\\x1b[31mkey\": 1\n");
  const ProgramResult result = Show({"--config", "serve.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, Not(HasSubstr("\x1b")));
}

TEST_F(ConfigCommandTest, HelpSaysWhatCounts) {
  const ProgramResult result = Show({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* text :
       {"1. flags", "2. variables of the environment", "3. the .env file", "4. the YAML file",
        "5. defaults", "--max-model-len N", "--tensor-parallel-size N"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
}

}  // namespace
}  // namespace mao
