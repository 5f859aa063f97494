// Random numbers that are the same on every platform and library, for tests and benches.
#ifndef MAOOCR_KERNELS_ARCH_TEST_RANDOM_H_
#define MAOOCR_KERNELS_ARCH_TEST_RANDOM_H_

#include <cstdint>
#include <vector>

namespace mao {

// SplitMix64 (Steele, Lea, Flood 2014).
class TestRandom {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  int64_t Int(int64_t below) { return static_cast<int64_t>(Next() % static_cast<uint64_t>(below)); }
  // Uniform in [-1, 1).
  float Float() {
    return static_cast<float>(static_cast<int64_t>(Next() >> 40) - (1 << 23)) / (1 << 23);
  }
  std::vector<float> Floats(size_t count, float scale = 1.0f) {
    std::vector<float> values(count);
    for (float& value : values) value = Float() * scale;
    return values;
  }

 private:
  uint64_t state_;
};

}  // namespace mao

#endif  // MAOOCR_KERNELS_ARCH_TEST_RANDOM_H_
