#include "serve/config/setting.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace mao {
namespace {

using testing::ElementsAre;

std::string Joined(const std::vector<std::string>& words, std::string_view around = "") {
  std::string text;
  for (const std::string& word : words) {
    text += text.empty() ? "" : ", ";
    text += around;
    text += word;
    text += around;
  }
  return text;
}

// In Markdown a star would make text slanted.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '*' ? "\\*" : std::string(1, c);
  return escaped;
}

// The table of docs/configuration.md.
std::string SettingsTable() {
  ServeConfig config;
  ModelConfig model;
  std::string table =
      "| YAML | environment | flag | default | what it is | allowed |\n|---|---|---|---|---|---|\n";
  for (const Setting& setting : Settings()) {
    const std::string value = Joined(setting.type.get({&config, &model}));
    table += "| `" + setting.Path("NAME") + "` | " + Joined(setting.environment, "`") + " | " +
             Joined(setting.flags, "`") + " | " + (value.empty() ? "" : "`" + value + "`") + " | " +
             Escaped(setting.help) + " | " + Escaped(setting.type.allowed) + " |\n";
  }
  return table;
}

bool Set(const std::string& name, const std::vector<std::string>& values, ServeConfig& config,
         ModelConfig& model) {
  const Setting* const setting = FindSetting(name);
  EXPECT_NE(setting, nullptr) << name;
  return setting != nullptr && setting->type.set({&config, &model}, values);
}

bool Allows(const std::string& name, const std::string& value) {
  ServeConfig config;
  ModelConfig model;
  return Set(name, {value}, config, model);
}

TEST(SettingsTest, TheDocumentationHasTheTable) {
  const auto page = ReadFile(MAOOCR_SOURCE_DIR "/docs/configuration.md", size_t{1} << 20);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  const std::string table = SettingsTable();
  EXPECT_TRUE(page->ends_with("\n\n" + table))
      << "docs/configuration.md must end with exactly this table:\n\n"
      << table;
}

TEST(SettingsTest, NamesAreUnambiguous) {
  std::set<std::string> names, paths, variables, flags;
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_TRUE(paths.insert(setting.Path("NAME")).second) << setting.name;
    for (const std::string& name : setting.environment) {
      EXPECT_TRUE(variables.insert(name).second) << name;
    }
    for (const std::string& flag : setting.flags) {
      EXPECT_TRUE(flags.insert(flag).second) << flag;
    }
    EXPECT_EQ(setting.environment.empty(), setting.flags.empty()) << setting.name;
    EXPECT_FALSE(setting.help.empty() || setting.type.allowed.empty()) << setting.name;
  }
}

TEST(SettingsTest, SettingsOfAModelStandTogether) {
  const auto& settings = Settings();
  const auto of_model = [](const Setting& setting) { return setting.is_of_model(); };
  const auto begin = std::find_if(settings.begin(), settings.end(), of_model);
  const auto end = std::find_if_not(begin, settings.end(), of_model);
  EXPECT_NE(begin, settings.end());
  EXPECT_EQ(std::find_if(end, settings.end(), of_model), settings.end());
}

TEST(SettingsTest, EveryDefaultIsAllowedAndReadsBack) {
  for (const Setting& setting : Settings()) {
    ServeConfig config;
    ModelConfig model;
    const SettingTarget target = {&config, &model};
    const std::vector<std::string> value = setting.type.get(target);
    if (value.empty() && setting.type.kind != SettingType::Kind::kList) continue;
    EXPECT_TRUE(setting.type.set(target, value)) << setting.name << " = " << Joined(value);
    EXPECT_EQ(setting.type.get(target), value) << setting.name;
  }
}

TEST(SettingsTest, DefaultsThatOthersRelyOn) {
  const ServeConfig config;
  EXPECT_EQ(config.inference_engine, InferenceEngine::kDirect);
  EXPECT_EQ(config.api_host, "127.0.0.1");
  EXPECT_EQ(config.limits.max_upload_size_mb, 50);
  EXPECT_EQ(config.limits.max_queue_length, 256);
  EXPECT_TRUE(config.security.cors_allow_origins.empty());
  EXPECT_EQ(ModelConfig().gpu_memory_utilization, 0.9);
}

