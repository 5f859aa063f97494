// For tests, of this layer and those above: a checkpoint in memory that can be damaged.
#ifndef MAOOCR_WEIGHTS_TEST_CHECKPOINT_H_
#define MAOOCR_WEIGHTS_TEST_CHECKPOINT_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/file.h"
#include "weights/checkpoint.h"

namespace mao {

// The files of a folder with one model.safetensors. Checkpoints opened from it refer to it.
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
    const Checkpoint::NamedBytes files[] = {{"config.json", AsBytes(config)},
                                            {"tokenizer.json", AsBytes(tokenizer)},
                                            {"model.safetensors", AsBytes(tensors)}};
    return Checkpoint::FromMemory("broken", files);
  }

  // Overwrites every element of the tensors (16 bits each) whose names end so.
  void Fill(std::string_view name_end, uint16_t bits) {
    const auto checkpoint = Open();
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
    int num_filled = 0;
    for (const NamedTensor& tensor : checkpoint->tensors()) {
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
