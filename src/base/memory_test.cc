#include "base/memory.h"

#include <vector>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(MemoryTest, ReadsPlausibleSizes) {
  EXPECT_GT(AvailableMemoryBytes(), size_t{1} << 20);
  const size_t before = PeakResidentBytes();
  EXPECT_GT(before, size_t{1} << 20);
  std::vector<char> block(size_t{64} << 20, 1);
  EXPECT_GE(PeakResidentBytes(), before);
  EXPECT_GE(PeakResidentBytes(), block.size());
}

}  // namespace
}  // namespace mao
