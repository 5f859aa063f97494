#include "serve/config/load_config.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class LoadConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(testing::TempDir()) / ("maoocr_config_" + std::string(test->name()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    sources_.default_env_file = "";
    sources_.embedded_model_name = "embedded";
    Environment("HOME", "/srv/somebody");
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, std::string_view contents) const {
    std::ofstream(root_ / name, std::ios::binary) << contents;
    return (root_ / name).string();
  }
  void Yaml(std::string_view contents) { sources_.config_file = Write("serve.yaml", contents); }
  void Dotenv(std::string_view contents) { sources_.env_file = Write("env", contents); }
  void Environment(const std::string& name, const std::string& value) {
    sources_.environment[name].value = value;
  }
  void Flag(const std::string& name, const std::vector<std::string>& values) {
    sources_.flags.push_back({FindSetting(name), values});
  }

  LoadedConfig Load() const {
    Result<LoadedConfig> loaded = LoadServeConfig(sources_);
    EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
    return loaded.ok() ? *std::move(loaded) : LoadedConfig();
  }

  // The message without the folder of the test.
  std::string Error() const {
    const Result<LoadedConfig> loaded = LoadServeConfig(sources_);
    EXPECT_FALSE(loaded.ok());
    std::string message = loaded.status().message();
    const std::string folder = root_.string() + "/";
    for (size_t at = 0; (at = message.find(folder)) != std::string::npos;) {
      message.erase(at, folder.size());
    }
    return message;
  }

  std::string OriginOf(const LoadedConfig& loaded, const std::string& path) const {
    const auto found = loaded.origins.find(path);
    if (found == loaded.origins.end()) return "default";
    SettingOrigin origin = found->second;
    if (!origin.file.empty()) origin.file = fs::path(origin.file).filename();
    return origin.ToString();
  }

  fs::path root_;
  ConfigSources sources_;
};

TEST_F(LoadConfigTest, NothingGivenIsTheEmbeddedModelOnLoopback) {
  const LoadedConfig loaded = Load();
  EXPECT_EQ(loaded.config.default_model, "embedded");
  ASSERT_THAT(loaded.config.models, SizeIs(1));
  EXPECT_EQ(loaded.config.models[0].name, "embedded");
  EXPECT_EQ(loaded.config.models[0].model_path, "");
  EXPECT_EQ(loaded.config.data_dir, "/srv/somebody/.local/state/maoocr");
  EXPECT_EQ(ListenerAddress(loaded.listeners.listeners[0]), "127.0.0.1:8000");
  EXPECT_THAT(loaded.origins, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
}

TEST_F(LoadConfigTest, OnePrecedenceOrder) {
  Yaml("limits:\n  max_queue_length: 1\n");
  EXPECT_EQ(Load().config.limits.max_queue_length, 1);
  EXPECT_EQ(OriginOf(Load(), "limits.max_queue_length"), "serve.yaml:2");
  Dotenv("\nMAX_QUEUE_LENGTH=2\n");
  EXPECT_EQ(Load().config.limits.max_queue_length, 2);
  EXPECT_EQ(OriginOf(Load(), "limits.max_queue_length"), "env:2 MAX_QUEUE_LENGTH");
  Dotenv("\nMAX_QUEUE_LENGTH=2\nMAOOCR_MAX_QUEUE_LENGTH=3\n");
  EXPECT_EQ(Load().config.limits.max_queue_length, 3);
  Environment("MAX_QUEUE_LENGTH", "4");
  EXPECT_EQ(Load().config.limits.max_queue_length, 4);
  EXPECT_EQ(OriginOf(Load(), "limits.max_queue_length"), "environment MAX_QUEUE_LENGTH");
  Environment("MAOOCR_MAX_QUEUE_LENGTH", "5");
  EXPECT_EQ(Load().config.limits.max_queue_length, 5);
  Flag("max_queue_length", {"6"});
  EXPECT_EQ(Load().config.limits.max_queue_length, 6);
  EXPECT_EQ(OriginOf(Load(), "limits.max_queue_length"), "flag --max-queue-length");
}

TEST_F(LoadConfigTest, TheYamlOfAServerWithTwoModels) {
  Yaml(R"(inference_engine: vllm_direct
model_name: deepseek-ocr
models:
  small:
    model_path:
  deepseek-ocr:
    model_path: models/DeepSeek-OCR
    model_type: deepseek_vl_v2
    tensor_parallel_size: 2
    gpu_memory_utilization: 0.75
    max_model_len: "8192"
    quantization: null
    enable_prefix_caching: no
  remote:
    inference_engine: vllm_openai
    model_path: deepseek-ai/DeepSeek-OCR
    base_urls: ["http://gpu1:8000/v1", "http://gpu2:8000/v1"]
    api_key: sk-1
api_interfaces:
  openai: {enabled: true, host: 0.0.0.0, port: 8000}
  rest: {port: 8000, host: 0.0.0.0}
  websocket: {enabled: false}
  grpc: {enabled: true, port: 9000}
  graphql:
security:
  api_keys: one, two
)");
  const LoadedConfig loaded = Load();
  const ServeConfig& config = loaded.config;
  ASSERT_THAT(config.models, SizeIs(3));
  EXPECT_EQ(config.default_model, "deepseek-ocr");
  const ModelConfig* const model = FindModel(config, "deepseek-ocr");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->model_path, "models/DeepSeek-OCR");
  EXPECT_EQ(model->model_type, "deepseek_vl_v2");
  EXPECT_EQ(model->tensor_parallel_size, 2);
  EXPECT_EQ(model->gpu_memory_utilization, 0.75);
  EXPECT_EQ(model->max_model_len, 8192);
  EXPECT_EQ(model->quantization, "none");
  EXPECT_FALSE(model->enable_prefix_caching);
  const ModelConfig* const remote = FindModel(config, "remote");
  ASSERT_NE(remote, nullptr);
  EXPECT_EQ(EngineOf(config, *remote), InferenceEngine::kOpenAi);
  EXPECT_EQ(RemoteOf(config, *remote).model_name, "deepseek-ai/DeepSeek-OCR");
  EXPECT_THAT(RemoteOf(config, *remote).base_urls, SizeIs(2));
  EXPECT_THAT(config.security.api_keys, ElementsAre("one", "two"));
  EXPECT_EQ(FindModel(config, "none"), nullptr);

  std::vector<std::string> addresses;
  for (const ListenerSpec& listener : loaded.listeners.listeners)
    addresses.push_back(ListenerAddress(listener));
  EXPECT_THAT(addresses, ElementsAre("0.0.0.0:8000", "127.0.0.1:8004", "127.0.0.1:9000"));
  EXPECT_EQ(OriginOf(loaded, "models.deepseek-ocr.max_model_len"), "serve.yaml:11");
  EXPECT_EQ(OriginOf(loaded, "models.deepseek-ocr.quantization"), "default");
  EXPECT_EQ(OriginOf(loaded, "models.small.max_model_len"), "default");
  EXPECT_EQ(OriginOf(loaded, "api_interfaces.rest.port"), "serve.yaml:21");
}

