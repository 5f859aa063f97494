#include "weights/checkpoint.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weights/test_files.h"

namespace mao {
namespace {

using testing::HasSubstr;

const std::string kReference =
    std::string(MAOOCR_SOURCE_DIR) + "/tests/fixtures/checkpoints/reference";

uint32_t Crc(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void ExpectOpenError(const std::string& folder, StatusCode code, const std::string& text) {
  const auto checkpoint = Checkpoint::Open(folder);
  ASSERT_FALSE(checkpoint.ok()) << text;
  EXPECT_EQ(checkpoint.status().code(), code) << checkpoint.status().ToString();
  EXPECT_THAT(checkpoint.status().message(), HasSubstr(folder));
  EXPECT_THAT(checkpoint.status().message(), HasSubstr(text));
}

// A folder with config.json and an index with this weight_map.
void WriteIndex(const TempFolder& folder, const std::string& weight_map) {
  folder.Write("config.json", "{}");
  folder.Write("model.safetensors.index.json", "{\"weight_map\": " + weight_map + "}");
}

TEST(CheckpointTest, CopiesShareWhatTheyKeepAlive) {
  auto owner = std::make_shared<std::string>(OneTensor("a"));
  const std::weak_ptr<std::string> alive = owner;
  std::optional<Checkpoint> copy;
  {
    const std::vector<Checkpoint::NamedBytes> files = {{"config.json", AsBytes("{}")},
                                                       {"notes.txt", AsBytes("n")},
                                                       {"model.safetensors", AsBytes(*owner)}};
    auto checkpoint = Checkpoint::FromMemory("m", files, std::move(owner));
    ASSERT_TRUE(checkpoint.ok());
    copy = *checkpoint;
    EXPECT_EQ(copy->Find("a"), checkpoint->Find("a"));
  }
  ASSERT_FALSE(alive.expired());
  EXPECT_EQ(AsStringView(copy->Find("a")->bytes()), "abcd");
  EXPECT_THAT(copy->FileNames(), testing::ElementsAre("config.json", "notes.txt"));
  copy.reset();
  EXPECT_TRUE(alive.expired());
}

TEST(CheckpointTest, ShardsTellTheirMetadataAndTensorsTheirFile) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  folder.Write("a.safetensors", OneTensor("a"));
  folder.Write("b.safetensors",
               RawSafetensors(R"({"__metadata__":{"k":"v"},)"
                              R"("b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
                              "xy"));
  const auto checkpoint = Checkpoint::Open(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  const auto shards = checkpoint->shards();
  ASSERT_EQ(shards.size(), 2u);
  EXPECT_TRUE(shards[0].metadata.empty());
  EXPECT_THAT(shards[1].metadata, testing::ElementsAre(std::pair("k", "v")));
  EXPECT_EQ(checkpoint->FileOf(*checkpoint->Find("a")), folder.PathOf("a.safetensors"));
  EXPECT_EQ(checkpoint->FileOf(*checkpoint->Find("b")), folder.PathOf("b.safetensors"));
}

// The fixture's files were written by the reference library; checksums of the tensors' bytes were
// taken with Python from the files.
TEST(CheckpointTest, ReadsFilesOfTheReferenceLibrary) {
  auto opened = Checkpoint::Open(kReference);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const TensorView* before = opened->Find("logits");
  const Checkpoint checkpoint = std::move(opened).value();
  EXPECT_EQ(checkpoint.Find("logits"), before);
  EXPECT_EQ(checkpoint.name(), kReference);
  EXPECT_EQ(checkpoint.num_tensors(), 7u + 12u);
  EXPECT_EQ(checkpoint.total_bytes(), 8464u + 15360u);
  EXPECT_EQ(checkpoint.tensors().front().name,
            "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
  EXPECT_EQ(checkpoint.tensors().back().name, "position_ids");

  ASSERT_NE(before, nullptr);
  EXPECT_EQ(before->dtype, DType::kF32);
  EXPECT_EQ(before->shape, (Shape{2, 544}));
  EXPECT_EQ(Crc(before->bytes()), 0x51c74c61u);
  const TensorView* lora =
      checkpoint.Find("base_model.model.model.layers.2.self_attn.v_proj.lora_B.weight");
  ASSERT_NE(lora, nullptr);
  EXPECT_EQ(lora->dtype, DType::kBF16);
  EXPECT_EQ(lora->shape, (Shape{64, 4}));
  EXPECT_EQ(Crc(lora->bytes()), 0x5afee923u);
  EXPECT_EQ(checkpoint.Find("position_ids")->Load<int32_t>(1), 1);
  EXPECT_EQ(checkpoint.Find("logit"), nullptr);
  EXPECT_EQ(checkpoint.Find("z"), nullptr);
}

TEST(CheckpointTest, HandsOutFiles) {
  TempFolder folder;
  folder.Write("config.json", "{\"k\": 1}");
  folder.Write("model.safetensors", OneTensor("a"));
  folder.Write("tokenizer.json", "");
  folder.Write("notes.md", "not for us");
  std::filesystem::create_directory(folder.PathOf("dir.json"));
  const auto checkpoint = Checkpoint::Open(folder.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  EXPECT_EQ(checkpoint->File("config.json").value(), "{\"k\": 1}");
  EXPECT_EQ(checkpoint->File("tokenizer.json").value(), "");
  for (const char* name : {"generation_config.json", "notes.md", "../config.json", ""}) {
    const auto file = checkpoint->File(name);
    EXPECT_EQ(file.status().code(), StatusCode::kNotFound) << name;
    EXPECT_THAT(file.status().message(), HasSubstr(folder.path()));
    EXPECT_THAT(file.status().message(), HasSubstr("\"" + std::string(name) + "\""));
  }
  EXPECT_EQ(checkpoint->File("dir.json").status().code(), StatusCode::kInvalidArgument);
}

TEST(CheckpointTest, LimitsFileSize) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  folder.Write("model.safetensors", OneTensor("a"));
  folder.Write("tokenizer.json", "");
  std::filesystem::resize_file(folder.PathOf("tokenizer.json"), Checkpoint::kMaxFileBytes + 1);
  const auto checkpoint = Checkpoint::Open(folder.path());
  ASSERT_TRUE(checkpoint.ok());
  const auto file = checkpoint->File("tokenizer.json");
  EXPECT_EQ(file.status().code(), StatusCode::kOutOfRange);
  EXPECT_THAT(file.status().message(), HasSubstr("limit of 67108864 bytes"));
}

TEST(CheckpointTest, PrefersTheSingleFileThenTheIndexThenAnything) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  folder.Write("other.safetensors", OneTensor("other"));
  EXPECT_NE(Checkpoint::Open(folder.path()).value().Find("other"), nullptr);
  folder.Write("s.safetensors", OneTensor("sharded"));
  WriteIndex(folder, R"({"sharded": "s.safetensors"})");
  EXPECT_EQ(Checkpoint::Open(folder.path()).value().Find("other"), nullptr);
  EXPECT_NE(Checkpoint::Open(folder.path()).value().Find("sharded"), nullptr);
  folder.Write("model.safetensors", OneTensor("single"));
  const Checkpoint checkpoint = Checkpoint::Open(folder.path()).value();
  EXPECT_EQ(checkpoint.num_tensors(), 1u);
  EXPECT_NE(checkpoint.Find("single"), nullptr);
}

TEST(CheckpointTest, OpensFilesInMemory) {
  const std::string first = OneTensor("a");
  const std::string second = OneTensor("b");
  const std::string index = R"({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})";
  std::vector<Checkpoint::NamedBytes> files = {{"config.json", AsBytes("{}")},
                                               {"model.safetensors.index.json", AsBytes(index)},
                                               {"one.safetensors", AsBytes(first)},
                                               {"two.safetensors", AsBytes(second)}};
  const auto checkpoint = Checkpoint::FromMemory("embedded", files);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  EXPECT_EQ(checkpoint->name(), "embedded");
  EXPECT_EQ(checkpoint->total_bytes(), 8u);
  const TensorView* tensor = checkpoint->Find("b");
  ASSERT_NE(tensor, nullptr);
  checkpoint->Forget(*tensor);
  EXPECT_EQ(AsStringView(tensor->bytes()), "abcd");
  EXPECT_EQ(tensor->data, AsBytes(second).data() + second.size() - 4);

  files.push_back({"config.json", AsBytes("")});
  EXPECT_THAT(Checkpoint::FromMemory("embedded", files).status().message(),
              HasSubstr("embedded: two files called \"config.json\""));
}

TEST(CheckpointTest, ForgottenTensorsReadTheSameAgain) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  const std::string data(100'000, 'y');
  folder.Write(
      "model.safetensors",
      RawSafetensors(R"({"t":{"dtype":"U8","shape":[100000],"data_offsets":[0,100000]}})", data));
  const Checkpoint checkpoint = Checkpoint::Open(folder.path()).value();
  const TensorView* tensor = checkpoint.Find("t");
  ASSERT_NE(tensor, nullptr);
  checkpoint.Forget(*tensor);
  EXPECT_EQ(AsStringView(tensor->bytes()), data);
}

TEST(CheckpointTest, TellsWhatIsMissing) {
  TempFolder folder;
  ExpectOpenError(folder.PathOf("none"), StatusCode::kNotFound, "cannot list");
  ExpectOpenError(folder.path(), StatusCode::kNotFound, "config.json");
  folder.Write("config.json", "{}");
  ExpectOpenError(folder.path(), StatusCode::kNotFound, "no tensors");
  ExpectOpenError(folder.PathOf("config.json"), StatusCode::kInvalidArgument, "cannot list");
  WriteIndex(folder, R"({"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"})");
  ExpectOpenError(folder.path(), StatusCode::kNotFound,
                  "2 shards are missing from the folder: \"1.safetensors\", \"2.safetensors\"");
}

TEST(CheckpointTest, LimitsTheFolder) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  for (size_t i = 0; i < Checkpoint::kMaxFolderEntries; ++i) {
    folder.Write(std::to_string(i), "");
  }
  ExpectOpenError(folder.path(), StatusCode::kOutOfRange, "limit of 4096 files");
}

TEST(CheckpointTest, RefusesShardNamesThatLeaveTheFolder) {
  TempFolder outer;
  outer.Write("x.safetensors", OneTensor("a"));
  for (const char* shard :
       {"../../etc/passwd", "../x.safetensors", "/etc/x.safetensors", "a/x.safetensors",
        "a\\\\x.safetensors", "..", "", ".safetensors", "x.bin", "x\\u0000.safetensors"}) {
    TempFolder folder;
    WriteIndex(folder, R"({"a": ")" + std::string(shard) + "\"}");
    ExpectOpenError(folder.path(), StatusCode::kInvalidArgument, "a file name without folders");
  }
}

TEST(CheckpointTest, RefusesBadIndexes) {
  TempFolder folder;
  folder.Write("s.safetensors", OneTensor("a"));
  WriteIndex(folder, "{}");
  ExpectOpenError(folder.path(), StatusCode::kDataLoss, "names no tensor");
  WriteIndex(folder, "5");
  ExpectOpenError(folder.path(), StatusCode::kInvalidArgument, "weight_map: found 5");
  WriteIndex(folder, R"({"a": 5})");
  ExpectOpenError(folder.path(), StatusCode::kInvalidArgument, "weight_map.\"a\": found 5");
  WriteIndex(folder, R"({"a": "s.safetensors", "a": "s.safetensors"})");
  ExpectOpenError(folder.path(), StatusCode::kDataLoss, "\"a\" stands twice");
  folder.Write("model.safetensors.index.json", "{}");
  ExpectOpenError(folder.path(), StatusCode::kInvalidArgument, "weight_map: missing");
  folder.Write("model.safetensors.index.json", "{");
  ExpectOpenError(folder.path(), StatusCode::kDataLoss, "not valid JSON");
}

TEST(CheckpointTest, RefusesTensorsThatAreElsewhereOrTwice) {
  TempFolder folder;
  folder.Write("1.safetensors", OneTensor("a"));
  folder.Write("2.safetensors", OneTensor("b"));
  WriteIndex(folder, R"({"a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors"})");
  ExpectOpenError(folder.path(), StatusCode::kDataLoss,
                  "2 tensors are not in the shard that weight_map names: \"b\" in "
                  "\"1.safetensors\", \"c\" in \"2.safetensors\"");
  folder.Write("2.safetensors", OneTensor("a"));
  WriteIndex(folder, R"({"a": "1.safetensors", "b": "2.safetensors"})");
  ExpectOpenError(folder.path(), StatusCode::kDataLoss,
                  "tensor \"a\" is in two files, \"1.safetensors\" and \"2.safetensors\"");
}

TEST(CheckpointTest, ErrorsOfAShardNameTheShard) {
  TempFolder folder;
  folder.Write("config.json", "{}");
  folder.Write("model.safetensors", OneTensor("a").substr(0, 30));
  ExpectOpenError(folder.path(), StatusCode::kDataLoss, "/model.safetensors: truncated");
}

}  // namespace
}  // namespace mao
