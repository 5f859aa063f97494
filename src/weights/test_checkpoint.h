// For tests, of this layer and those above: a checkpoint in memory that can be damaged.
#ifndef MAOOCR_WEIGHTS_TEST_CHECKPOINT_H_
#define MAOOCR_WEIGHTS_TEST_CHECKPOINT_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/file.h"
#include "tensor/buffer.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

namespace mao {

// The files of a folder with one model.safetensors. Checkpoints opened from it have copies.
struct EditableCheckpoint {
  explicit EditableCheckpoint(const std::string& folder) {
    const auto read = [&](const char* name, std::string& contents) {
      const auto file = MappedFile::Open(folder + "/" + name);
      EXPECT_TRUE(file.ok()) << file.status().ToString();
      if (file.ok()) contents = AsStringView(file->bytes());
    };
    read("config.json", config);
    read("tokenizer.json", tokenizer);
    read("model.safetensors", tensors);
  }

  Result<Checkpoint> Open() const {
    struct Copy {
      std::string config, tokenizer;
      Buffer tensors;  // as aligned as a mapped file
    };
    auto copy = std::make_shared<Copy>();
    copy->config = config;
    copy->tokenizer = tokenizer;
    MAO_ASSIGN_OR_RETURN(copy->tensors, Buffer::Allocate(tensors.size()));
    if (!tensors.empty()) std::memcpy(copy->tensors.data(), tensors.data(), tensors.size());
    const Checkpoint::NamedBytes files[] = {
        {"config.json", AsBytes(copy->config)},
        {"tokenizer.json", AsBytes(copy->tokenizer)},
        {"model.safetensors", {copy->tensors.data(), tensors.size()}}};
    return Checkpoint::FromMemory("broken", files, copy);
  }

  // Overwrites every element of the tensors (16 bits each) whose names end so.
  void Fill(std::string_view name_end, uint16_t bits) {
    const auto index = ParseSafetensors(AsBytes(tensors), "tensors");
    ASSERT_TRUE(index.ok()) << index.status().ToString();
    int num_filled = 0;
    for (const NamedTensor& tensor : index->tensors) {
      if (!tensor.name.ends_with(name_end)) continue;
      ASSERT_EQ(SizeBytes(tensor.view.dtype), sizeof(bits));
      const auto offset = reinterpret_cast<const char*>(tensor.view.data) - tensors.data();
      for (size_t i = 0; i < tensor.view.size_bytes(); i += sizeof(bits)) {
        std::memcpy(tensors.data() + offset + i, &bits, sizeof(bits));
      }
      ++num_filled;
    }
    ASSERT_GT(num_filled, 0) << name_end;
  }

  std::string config;
  std::string tokenizer;
  std::string tensors;
};

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_TEST_CHECKPOINT_H_