// As people have it for a web interface before vLLM; most of it is not ours.
TEST_F(LoadConfigTest, TheDotenvOfAVllmSetup) {
  Dotenv(R"(# engine
INFERENCE_ENGINE=vllm_direct
MODEL_PATH=/models/DeepSeek-OCR/
TENSOR_PARALLEL_SIZE=1
GPU_MEMORY_UTILIZATION=0.75   # of 24 GB
MAX_MODEL_LEN=8192
ENFORCE_EAGER=false
VLLM_USE_V1=0
BASE_SIZE=1024
IMAGE_SIZE=640
CROP_MODE=true
API_HOST=0.0.0.0
API_PORT=8001
FRONTEND_PORT=3000
MAX_UPLOAD_SIZE_MB=100
MEMORY_LIMIT=50g
APP_PORT=80
HF_HOME=${HOME}/cache
HF_TOKEN=
)");
  const LoadedConfig loaded = Load();
  EXPECT_EQ(loaded.config.default_model, "DeepSeek-OCR");
  ASSERT_THAT(loaded.config.models, SizeIs(1));
  EXPECT_EQ(loaded.config.models[0].name, "DeepSeek-OCR");
  EXPECT_EQ(loaded.config.models[0].model_path, "/models/DeepSeek-OCR/");
  EXPECT_EQ(loaded.config.models[0].gpu_memory_utilization, 0.75);
  EXPECT_EQ(loaded.config.limits.max_upload_size_mb, 100);
  EXPECT_EQ(ListenerAddress(loaded.listeners.listeners[0]), "0.0.0.0:8001");
  EXPECT_EQ(OriginOf(loaded, "models.DeepSeek-OCR.max_model_len"), "env:6 MAX_MODEL_LEN");
  EXPECT_THAT(loaded.warnings, ElementsAre(HasSubstr("no API key is asked for")));
}

