// Checkpoints that are damaged, incomplete or of another kind: every one is a clear error that names
// the file, and weights that are not numbers end in an error or a text, never in a crash.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/greedy_loop.h"
#include "models/test_model.h"
#include "weights/safetensors_writer.h"
#include "weights/test_checkpoint.h"
#include "weights/test_files.h"

namespace mao {
namespace {

using testing::AllOf;
using testing::HasSubstr;

EditableCheckpoint Embedded() {
  return EditableCheckpoint(std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny");
}

// Why the model cannot be loaded; Ok if it can.
Status LoadError(const EditableCheckpoint& files) {
  ThreadPool pool(1);
  MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, files.Open());
  return LoadModel(checkpoint, {DType::kBF16}, pool).status();
}

void ExpectError(const Status& status, StatusCode code, const std::vector<std::string>& parts) {
  EXPECT_EQ(status.code(), code) << status.ToString();
  for (const std::string& part : parts) EXPECT_THAT(status.message(), HasSubstr(part));
}

// The embedded checkpoint, written again into a folder after `edit` has changed the list of tensors.
// Tensors are filled with zeros: verification comes before any value is read.
template <typename Edit>
void WriteEdited(const TempFolder& folder, const Edit& edit) {
  const EditableCheckpoint files = Embedded();
  const auto checkpoint = files.Open();
  ASSERT_TRUE(checkpoint.ok());
  std::vector<TensorToWrite> tensors;
  for (const NamedTensor& tensor : checkpoint->tensors()) {
    tensors.push_back({std::string(tensor.name), tensor.view.dtype, tensor.view.shape});
  }
  edit(tensors);
  const auto zeros = [](const TensorToWrite&, size_t, std::span<std::byte> out) {
    std::fill(out.begin(), out.end(), std::byte{0});
    return OkStatus();
  };
  folder.Write("config.json", files.config);
  folder.Write("tokenizer.json", files.tokenizer);
  const Status written = WriteSafetensors(folder.PathOf("model.safetensors"), tensors, zeros);
  ASSERT_TRUE(written.ok()) << written.ToString();
}

TensorToWrite& Named(std::vector<TensorToWrite>& tensors, std::string_view name) {
  return *std::find_if(tensors.begin(), tensors.end(),
                       [&](const TensorToWrite& tensor) { return tensor.name == name; });
}

TEST(BrokenCheckpointTest, TheUnbrokenOneLoads) {
  const Status status = LoadError(Embedded());
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST(BrokenCheckpointTest, ListsMissingMisshapenAndMistypedTensorsInOneError) {
  const TempFolder folder;
  WriteEdited(folder, [](std::vector<TensorToWrite>& tensors) {
    std::erase_if(tensors, [](const TensorToWrite& tensor) {
      return tensor.name == "lm_head.weight" || tensor.name == "model.view_seperator";
    });
    Named(tensors, "model.norm.weight").shape = Shape({385});
    Named(tensors, "model.layers.1.mlp.gate.weight").shape = Shape({384, 8});
    Named(tensors, "model.image_newline").dtype = DType::kI32;
    tensors.push_back({"model.layers.0.self_attn.q_norm.weight", DType::kBF16, Shape({64})});
  });
  ThreadPool pool(1);
  const auto checkpoint = Checkpoint::Open(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  ExpectError(LoadModel(*checkpoint, {DType::kBF16}, pool).status(), StatusCode::kInvalidArgument,
              {folder.path(), "2 tensors missing", "lm_head.weight", "model.view_seperator",
               "2 of another shape", "model.norm.weight (expected [384], found [385])",
               "model.layers.1.mlp.gate.weight (expected [8, 384], found [384, 8])",
               "1 not of a float type", "model.image_newline (I32)",
               "model.layers.0.self_attn.q_norm.weight"});
}

TEST(BrokenCheckpointTest, TruncatedTensorsAreDataLoss) {
  for (const double kept : {0.0, 1e-7, 1e-4, 0.5, 0.999999}) {
    EditableCheckpoint files = Embedded();
    const auto size = static_cast<size_t>(static_cast<double>(files.tensors.size()) * kept);
    files.tensors.resize(size);
    ExpectError(LoadError(files), StatusCode::kDataLoss, {"broken/model.safetensors"});
  }
}

TEST(BrokenCheckpointTest, BrokenTokenizersAreNamed) {
  EditableCheckpoint files = Embedded();
  const std::string whole = files.tokenizer;
  const std::string path = "broken/tokenizer.json";
  files.tokenizer = whole.substr(0, whole.size() / 2);
  ExpectError(LoadError(files), StatusCode::kDataLoss, {path});
  for (const char* wrong : {"", "[]", "{}", "null", "{\"model\": 3}", "\xFF\xFE"}) {
    files.tokenizer = wrong;
    const Status status = LoadError(files);
    EXPECT_FALSE(status.ok()) << wrong;
    EXPECT_THAT(status.message(), HasSubstr(path));
  }
}

TEST(BrokenCheckpointTest, TokenizersOfAnotherModelAreRefused) {
  EditableCheckpoint files = Embedded();
  auto tokenizer = nlohmann::json::parse(files.tokenizer);
  auto& added = tokenizer.at("added_tokens");
  for (auto& token : added) {
    if (token.at("content") == "<image>") token["content"] = "<picture>";
  }
  files.tokenizer = tokenizer.dump();
  ExpectError(LoadError(files), StatusCode::kInvalidArgument, {"broken/tokenizer.json", "<image>"});
  files = Embedded();
  tokenizer = nlohmann::json::parse(files.tokenizer);
  auto beyond = tokenizer.at("added_tokens").back();
  beyond["id"] = 2048;
  beyond["content"] = "<beyond>";
  tokenizer.at("added_tokens").push_back(beyond);
  files.tokenizer = tokenizer.dump();
  ExpectError(LoadError(files), StatusCode::kInvalidArgument,
              {"broken/tokenizer.json", "2049", "2048"});
}

TEST(BrokenCheckpointTest, ConfigsWithoutAKnownArchitectureAreRefused) {
  const std::string path = "broken/config.json";
  EditableCheckpoint files = Embedded();
  auto config = nlohmann::json::parse(files.config);
  config["architectures"] = {"LlamaForCausalLM"};
  files.config = config.dump();
  ExpectError(LoadError(files), StatusCode::kUnimplemented,
              {path, "LlamaForCausalLM", "DeepseekOCRForCausalLM"});
  config.erase("architectures");
  files.config = config.dump();
  ExpectError(LoadError(files), StatusCode::kInvalidArgument, {path, "architectures"});
  config["architectures"] = nlohmann::json::array();
  files.config = config.dump();
  ExpectError(LoadError(files), StatusCode::kInvalidArgument, {path, "architectures"});
  files.config = "{";
  ExpectError(LoadError(files), StatusCode::kDataLoss, {path});
}

TEST(BrokenCheckpointTest, MissingFilesAreNamed) {
  const TempFolder folder;
  EXPECT_THAT(Checkpoint::Open(folder.path()).status().message(),
              AllOf(HasSubstr(folder.path()), HasSubstr("config.json")));
  const EditableCheckpoint files = Embedded();
  const Checkpoint::NamedBytes without_tokenizer[] = {
      {"config.json", AsBytes(files.config)}, {"model.safetensors", AsBytes(files.tensors)}};
  const auto checkpoint = Checkpoint::FromMemory("broken", without_tokenizer);
  ASSERT_TRUE(checkpoint.ok());
  ThreadPool pool(1);
  ExpectError(LoadModel(*checkpoint, {DType::kBF16}, pool).status(), StatusCode::kNotFound,
              {"broken", "tokenizer.json"});
}

struct StrangeWeights {
  std::string name_end;
  uint16_t bits;  // of every element
};

class StrangeWeightsTest : public testing::TestWithParam<StrangeWeights> {};

// Nothing may depend on values being numbers: not the choice of experts, not a loop's end.
TEST_P(StrangeWeightsTest, LoadAndAnswerWithoutACrash) {
  EditableCheckpoint files = Embedded();
  ASSERT_NO_FATAL_FAILURE(files.Fill(GetParam().name_end, GetParam().bits));
  const auto checkpoint = files.Open();
  ASSERT_TRUE(checkpoint.ok());
  ThreadPool pool(2);
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    auto model = LoadModel(*checkpoint, {dtype}, pool);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    Prompt prompt;
    prompt.image = LoadTestImage("tiny_free.png");
    prompt.image_options.mode = "tiny";
    prompt.text = {{"Free OCR.", true}};
    const auto prepared = (*model)->Prepare(prompt, &pool);
    ASSERT_TRUE(prepared.ok()) << prepared.status().ToString();
    GreedyLoop loop(**model, dtype, pool);
    ASSERT_TRUE(loop.Prefill(*prepared, 33).ok());
    EXPECT_EQ(loop.logits().size(), static_cast<size_t>((*model)->info().vocab_size));
  }
}

constexpr uint16_t kNan = 0x7FC0;
constexpr uint16_t kInfinity = 0x7F80;
constexpr uint16_t kLargest = 0xFF7F;

INSTANTIATE_TEST_SUITE_P(Places, StrangeWeightsTest,
                         testing::Values(StrangeWeights{"lm_head.weight", kNan},
                                         StrangeWeights{"mlp.gate.weight", kNan},
                                         StrangeWeights{"self_attn.q_proj.weight", kInfinity},
                                         StrangeWeights{"experts.3.down_proj.weight", kLargest},
                                         StrangeWeights{"attn.rel_pos_h", kNan},
                                         StrangeWeights{"patch_embed.proj.weight", kLargest}),
                         [](const auto& place) { return "Case" + std::to_string(place.index); });

}  // namespace
}  // namespace mao