TEST(SettingsTest, NumbersHaveTheirLimits) {
  for (const char* value : {"0", "8000", "65535"}) EXPECT_TRUE(Allows("api_port", value)) << value;
  for (const char* value : {"", "-1", "65536", "80x", " 80", "8e3", "99999999999999999999"}) {
    EXPECT_FALSE(Allows("api_port", value)) << value;
  }
  EXPECT_TRUE(Allows("block_size", "48"));
  EXPECT_FALSE(Allows("block_size", "40"));
  for (const char* value : {"1", "0.75", "1e-3"}) {
    EXPECT_TRUE(Allows("gpu_memory_utilization", value)) << value;
  }
  for (const char* value : {"0", "1.01", "nan", "inf", "-inf", "0.5 ", "0,5", "1e999"}) {
    EXPECT_FALSE(Allows("gpu_memory_utilization", value)) << value;
  }
}

TEST(SettingsTest, SwitchesAndChoices) {
  ServeConfig config;
  ModelConfig model;
  for (const char* no : {"false", "No", "OFF", "0"}) {
    model.enable_prefix_caching = true;
    EXPECT_TRUE(Set("enable_prefix_caching", {no}, config, model)) << no;
    EXPECT_FALSE(model.enable_prefix_caching) << no;
  }
  for (const char* yes : {"true", "Yes", "ON", "1"}) {
    model.enable_prefix_caching = false;
    EXPECT_TRUE(Set("enable_prefix_caching", {yes}, config, model)) << yes;
    EXPECT_TRUE(model.enable_prefix_caching) << yes;
  }
  EXPECT_FALSE(Allows("enable_prefix_caching", "maybe"));
  EXPECT_FALSE(Allows("enable_prefix_caching", ""));

  EXPECT_TRUE(Set("inference_engine", {"vllm_openai"}, config, model));
  EXPECT_EQ(config.inference_engine, InferenceEngine::kOpenAi);
  EXPECT_TRUE(Set("inference_engine", {"Direct"}, config, model));
  EXPECT_EQ(config.inference_engine, InferenceEngine::kDirect);
  EXPECT_EQ(FindSetting("inference_engine")->type.get({&config, &model})[0], "vllm_direct");
  EXPECT_FALSE(Allows("inference_engine", "transformers"));
  EXPECT_TRUE(Set("log_level", {"WARN"}, config, model));
  EXPECT_EQ(config.logging.log_level, LogLevel::kWarning);
}

TEST(SettingsTest, Texts) {
  const std::pair<const char*, std::vector<const char*>> kAllowed[] = {
      {"api_host", {"0.0.0.0", "::1", "ocr.example.org", "fe80::1%eth0"}},
      {"model_name", {"deepseek-ai/DeepSeek-OCR", "ocr:latest"}},
      {"model_path", {"models/Deep Seek", "\xC3\xA4", ""}},
      {"vllm_openai_base_urls", {"http://gpu1:8000/v1", "https://u:p@example.org"}},
      {"url_allowed_domains", {"example.org", "*.example.org"}},
      {"cors_allow_origins", {"*", "https://example.org:8443", "http://[::1]:3000"}},
      {"vllm_openai_api_key", {"sk-1234/+=", ""}},
  };
  for (const auto& [name, values] : kAllowed) {
    for (const char* value : values) EXPECT_TRUE(Allows(name, value)) << name << " = " << value;
  }
  const std::pair<const char*, std::vector<const char*>> kRefused[] = {
      {"api_host", {"", "a b", "http://x", "a/b"}},
      {"model_name", {"a b", "a\nb", "<x>"}},
      {"model_path", {"a\nb", "\x7F"}},
      {"vllm_openai_base_urls",
       {"", "gpu1:8000", "ftp://x", "http://", "http:///v1", "http://a b", "http://***@x"}},
      {"url_allowed_domains", {"", "*", "*.", "https://example.org", ".example.org"}},
      {"cors_allow_origins", {"example.org", "https://example.org/path", "null"}},
      {"vllm_openai_api_key", {"***", "two words", "\xC3\xA4"}},
  };
  for (const auto& [name, values] : kRefused) {
    for (const char* value : values) EXPECT_FALSE(Allows(name, value)) << name << " = " << value;
  }
  EXPECT_FALSE(Allows("model_path", std::string(4097, 'x')));
  EXPECT_FALSE(Allows("model_name", std::string(257, 'x')));
}