TEST_F(LoadConfigTest, VariablesDescribeTheDefaultModel) {
  Yaml("models: {a: {max_num_seqs: 1}, b: {max_num_seqs: 2}}\n");
  Environment("MAX_NUM_SEQS", "8");
  LoadedConfig loaded = Load();
  EXPECT_EQ(loaded.config.default_model, "a");
  EXPECT_EQ(FindModel(loaded.config, "a")->max_num_seqs, 8);
  EXPECT_EQ(FindModel(loaded.config, "b")->max_num_seqs, 2);
  Flag("model_name", {"b"});
  loaded = Load();
  EXPECT_EQ(loaded.config.default_model, "b");
  EXPECT_EQ(FindModel(loaded.config, "a")->max_num_seqs, 1);
  EXPECT_EQ(FindModel(loaded.config, "b")->max_num_seqs, 8);
  EXPECT_EQ(OriginOf(loaded, "models.b.max_num_seqs"), "environment MAX_NUM_SEQS");
}

TEST_F(LoadConfigTest, TheDefaultModelMustBeAmongThoseOfTheYamlFile) {
  Yaml("models: {deepseek: {}, other: {}}\n");
  Environment("MODEL_NAME", "deepsek");
  EXPECT_EQ(Error(),
            "model_name 'deepsek' is not below models in serve.yaml; did you mean 'deepseek'?");
  Environment("MODEL_NAME", "xyz");
  EXPECT_EQ(Error(), "model_name 'xyz' is not below models in serve.yaml; known: deepseek, other");
}

TEST_F(LoadConfigTest, NamesWithoutAYamlFile) {
  Environment("MODEL_NAME", "ocr");
  EXPECT_EQ(Load().config.models[0].name, "ocr");
  Environment("MODEL_NAME", "");
  Environment("MODEL_PATH", "models/Deep Seek");
  EXPECT_THAT(Error(), StartsWith("model_path ends in 'Deep Seek', which is no name for a model"));
  Flag("model_name", {"ocr"});
  EXPECT_EQ(Load().config.models[0].name, "ocr");
}

TEST_F(LoadConfigTest, EmptyVariablesAreNotSet) {
  Yaml("limits: {max_upload_size_mb: 7}\nsecurity: {cors_allow_origins: ['*']}\n");
  Environment("MAOOCR_MAX_UPLOAD_SIZE_MB", "");
  EXPECT_EQ(Load().config.limits.max_upload_size_mb, 7);
  Environment("MAX_UPLOAD_SIZE_MB", "8");
  EXPECT_EQ(Load().config.limits.max_upload_size_mb, 8);
  Environment("CORS_ALLOW_ORIGINS", "");
  EXPECT_THAT(Load().config.security.cors_allow_origins, ElementsAre("*"));
  Flag("cors_allow_origins", {""});
  EXPECT_THAT(Load().config.security.cors_allow_origins, IsEmpty());
}

TEST_F(LoadConfigTest, ListsInVariablesAndFlags) {
  Environment("OPENAI_BASE_URL", " http://a/v1 ,, http://b/v1 ");
  EXPECT_THAT(Load().config.vllm_openai.base_urls, ElementsAre("http://a/v1", "http://b/v1"));
  Flag("api_keys", {"one,two", "three"});
  EXPECT_THAT(Load().config.security.api_keys, ElementsAre("one", "two", "three"));
}

