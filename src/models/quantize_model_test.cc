// Packed checkpoints: the same numbers as from quantising at load, one output however often the
// writing is cut off, nobody's files touched, and a clear error for every file that is not right.
#include "models/quantize_model.h"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "models/greedy_loop.h"
#include "models/test_model.h"
#include "weights/test_checkpoint.h"
#include "weights/test_files.h"

namespace mao {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr size_t kSmallShard = size_t{8} << 20;

std::string EmbeddedFolder() { return std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny"; }

QuantizeOptions Options(Quantization quantization, size_t max_shard_bytes = size_t{1} << 30) {
  QuantizeOptions options;
  options.quantization = quantization;
  options.max_shard_bytes = max_shard_bytes;
  return options;
}

Result<QuantizeResult> Quantize(const std::string& source, const std::string& folder,
                                const QuantizeOptions& options) {
  ThreadPool pool(2);
  MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(source));
  return QuantizeModel(checkpoint, folder, options, pool);
}

std::map<std::string, std::string> FilesIn(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    auto contents = ReadFile(entry.path().string(), size_t{1} << 30);
    EXPECT_TRUE(contents.ok()) << contents.status().ToString();
    files[entry.path().filename().string()] = std::move(contents).value();
  }
  return files;
}

// Empty if there is none.
std::string PathOfShard(const std::string& folder, int number) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(fmt::format("model-{:05}-of-", number)) &&
        name.ends_with(".safetensors")) {
      return entry.path().string();
    }
  }
  return "";
}

void ExpectError(const Status& status, StatusCode code, const std::vector<std::string>& parts) {
  EXPECT_EQ(status.code(), code) << status.ToString();
  for (const std::string& part : parts) EXPECT_THAT(status.message(), HasSubstr(part));
}

Status LoadError(const Checkpoint& checkpoint, Quantization asked = Quantization::kNone) {
  ThreadPool pool(1);
  return LoadModel(checkpoint, {DType::kBF16, asked}, pool).status();
}

// The logits after a page and a few tokens. The checkpoint is closed before the model is used.
std::vector<float> Logits(const std::string& folder, const LoadOptions& options) {
  ThreadPool pool(2);
  std::unique_ptr<Model> model;
  {
    const auto checkpoint = Checkpoint::Open(folder);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
    auto loaded = LoadModel(*checkpoint, options, pool);
    EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
    model = std::move(loaded).value();
  }
  Prompt prompt;
  prompt.image = LoadTestImage("tiny_free.png");
  prompt.image_options.mode = "tiny";
  prompt.text = {{"\nFree OCR. ", true}};
  const auto prepared = model->Prepare(prompt, &pool);
  EXPECT_TRUE(prepared.ok());
  GreedyLoop loop(*model, options.dtype, pool);
  EXPECT_TRUE(loop.Prefill(*prepared, 512).ok());
  for (int i = 0; i < 3; ++i) loop.Step(loop.Best());
  return loop.logits();
}

class FormatsTest : public testing::TestWithParam<Quantization> {};

TEST_P(FormatsTest, TheLogitsAreThoseOfQuantisingAtLoad) {
  const TempFolder folder;
  const std::string packed = folder.PathOf("packed");
  const auto result = Quantize(EmbeddedFolder(), packed, Options(GetParam(), kSmallShard));
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_FALSE(result->was_complete);
  EXPECT_GT(FilesIn(packed).size(), 5u);  // shards
  for (const DType dtype : {DType::kBF16, DType::kF32}) {
    EXPECT_EQ(Logits(packed, {dtype}), Logits(EmbeddedFolder(), {dtype, GetParam()}))
        << Name(dtype);
  }
  const auto checkpoint = Checkpoint::Open(packed);
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(checkpoint->num_tensors(), result->num_tensors);
  EXPECT_EQ(checkpoint->total_bytes(), result->total_bytes);
  EXPECT_EQ(DefaultDType(*checkpoint), DType::kBF16);
}