TEST(SettingsTest, WhatIsRefusedChangesNothing) {
  ServeConfig config;
  ModelConfig model;
  config.security.api_keys = {"one"};
  EXPECT_FALSE(Set("api_keys", {"two", "three four"}, config, model));
  EXPECT_THAT(config.security.api_keys, ElementsAre("one"));
  EXPECT_FALSE(Set("api_port", {"1", "2"}, config, model));
  EXPECT_FALSE(Set("api_port", {}, config, model));
  EXPECT_FALSE(config.api_port.has_value());
  EXPECT_TRUE(Set("api_keys", std::vector<std::string>(256, "k"), config, model));
  EXPECT_FALSE(Set("api_keys", std::vector<std::string>(257, "k"), config, model));
}

TEST(SettingsTest, SecretsAreNotShown) {
  EXPECT_THAT(ShownValues(*FindSetting("api_keys"), {"one", "two"}), ElementsAre("***", "***"));
  EXPECT_THAT(ShownValues(*FindSetting("model_api_key"), {"one"}), ElementsAre("***"));
  EXPECT_THAT(ShownValues(*FindSetting("vllm_openai_api_key"), {""}), ElementsAre(""));
  EXPECT_THAT(ShownValues(*FindSetting("vllm_openai_base_urls"),
                          {"http://user:pa@ss@gpu1/v1", "http://gpu2/v1?mail=a@b"}),
              ElementsAre("http://***@gpu1/v1", "http://gpu2/v1?mail=a@b"));
}

TEST(SettingsTest, RemoteModels) {
  ServeConfig config;
  config.vllm_openai.base_urls = {"http://common"};
  config.vllm_openai.api_key = "common";
  ModelConfig model;
  model.name = "ocr";
  EXPECT_EQ(RemoteOf(config, model).model_name, "ocr");
  EXPECT_EQ(RemoteOf(config, model).api_key, "common");
  EXPECT_THAT(RemoteOf(config, model).base_urls, ElementsAre("http://common"));
  model.model_path = "deepseek-ai/DeepSeek-OCR";
  EXPECT_EQ(RemoteOf(config, model).model_name, "deepseek-ai/DeepSeek-OCR");
  model.remote_model_name = "deepseek-ocr";
  EXPECT_EQ(RemoteOf(config, model).model_name, "deepseek-ocr");
  model.base_urls = {"http://own"};
  EXPECT_THAT(RemoteOf(config, model).base_urls, ElementsAre("http://own"));
  EXPECT_EQ(RemoteOf(config, model).api_key, "");
  model.api_key = "own";
  EXPECT_EQ(RemoteOf(config, model).api_key, "own");

  EXPECT_EQ(EngineOf(config, model), InferenceEngine::kDirect);
  model.inference_engine = InferenceEngine::kOpenAi;
  EXPECT_EQ(EngineOf(config, model), InferenceEngine::kOpenAi);
  EXPECT_EQ(InferenceEngineName(EngineOf(config, model)), "vllm_openai");
}

TEST(SettingsTest, DerivedValues) {
  ModelConfig model;
  EXPECT_EQ(KvCacheBytes(model), 0u);
  model.kv_cache_space_gib = 1.5;
  EXPECT_EQ(KvCacheBytes(model), size_t{3} << 29);
  TracingConfig tracing;
  EXPECT_EQ(TracesUrl(tracing), "");
  tracing.otlp_endpoint = "http://collector:4318";
  EXPECT_EQ(TracesUrl(tracing), "http://collector:4318/v1/traces");
  tracing.otlp_endpoint = "http://collector:4318/x/";
  EXPECT_EQ(TracesUrl(tracing), "http://collector:4318/x/v1/traces");
  tracing.otlp_traces_endpoint = "http://other/traces";
  EXPECT_EQ(TracesUrl(tracing), "http://other/traces");
}

}  // namespace
}  // namespace mao
