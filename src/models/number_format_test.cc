// Checkpoints in float32 and float16, and split into shards, read like the bfloat16 original.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/float16.h"
#include "models/greedy_loop.h"
#include "models/quantize_model.h"
#include "models/test_model.h"
#include "weights/safetensors_writer.h"
#include "weights/test_files.h"

namespace mao {
namespace {

void WriteConverted(DType dtype, size_t max_shard_bytes, const std::string& folder) {
  const std::string source = std::string(MAOOCR_SOURCE_DIR) + "/models/maoocr-tiny";
  std::filesystem::create_directory(folder);
  for (const char* file : {"config.json", "tokenizer.json"}) {
    std::filesystem::copy_file(source + "/" + file, folder + "/" + file);
  }
  const auto checkpoint = Checkpoint::Open(source);
  EXPECT_TRUE(checkpoint.ok());
  std::vector<TensorToWrite> tensors;
  for (const NamedTensor& tensor : checkpoint->tensors()) {
    if (tensor.view.dtype != DType::kBF16) continue;  // a table of ids that no model reads
    tensors.push_back({std::string(tensor.name), dtype, tensor.view.shape});
  }
  const auto fill = [&](const TensorToWrite& tensor, size_t first, std::span<std::byte> out) {
    const TensorView& view = *checkpoint->Find(tensor.name);
    for (size_t i = 0; i < out.size() / SizeBytes(dtype); ++i) {
      const float value = ToFloat(view.Load<BFloat16>(first + i));
      if (dtype == DType::kF32) {
        std::memcpy(out.data() + i * 4, &value, 4);
      } else {
        const Float16 half = ToFloat16(value);
        std::memcpy(out.data() + i * 2, &half, 2);
      }
    }
    return OkStatus();
  };
  const Status status = WriteCheckpointTensors(folder, tensors, max_shard_bytes, fill);
  EXPECT_TRUE(status.ok()) << status.ToString();
}

std::vector<TokenId> GenerateIds(const std::string& folder) {
  ThreadPool pool(2);
  const auto checkpoint = Checkpoint::Open(folder);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  EXPECT_EQ(DefaultDType(*checkpoint), DType::kF32);
  auto model = LoadModel(*checkpoint, {DType::kF32}, pool);
  EXPECT_TRUE(model.ok()) << model.status().ToString();
  Prompt request;
  request.image = LoadTestImage("tiny_free.png");
  request.image_options.mode = "tiny";
  request.text = {{"\nFree OCR. ", true}};
  auto prompt = (*model)->Prepare(request, &pool);
  EXPECT_TRUE(prompt.ok());
  GreedyLoop loop(**model, DType::kF32, pool);
  EXPECT_TRUE(loop.Prefill(*prompt, 512).ok());
  return loop.Generate(200);
}

// Also when they are packed ahead of time, in float32.
TEST(NumberFormatTest, Float32AndFloat16ShardsGiveTheReferenceIds) {
  std::ifstream in(FixturePath("tiny_free.json"));
  const nlohmann::json json = nlohmann::json::parse(in);
  const auto expected = json.at("output_ids").get<std::vector<TokenId>>();
  for (const DType dtype : {DType::kF32, DType::kF16}) {
    const TempFolder temp;
    const std::string folder = temp.PathOf("converted");
    WriteConverted(dtype, size_t{32} << 20, folder);
    EXPECT_EQ(GenerateIds(folder), expected) << Name(dtype);
    ThreadPool pool(2);
    QuantizeOptions options;
    options.dtype = DType::kF32;
    const auto source = Checkpoint::Open(folder);
    ASSERT_TRUE(source.ok());
    const auto result = QuantizeModel(*source, temp.PathOf("packed"), options, pool);
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    EXPECT_EQ(GenerateIds(temp.PathOf("packed")), expected) << Name(dtype);
  }
}

}  // namespace
}  // namespace mao