TEST_P(FormatsTest, WeightsAreUsedWhereTheyLie) {
  const TempFolder folder;
  const std::string packed = folder.PathOf("packed");
  ASSERT_TRUE(Quantize(EmbeddedFolder(), packed, Options(GetParam())).ok());
  const auto checkpoint = Checkpoint::Open(packed);
  ASSERT_TRUE(checkpoint.ok());
  const auto model = ExpectedTensors(*checkpoint);
  ASSERT_TRUE(model.ok());
  const auto stored = StoredWeights::Verify(*checkpoint, *model);
  ASSERT_TRUE(stored.ok()) << stored.status().ToString();
  const auto file = checkpoint->shards()[0].bytes;
  for (const LinearSpec& linear : model->linears) {
    const PackedWeights* weights = stored->FindPacked(linear.weights);
    ASSERT_NE(weights, nullptr) << linear.weights.front();
    EXPECT_EQ((weights->data - file.data()) % 64, 0);
    EXPECT_LE(static_cast<size_t>(weights->data - file.data()) +
                  PackedWeightsBytes(weights->format, weights->n, weights->k),
              file.size());
  }
  // What the server tells of a model.
  ThreadPool pool(1);
  const auto from_packed = LoadModel(*checkpoint, {DType::kBF16}, pool);
  const auto original = LoadTestModel(DType::kBF16, pool, GetParam());
  ASSERT_TRUE(from_packed.ok());
  EXPECT_EQ((*from_packed)->info().weight_format, original->info().weight_format);
  EXPECT_EQ((*from_packed)->info().packed_bytes, original->info().packed_bytes);
  EXPECT_EQ((*from_packed)->info().num_parameters, original->info().num_parameters);
}

INSTANTIATE_TEST_SUITE_P(All, FormatsTest,
                         testing::Values(Quantization::kNone, Quantization::kInt8,
                                         Quantization::kInt4),
                         [](const auto& test) { return std::string(Name(test.param)); });

