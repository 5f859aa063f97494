#include "serve/config/show_config.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class ShowConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = fs::path(testing::TempDir()) / ("maoocr_show_" + std::string(test->name()) + ".yaml");
    sources_.default_env_file = "";
    sources_.embedded_model_name = "embedded";
    sources_.environment["HOME"].value = "/srv/somebody";
  }
  void TearDown() override { fs::remove(path_); }

  LoadedConfig Load(const std::string& yaml) {
    std::ofstream(path_, std::ios::binary) << yaml;
    sources_.config_file = path_.string();
    Result<LoadedConfig> loaded = LoadServeConfig(sources_);
    EXPECT_TRUE(loaded.ok()) << loaded.status().ToString() << "\n" << yaml;
    return loaded.ok() ? *std::move(loaded) : LoadedConfig();
  }

  // Every setting with its value, without origins.
  static std::string Values(const LoadedConfig& loaded) {
    LoadedConfig bare = loaded;
    bare.origins.clear();
    return ConfigText(bare);
  }

  fs::path path_;
  ConfigSources sources_;
};

constexpr const char* kRich = R"(models:
  deepseek-ocr: {model_path: 'models/a "b" \c', max_model_len: 4096, kv_cache_space_gib: 1.5}
  other/name: {inference_engine: vllm_openai, base_urls: ["http://a/v1", "http://b/v1"]}
api_interfaces: {rest: {port: 8001}, grpc: {enabled: false}}
url_fetch: {allowed_domains: [example.org, '*.example.com']}
logging: {format: json}
)";

TEST_F(ShowConfigTest, TextHasValueAndOriginOfEverySetting) {
  sources_.environment["MAX_NUM_SEQS"].value = "4";
  const std::string text = ConfigText(Load(kRich));
  EXPECT_THAT(text, testing::ContainsRegex("\nmodels.deepseek-ocr.max_model_len +4096 +[^ ]*:2\n"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "\nmodels.deepseek-ocr.max_num_seqs +4 +environment MAX_NUM_SEQS\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\nmodels.other/name.max_num_seqs +16 +default\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\nthreads +0 +default\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\napi_port +- +default\n"));
  EXPECT_THAT(text, HasSubstr("\nListeners:\n  127.0.0.1:8000  openai\n  127.0.0.1:8001  rest\n"));
  for (const Setting& setting : Settings()) {
    EXPECT_THAT("\n" + text, HasSubstr("\n" + setting.Path("other/name") + " "));
  }
}

TEST_F(ShowConfigTest, YamlMeansTheSame) {
  const LoadedConfig first = Load(kRich);
  const std::string yaml = ConfigYaml(first);
  EXPECT_THAT(yaml, HasSubstr("\nmodels:\n  \"deepseek-ocr\":\n    model_path: "));
  EXPECT_THAT(yaml, HasSubstr("\napi_interfaces:\n  openai:\n    enabled: true  # default\n"));
  EXPECT_EQ(Values(Load(yaml)), Values(first));
  const LoadedConfig defaults = Load("");
  EXPECT_EQ(Values(Load(ConfigYaml(defaults))), Values(defaults));
}

TEST_F(ShowConfigTest, SecretsAreHiddenAndNotTakenBack) {
  const LoadedConfig loaded = Load(
      "security: {api_keys: [first-secret, second-secret]}\n"
      "vllm_openai: {api_key: third-secret, base_urls: ['http://u:fourth-secret@gpu/v1']}\n"
      "models: {m: {api_key: fifth-secret}}\n");
  for (const std::string& shown : {ConfigText(loaded), ConfigYaml(loaded)}) {
    EXPECT_THAT(shown, Not(HasSubstr("-secret")));
    EXPECT_THAT(shown, HasSubstr("***"));
  }
  std::ofstream(path_, std::ios::binary) << ConfigYaml(loaded);
  const Result<LoadedConfig> again = LoadServeConfig(sources_);
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.status().message(), HasSubstr("4 errors"));
  EXPECT_THAT(again.status().message(), HasSubstr("*** is what is shown in their place"));
}

TEST_F(ShowConfigTest, WarningsAreShown) {
  const LoadedConfig loaded = Load("api_host: 0.0.0.0\n");
  EXPECT_THAT(ConfigText(loaded), HasSubstr("\nWarning: 0.0.0.0:8000 can be reached"));
  EXPECT_THAT(ConfigYaml(loaded), HasSubstr("\n# Warning: 0.0.0.0:8000 can be reached"));
}

}  // namespace
}  // namespace mao