TEST_F(LoadConfigTest, NamesThatOthersGave) {
  Environment("VLLM_API_KEY", "sk-remote");
  Environment("VLLM_CPU_KVCACHE_SPACE", "4");
  Environment("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
  Environment("OTEL_SERVICE_NAME", "ocr");
  const LoadedConfig loaded = Load();
  EXPECT_EQ(loaded.config.vllm_openai.api_key, "sk-remote");
  EXPECT_THAT(loaded.config.security.api_keys, IsEmpty());
  EXPECT_EQ(KvCacheBytes(loaded.config.models[0]), size_t{4} << 30);
  EXPECT_EQ(TracesUrl(loaded.config.tracing), "http://collector:4318/v1/traces");
  EXPECT_EQ(loaded.config.tracing.service_name, "ocr");
}

TEST_F(LoadConfigTest, UnknownYamlKeysAreErrorsWithASuggestion) {
  Yaml(R"(models:
  deepseek-ocr:
    gpu_memory_utilisation: 0.8
    max-model-len: 8192
apis:
  openai: {prot: 80}
max_upload_size_mb: 5
api_interfaces: {http: {port: 1}}
limits: {colour: red}
logging: {}
)");
  const std::string error = Error();
  EXPECT_THAT(error, StartsWith("6 errors in the configuration:\n"));
  EXPECT_THAT(error,
              HasSubstr("\n  serve.yaml: unknown key 'gpu_memory_utilisation' at line 3; did "
                        "you mean 'gpu_memory_utilization'?\n"));
  EXPECT_THAT(error, HasSubstr("'max-model-len' at line 4; did you mean 'max_model_len'?\n"));
  EXPECT_THAT(error, HasSubstr("'apis' at line 5; known here: inference_engine, model_name, "));
  EXPECT_THAT(error, HasSubstr("'max_upload_size_mb' at line 7; did you mean "
                               "'limits.max_upload_size_mb'?\n"));
  EXPECT_THAT(error, HasSubstr("'http' at line 8; known here: openai, rest, websocket, grpc, "
                               "graphql\n"));
  EXPECT_THAT(error, HasSubstr("'colour' at line 9; known here: max_upload_size_mb, "));
}

TEST_F(LoadConfigTest, UnknownTopLevelKeysNameTheModelSection) {
  Yaml("model_path: x\n");
  EXPECT_EQ(Error(),
            "serve.yaml: unknown key 'model_path' at line 1; did you mean "
            "'models.NAME.model_path'?");
}

TEST_F(LoadConfigTest, SlipsInVariables) {
  Dotenv("GPU_MEMORY_UTILISATION=0.5\nFRONTEND_PORT=3000\nmodel_path=x\nAPI_KEY=k\nPORT=1\n");
  const std::string error = Error();
  EXPECT_THAT(error, StartsWith("3 errors in the configuration:\n"));
  EXPECT_THAT(error, HasSubstr("\n  env: unknown key 'GPU_MEMORY_UTILISATION' at line 1; did you "
                               "mean 'GPU_MEMORY_UTILIZATION'?"));
  EXPECT_THAT(error, HasSubstr("'model_path' at line 3; did you mean 'MODEL_PATH'?"));
  EXPECT_THAT(error, HasSubstr("'API_KEY' at line 4; did you mean 'API_KEYS'?"));
}

TEST_F(LoadConfigTest, TheEnvironmentBelongsToEverybody) {
  Environment("GPU_MEMORY_UTILISATION", "5");
  Environment("MAOOCR_CPU_ISA", "avx2");
  Environment("MAOOCR_SERVICE_HOST", "10.0.0.1");
  Environment("BLOCK_SIZE", "1M");
  Environment("API_PORT", "tcp://10.0.0.1:80");  // of a Kubernetes Service "api"
  Environment("MAOOCR_GRPC_PORT", "tcp://10.0.0.1:80");
  const LoadedConfig loaded = Load();
  EXPECT_THAT(loaded.origins, IsEmpty());
  Environment("MAOOCR_MAX_MODEL_LENGTH", "5");
  Load();
  Environment("MAOOCR_MAX_MODEL_LN", "5");
  EXPECT_EQ(Error(),
            "environment: unknown key 'MAOOCR_MAX_MODEL_LN'; did you mean 'MAOOCR_MAX_MODEL_LEN'?");
}

TEST_F(LoadConfigTest, AllWrongValuesAreToldWithTheirPlace) {
  Yaml(
      "models:\n  a:\n    gpu_memory_utilization: 1.5\nlimits:\n  max_connections: [1]\n"
      "api_interfaces: 8000\n");
  Dotenv("API_PORT=http\nMODEL_TYPE=$TYPE\n=\n");
  Environment("MAX_MODEL_LEN", "8k");
  Environment("VLLM_API_KEY", "my secret key");
  Flag("block_size", {"17"});
  const std::string error = Error();
  EXPECT_THAT(error, StartsWith("9 errors in the configuration:\n"));
  for (const char* line : {
           "\n  serve.yaml: models.a.gpu_memory_utilization at line 3 is '1.5'; allowed: a number "
           "above 0 and up to 1",
           "\n  serve.yaml: limits.max_connections at line 5 is a list or a section; allowed: a "
           "whole number from 1 to 1000000",
           "\n  serve.yaml: api_interfaces at line 6 is no section; allowed: keys and values below "
           "it",
           "\n  env: API_PORT at line 1 is 'http'; allowed: a whole number from 0 to 65535",
           "\n  env: MODEL_TYPE at line 2 has a $ that would have to be expanded",
           "\n  env: line 3: does not begin with a name; allowed: NAME=value",
           "\n  environment: MAX_MODEL_LEN is '8k'; allowed: a whole number from 0 to 1048576",
           "\n  command line: --block-size is '17'; allowed: a multiple of 16 from 16 to 1024",
       }) {
    EXPECT_THAT(error, HasSubstr(line));
  }
  EXPECT_THAT(error, Not(HasSubstr("secret")));
}

TEST_F(LoadConfigTest, ThousandsOfErrorsAreCounted) {
  std::string yaml = "models:\n";
  for (int i = 0; i < 60; ++i) yaml += "  m" + std::to_string(i) + ": {x: 1}\n";
  Yaml(yaml);
  EXPECT_THAT(Error(), StartsWith("60 errors in the configuration:\n"));
  EXPECT_THAT(Error(), HasSubstr("\n  and 10 more"));
  for (int i = 60; i < 65; ++i) yaml += "  m" + std::to_string(i) + ": {}\n";
  Yaml(yaml);
  EXPECT_THAT(Error(), StartsWith("61 errors"));
}

TEST_F(LoadConfigTest, NamesOfModelsAreChecked) {
  Yaml("models: {'a b': {}, '': {}}\n");
  EXPECT_THAT(Error(), HasSubstr("the model's name 'a b' at line 1 is not allowed; allowed: "));
  EXPECT_THAT(Error(), StartsWith("2 errors"));
}

TEST_F(LoadConfigTest, SettingsThatNeedOneAnother) {
  Flag("inference_engine", {"vllm_openai"});
  EXPECT_THAT(Error(), StartsWith("model 'embedded' is computed by vllm_openai, which needs "));
  Flag("tls_cert_file", {"cert.pem"});
  EXPECT_THAT(Error(), HasSubstr("tls_cert_file and tls_key_file need each other"));
  Flag("tls_key_file", {"key.pem"});
  Flag("vllm_openai_base_urls", {"http://gpu1:8000/v1"});
  Load();
  Flag("max_model_len", {"16"});
  EXPECT_THAT(Error(), HasSubstr("max_model_len 16 is less than block_size 32"));
}

TEST_F(LoadConfigTest, ListenersThatCannotBeAreErrors) {
  Flag("api_port", {"8003"});
  EXPECT_THAT(Error(), StartsWith("grpc cannot listen on 127.0.0.1:8003"));
}

TEST_F(LoadConfigTest, FilesMustExistIfTheyAreNamed) {
  Environment("MAOOCR_CONFIG", (root_ / "none.yaml").string());
  EXPECT_THAT(Error(), StartsWith("none.yaml: cannot open"));
  sources_.env_file = (root_ / "none.env").string();
  EXPECT_THAT(Error(), StartsWith("2 errors in the configuration:\n  none.env: cannot open"));
  sources_.config_file = "";
  sources_.env_file = "";
  EXPECT_THAT(Error(), HasSubstr("\n  command line: --config names no file"));
  EXPECT_THAT(Error(), HasSubstr("\n  command line: --env-file names no file"));
}

TEST_F(LoadConfigTest, WhereTheFilesAreFound) {
  sources_.default_env_file = (root_ / ".env").string();
  EXPECT_EQ(Load().env_file, "");
  fs::create_directory(root_ / ".env");
  EXPECT_EQ(Load().env_file, "");
  fs::remove(root_ / ".env");
  const std::string first = Write("first.yaml", "threads: 1\n");
  const std::string second = Write("second.yaml", "threads: 2\n");
  Write(".env", "MAOOCR_CONFIG=" + first + "\n");
  EXPECT_EQ(Load().config.threads, 1);
  EXPECT_EQ(Load().env_file, sources_.default_env_file);
  Environment("MAOOCR_CONFIG", second);
  EXPECT_EQ(Load().config.threads, 2);
  sources_.config_file = first;
  EXPECT_EQ(Load().config.threads, 1);
  EXPECT_EQ(Load().config_file, first);
}

TEST_F(LoadConfigTest, TheFolderForData) {
  Environment("XDG_STATE_HOME", "/srv/state");
  EXPECT_EQ(Load().config.data_dir, "/srv/state/maoocr");
  Environment("XDG_STATE_HOME", "state");
  EXPECT_EQ(Load().config.data_dir, "/srv/somebody/.local/state/maoocr");
  Environment("HOME", "");
  EXPECT_EQ(Error(), "neither XDG_STATE_HOME nor HOME is set; set data_dir (MAOOCR_DATA_DIR)");
  Flag("data_dir", {"data"});
  EXPECT_EQ(Load().config.data_dir, "data");
}

TEST_F(LoadConfigTest, AnOpenDoorIsAWarning) {
  Flag("api_host", {"0.0.0.0"});
  EXPECT_THAT(Load().warnings, ElementsAre(StartsWith("0.0.0.0:8000 can be reached")));
  Flag("api_keys_file", {"keys"});
  EXPECT_THAT(Load().warnings, IsEmpty());
}

}  // namespace
}  // namespace mao