// Runs the writing in a process of its own that is killed when so much is done.
int QuantizeAndKill(const std::string& folder, const QuantizeOptions& options, double share) {
  const pid_t pid = fork();
  if (pid == 0) {
    QuantizeOptions killed = options;
    killed.progress = [&](size_t done, size_t total) {
      if (static_cast<double>(done) >= share * static_cast<double>(total)) raise(SIGKILL);
    };
    _exit(Quantize(EmbeddedFolder(), folder, killed).ok() ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

TEST(ResumptionTest, KilledAgainAndAgainItEndsWithTheSameBytes) {
  const TempFolder folder;
  const std::string whole = folder.PathOf("whole");
  const std::string cut = folder.PathOf("cut");
  const QuantizeOptions options = Options(Quantization::kInt8, kSmallShard);
  ASSERT_TRUE(Quantize(EmbeddedFolder(), whole, options).ok());
  std::optional<fs::file_time_type> first_written;
  for (const double share : {0.05, 0.3, 0.55, 0.8, 1.0}) {
    ASSERT_EQ(QuantizeAndKill(cut, options, share), SIGKILL) << share;
    EXPECT_TRUE(fs::exists(cut + "/" + kUnfinishedFile)) << share;
    const std::string first_shard = PathOfShard(cut, 1);
    if (first_shard.empty()) continue;
    const auto written = fs::last_write_time(first_shard);
    EXPECT_EQ(written, first_written.value_or(written)) << "a finished shard is kept";
    first_written = written;
  }
  EXPECT_TRUE(first_written.has_value());
  const auto result = Quantize(EmbeddedFolder(), cut, options);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_FALSE(result->was_complete);
  EXPECT_EQ(FilesIn(cut), FilesIn(whole));
  EXPECT_TRUE(Quantize(EmbeddedFolder(), cut, options)->was_complete);
}

TEST(ResumptionTest, WhatIsUnfinishedSaysSo) {
  const TempFolder folder;
  const std::string cut = folder.PathOf("cut");
  ASSERT_EQ(QuantizeAndKill(cut, Options(Quantization::kInt4, kSmallShard), 0.6), SIGKILL);
  const auto checkpoint = Checkpoint::Open(cut);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  ExpectError(LoadError(*checkpoint), StatusCode::kInvalidArgument,
              {cut, "tensors missing", "unfinished", "maoocr quantize"});
}

TEST(ResumptionTest, AStopRequestIsCancelledAndContinued) {
  const TempFolder folder;
  const std::string cut = folder.PathOf("cut");
  std::stop_source stop;
  QuantizeOptions options = Options(Quantization::kInt8, kSmallShard);
  options.stop = stop.get_token();
  options.progress = [&](size_t done, size_t total) {
    if (done > total / 2) stop.request_stop();
  };
  EXPECT_EQ(Quantize(EmbeddedFolder(), cut, options).status().code(), StatusCode::kCancelled);
  for (const auto& [name, contents] : FilesIn(cut)) EXPECT_FALSE(name.ends_with(".tmp")) << name;
  EXPECT_TRUE(Quantize(EmbeddedFolder(), cut, Options(Quantization::kInt8, kSmallShard)).ok());
}

TEST(ResumptionTest, AnotherSourceOrOptionIsRefusedAndTouchesNothing) {
  const TempFolder folder;
  const std::string cut = folder.PathOf("cut");
  ASSERT_EQ(QuantizeAndKill(cut, Options(Quantization::kInt8, kSmallShard), 0.6), SIGKILL);
  const auto before = FilesIn(cut);
  ExpectError(Quantize(EmbeddedFolder(), cut, Options(Quantization::kInt4, kSmallShard)).status(),
              StatusCode::kInvalidArgument,
              {cut, "unfinished output", "quantization is \"int8\", not \"int4\""});
  EditableCheckpoint other(EmbeddedFolder());
  other.tensors.back() = static_cast<char>(other.tensors.back() ^ 1);
  ThreadPool pool(2);
  ExpectError(QuantizeModel(*other.Open(), cut, Options(Quantization::kInt8), pool).status(),
              StatusCode::kInvalidArgument, {cut, "source is "});
  EXPECT_EQ(FilesIn(cut), before);
}

TEST(QuantizeFolderTest, FoldersOfOthersAreLeftAlone) {
  const TempFolder folder;
  folder.Write("diary.txt", "dear");
  ExpectError(Quantize(EmbeddedFolder(), folder.path(), Options(Quantization::kInt8)).status(),
              StatusCode::kInvalidArgument, {folder.path(), "not empty"});
  ExpectError(
      Quantize(EmbeddedFolder(), folder.PathOf("diary.txt"), Options(Quantization::kInt8)).status(),
      StatusCode::kInvalidArgument, {"diary.txt"});
  EXPECT_EQ(FilesIn(folder.path()), (std::map<std::string, std::string>{{"diary.txt", "dear"}}));
  ExpectError(Quantize(EmbeddedFolder(), EmbeddedFolder(), Options(Quantization::kInt8)).status(),
              StatusCode::kInvalidArgument, {EmbeddedFolder(), "not empty"});
}

TEST(QuantizeFolderTest, OneProcessWritesAtATime) {
  const TempFolder folder;
  const int other = open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  ExpectError(Quantize(EmbeddedFolder(), folder.path(), Options(Quantization::kInt8)).status(),
              StatusCode::kUnavailable, {folder.path(), "another"});
  EXPECT_TRUE(FilesIn(folder.path()).empty());
  close(other);
  EXPECT_TRUE(Quantize(EmbeddedFolder(), folder.path(), Options(Quantization::kInt8)).ok());
}

TEST(QuantizeFolderTest, CompleteOutputIsToldApartFromAnotherOne) {
  const TempFolder folder;
  const std::string packed = folder.PathOf("packed");
  ASSERT_TRUE(Quantize(EmbeddedFolder(), packed, Options(Quantization::kInt8)).ok());
  const auto before = FilesIn(packed);
  EXPECT_TRUE(Quantize(EmbeddedFolder(), packed, Options(Quantization::kInt8))->was_complete);
  ExpectError(Quantize(EmbeddedFolder(), packed, Options(Quantization::kNone)).status(),
              StatusCode::kInvalidArgument, {packed, "quantization is \"int8\", not \"none\""});
  QuantizeOptions options = Options(Quantization::kInt8);
  options.dtype = DType::kF32;
  ExpectError(Quantize(EmbeddedFolder(), packed, options).status(), StatusCode::kInvalidArgument,
              {packed, "dtype is \"BF16\", not \"F32\""});
  EXPECT_EQ(FilesIn(packed), before);
  ExpectError(Quantize(packed, folder.PathOf("again"), Options(Quantization::kInt4)).status(),
              StatusCode::kInvalidArgument, {packed, "packed already", "int8"});
  EXPECT_FALSE(fs::exists(folder.PathOf("again")));
}

// One packed checkpoint for all tests of damage.
class DamageTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = testing::TempDir() + "/maoocr_DamageTest_" + std::to_string(getpid());
    fs::remove_all(folder_);
    ASSERT_TRUE(Quantize(EmbeddedFolder(), folder_, Options(Quantization::kInt8)).ok());
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  DamageTest() : files_(folder_) {}

  // Replaces the first such text of the header; the lengths are the same.
  void Edit(const std::string& from, const std::string& to) {
    ASSERT_EQ(from.size(), to.size());
    const size_t at = files_.tensors.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    files_.tensors.replace(at, from.size(), to);
  }

  Status Error(Quantization asked = Quantization::kNone) const {
    MAO_ASSIGN_OR_RETURN(const Checkpoint checkpoint, files_.Open());
    return LoadError(checkpoint, asked);
  }

  static inline std::string folder_;
  EditableCheckpoint files_;
};

TEST_F(DamageTest, TheUndamagedOneLoads) {
  EXPECT_TRUE(Error().ok()) << Error().ToString();
  EXPECT_TRUE(Error(Quantization::kInt8).ok());
  ExpectError(Error(Quantization::kInt4), StatusCode::kInvalidArgument, {"broken", "int4", "int8"});
}

TEST_F(DamageTest, UnknownMetadata) {
  const std::string path = "broken/model.safetensors";
  Edit(R"("layout_version":"1")", R"("layout_version":"7")");
  ExpectError(Error(), StatusCode::kUnimplemented, {path, "layout version \"7\"", "version 1"});
  Edit(R"("layout_version")", R"("layout_versiom")");
  ExpectError(Error(), StatusCode::kDataLoss, {path, "layout_version"});
  files_ = EditableCheckpoint(folder_);
  Edit(R"("quantization":"int8")", R"("quantization":"int9")");
  ExpectError(Error(), StatusCode::kInvalidArgument, {path, "'int9'"});
  files_ = EditableCheckpoint(folder_);
  Edit(R"("dtype":"BF16")", R"("dtype":"BF17")");
  ExpectError(Error(), StatusCode::kUnimplemented, {path, "BF17"});
  files_ = EditableCheckpoint(folder_);
  Edit("maoocr-packed", "maoocr-pocked");
  ExpectError(Error(), StatusCode::kInvalidArgument, {"broken", "missing", "lm_head.packed_int8"});
}

TEST_F(DamageTest, TensorsThatDoNotFit) {
  const std::string projector = "model.projector.layers.packed_bf16";
  Edit(projector, "model.projector.layers.packed_bf61");
  ExpectError(Error(), StatusCode::kInvalidArgument,
              {"1 tensors missing: " + projector, "unused", "packed_bf61"});
  files_ = EditableCheckpoint(folder_);
  Edit(R"("quantization":"int8")", R"("quantization":"int4")");
  ExpectError(Error(), StatusCode::kInvalidArgument, {"missing", "gate_proj+up_proj.packed_int4"});
  files_ = EditableCheckpoint(folder_);
  Edit(R"("lm_head.packed_int8":{"dtype":"U8")", R"("lm_head.packed_int8":{"dtype":"I8")");
  ExpectError(Error(), StatusCode::kInvalidArgument,
              {"of another type: lm_head.packed_int8 (expected U8, found I8)"});
  files_ = EditableCheckpoint(folder_);
  Edit(R"(attn.qkv.packed_bf16":{"dtype":"U8","shape":[48,8192])",
       R"(attn.qkv.packed_bf16":{"dtype":"U8","shape":[8192,48])");
  ExpectError(Error(), StatusCode::kInvalidArgument,
              {"of another shape", "attn.qkv.packed_bf16 (expected [48, 8192], found [8192, 48])"});
}

TEST_F(DamageTest, ConfigsOfAnotherModel) {
  auto config = nlohmann::json::parse(files_.config);
  for (nlohmann::json* at : {&config, &config["language_config"]}) {
    if (at->contains("vocab_size")) (*at)["vocab_size"] = 2064;
  }
  files_.config = config.dump();
  ExpectError(Error(), StatusCode::kInvalidArgument, {"lm_head.packed_int8", "expected [129, "});
}

TEST_F(DamageTest, CutAndShiftedFiles) {
  const std::string whole = files_.tensors;
  for (const size_t size :
       {size_t{0}, size_t{7}, size_t{500}, whole.size() / 2, whole.size() - 1}) {
    files_.tensors = whole.substr(0, size);
    ExpectError(Error(), StatusCode::kDataLoss, {"broken/model.safetensors"});
  }
  files_.tensors = whole;
  uint64_t length = 0;
  std::memcpy(&length, whole.data(), sizeof(length));
  files_.tensors.insert(sizeof(length) + length, 8, ' ');
  length += 8;
  std::memcpy(files_.tensors.data(), &length, sizeof(length));
  ExpectError(Error(), StatusCode::kDataLoss, {"broken/model.safetensors", "multiple of 64"});
}

TEST(ShardsTest, FilesOfTwoOutputsAreNoCheckpoint) {
  const TempFolder folder;
  const std::string packed = folder.PathOf("packed");
  ASSERT_TRUE(Quantize(EmbeddedFolder(), packed, Options(Quantization::kInt8, kSmallShard)).ok());
  const std::string path = PathOfShard(packed, 2);
  std::string shard = FilesIn(packed).at(fs::path(path).filename().string());
  const size_t at = shard.find("\"source\":\"") + 10;
  shard[at] = shard[at] == '0' ? '1' : '0';
  ASSERT_TRUE(WriteFile(path, shard).ok());
  const auto checkpoint = Checkpoint::Open(packed);
  ASSERT_TRUE(checkpoint.ok());
  ExpectError(LoadError(*checkpoint), StatusCode::kDataLoss, {path, "__metadata__ differs"});
}

}  // namespace
}  // namespace mao
