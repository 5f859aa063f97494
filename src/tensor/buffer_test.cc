#include "tensor/buffer.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(BufferTest, IsAlignedZeroedAndWritableAtBothSidesOfTheThreshold) {
  for (const size_t size :
       {size_t{1}, size_t{63}, size_t{65}, size_t{4096}, Buffer::kMapThresholdBytes - 1,
        Buffer::kMapThresholdBytes, Buffer::kMapThresholdBytes + 12345}) {
    auto buffer = Buffer::Allocate(size);
    ASSERT_TRUE(buffer.ok()) << size;
    EXPECT_EQ(buffer->size_bytes(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % Buffer::kAlignment, 0u);
    EXPECT_TRUE(std::all_of(buffer->data(), buffer->data() + size,
                            [](std::byte value) { return value == std::byte{0}; }));
    buffer->As<uint8_t>()[size - 1] = 7;
    EXPECT_EQ(std::as_const(*buffer).As<uint8_t>()[size - 1], 7);
  }
}

TEST(BufferTest, MovingKeepsTheAddress) {
  Buffer first = Buffer::Allocate(100).value();
  std::byte* const data = first.data();
  Buffer second = std::move(first);
  EXPECT_EQ(second.data(), data);
  Buffer third;
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.size_bytes(), 100u);
}

TEST(BufferTest, NothingIsAValidSize) {
  const auto buffer = Buffer::Allocate(0);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ(buffer->data(), nullptr);
  EXPECT_EQ(buffer->size_bytes(), 0u);
}

TEST(BufferTest, RefusalIsAValue) {
  for (const size_t size : {std::numeric_limits<size_t>::max(), size_t{1} << 62}) {
    const auto buffer = Buffer::Allocate(size);
    ASSERT_FALSE(buffer.ok());
    EXPECT_EQ(buffer.status().code(), StatusCode::kResourceExhausted);
    EXPECT_NE(buffer.status().message().find(std::to_string(size)), std::string::npos);
  }
}

}  // namespace
}  // namespace mao
