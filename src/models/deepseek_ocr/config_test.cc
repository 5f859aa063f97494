#include "models/deepseek_ocr/config.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/deepseek_ocr/tensors.h"

namespace mao::deepseek_ocr {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json ReadConfig(const std::string& folder) {
  std::ifstream in(std::string(MAOOCR_SOURCE_DIR) + "/" + folder + "/config.json");
  return json::parse(in);
}

json Released() { return ReadConfig("tests/fixtures/checkpoints/deepseek-ocr-released"); }

Result<Config> Parse(const json& config) { return ParseConfig(config.dump(), "x/config.json"); }

// Sets a decoder key in both places where it stands.
json With(const char* key, const json& value) {
  json config = Released();
  config[key] = value;
  config["language_config"][key] = value;
  return config;
}

struct Totals {
  size_t num_tensors = 0;
  size_t num_parameters = 0;
};

Totals Count(const Config& config) {
  Totals totals;
  for (const TensorSpec& spec : Tensors(config).tensors) {
    ++totals.num_tensors;
    totals.num_parameters += static_cast<size_t>(spec.shape.num_elements());
  }
  return totals;
}

void ExpectRefused(const json& config, StatusCode code, const std::string& part) {
  const auto parsed = Parse(config);
  ASSERT_FALSE(parsed.ok()) << part;
  EXPECT_EQ(parsed.status().code(), code) << parsed.status().ToString();
  EXPECT_THAT(parsed.status().message(), HasSubstr("x/config.json: "));
  EXPECT_THAT(parsed.status().message(), HasSubstr(part));
}

TEST(DeepseekOcrConfigTest, ReleasedConfigGivesTheReleasedTensors) {
  const auto config = Parse(Released());
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  const Totals totals = Count(*config);
  EXPECT_EQ(totals.num_tensors, 2710u);
  EXPECT_EQ(totals.num_parameters, 3'336'106'240u);
  EXPECT_EQ(config->decoder.head_dim(), 128);
  EXPECT_EQ(config->decoder.num_experts, 64);
  EXPECT_FALSE(config->decoder.IsMoe(0));
  EXPECT_TRUE(config->decoder.IsMoe(1));
  EXPECT_EQ(config->sam.grid, 64);
  EXPECT_EQ(config->clip.grid, 16);
  EXPECT_TRUE(config->sam.IsGlobal(11));
  EXPECT_FALSE(config->sam.IsGlobal(10));
  EXPECT_FALSE(config->boxes_in_padded_square);
}

TEST(DeepseekOcrConfigTest, EmbeddedConfigGivesTheEmbeddedTensors) {
  const auto config = Parse(ReadConfig("models/maoocr-tiny"));
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  const Totals totals = Count(*config);
  EXPECT_EQ(totals.num_tensors, 322u);
  EXPECT_EQ(totals.num_parameters, 27'007'616u);
  EXPECT_TRUE(config->boxes_in_padded_square);
}

// What the released config.json leaves out, and everything else that may be left out.
TEST(DeepseekOcrConfigTest, MissingKeysGetTheDefaultsOfTheReference) {
  const json least = {{"hidden_size", 1280},        {"num_hidden_layers", 12},
                      {"num_attention_heads", 10},  {"intermediate_size", 6848},
                      {"vocab_size", 129280},       {"n_routed_experts", 64},
                      {"n_shared_experts", 2},      {"num_experts_per_tok", 6},
                      {"first_k_dense_replace", 1}, {"moe_intermediate_size", 896}};
  const auto config = Parse(least);
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->decoder.rms_norm_eps, 1e-6f);
  EXPECT_EQ(config->decoder.rope_theta, 10000.0);
  EXPECT_EQ(config->decoder.routed_scaling_factor, 1.0f);
  EXPECT_FALSE(config->decoder.norm_topk_prob);
  EXPECT_EQ(config->decoder.num_kv_heads, 10);
  EXPECT_EQ(config->decoder.max_positions, 8192);
  EXPECT_EQ(config->bos_token_id, 0);
  EXPECT_EQ(config->eos_token_id, 1);
  const Totals totals = Count(*config);
  EXPECT_EQ(totals.num_tensors, 2710u);
  EXPECT_EQ(totals.num_parameters, 3'336'106'240u);
}

TEST(DeepseekOcrConfigTest, LanguageConfigGoesBeforeTheTopLevel) {
  json config = Released();
  config["max_position_embeddings"] = 77;
  EXPECT_EQ(Parse(config)->decoder.max_positions, 8192);
  config["language_config"].erase("max_position_embeddings");
  EXPECT_EQ(Parse(config)->decoder.max_positions, 77);
}

TEST(DeepseekOcrConfigTest, RefusesEachVariantThatIsNotComputed) {
  const std::pair<const char*, json> variants[] = {{"use_mla", true},
                                                   {"attention_bias", true},
                                                   {"tie_word_embeddings", true},
                                                   {"rope_scaling", {{"type", "yarn"}}},
                                                   {"moe_layer_freq", 2},
                                                   {"n_group", 8},
                                                   {"topk_method", "noaux_tc"},
                                                   {"scoring_func", "sigmoid"},
                                                   {"hidden_act", "gelu"}};
  for (const auto& [key, value] : variants) {
    ExpectRefused(With(key, value), StatusCode::kUnimplemented, key);
  }
  json projector = Released();
  projector["projector_config"]["projector_type"] = "mlp_gelu";
  ExpectRefused(projector, StatusCode::kUnimplemented, "projector_type");
}

TEST(DeepseekOcrConfigTest, NamesAllVariantsInOneMessage) {
  json config = With("use_mla", true);
  config["projector_config"]["projector_type"] = "identity";
  ExpectRefused(config, StatusCode::kUnimplemented,
                "not supported: use_mla (latent attention), projector_type other than linear");
}

TEST(DeepseekOcrConfigTest, NamesAllWrongValuesInOneMessage) {
  json config = With("hidden_size", "wide");
  config["language_config"].erase("vocab_size");
  config.erase("vocab_size");
  config["vision_config"]["width"]["sam_vit_b"]["layers"] = -1;
  config["rope_theta"] = "far";
  const auto parsed = Parse(config);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  for (const char* path : {"language_config.hidden_size", "vocab_size: missing",
                           "vision_config.width.sam_vit_b.layers", "rope_theta"}) {
    EXPECT_THAT(parsed.status().message(), HasSubstr(path));
  }
}

TEST(DeepseekOcrConfigTest, NamesAllSizesThatDoNotFitInOneMessage) {
  json config = With("num_attention_heads", 9);
  config["vision_config"]["width"]["clip-l-14-224"]["patch_size"] = 64;
  config["vision_config"]["width"]["clip-l-14-224"]["image_size"] = 32;
  config["vision_config"]["width"]["sam_vit_b"]["downsample_channels"] = {512};
  config["projector_config"]["n_embed"] = 640;
  config["projector_config"]["input_dim"] = 1024;
  const auto parsed = Parse(config);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  for (const char* part :
       {"hidden_size 1280 over 9 heads", "num_attention_heads must be a multiple",
        "clip-l-14-224: image_size", "downsample_channels must have 2 entries", "n_embed is 640",
        "projector_config.input_dim"}) {
    EXPECT_THAT(parsed.status().message(), HasSubstr(part));
  }
}

TEST(DeepseekOcrConfigTest, RefusesSizesThatWouldMakeAnEndlessListOfTensors) {
  json config = With("num_hidden_layers", 512);
  config["language_config"]["n_routed_experts"] = 256;
  ExpectRefused(config, StatusCode::kInvalidArgument, "above the limit of 32768 experts in all");
  config["language_config"]["n_routed_experts"] = 64;
  const auto largest = Parse(config);
  ASSERT_TRUE(largest.ok()) << largest.status().ToString();
  EXPECT_LT(Tensors(*largest).tensors.size(), 110'000u);
}

TEST(DeepseekOcrConfigTest, TokenIdsLieInTheVocabulary) {
  ExpectRefused(With("bos_token_id", 129280), StatusCode::kInvalidArgument, "bos_token_id");
  ExpectRefused(With("eos_token_id", -1), StatusCode::kInvalidArgument, "eos_token_id");
  ExpectRefused(With("vocab_size", 1), StatusCode::kInvalidArgument, "vocab_size");
}

TEST(DeepseekOcrConfigTest, SaysWhichFileIsNotJson) {
  const auto parsed = ParseConfig("{\"hidden_size\": 12", "x/config.json");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(parsed.status().message(), HasSubstr("x/config.json"));
}

}  // namespace
}  // namespace mao::deepseek_ocr
