#include "weights/synthetic.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include <zlib.h>

#include <fmt/core.h>

#include "weights/message.h"

namespace mao {
namespace {

// value(h) = ((h >> shift) − middle) · scale + center; exact in float and in bf16.
struct Rule {
  int shift = 24;
  int32_t middle = 128;
  float scale = 1.0f / 128;
  float center = 0;
};

bool Contains(std::string_view name, std::string_view part) {
  return name.find(part) != std::string_view::npos;
}

Rule RuleFor(std::string_view name, const Shape& shape) {
  constexpr float kUnit = 1.0f / 128;
  if (Contains(name, "pos_embed") || Contains(name, "position_embedding") ||
      Contains(name, "rel_pos") || Contains(name, "class_embedding")) {
    return {.scale = kUnit / 4};
  }
  if (name == "bias" || name.ends_with(".bias")) return {.scale = kUnit / 8};
  if (shape.rank() == 1 && name.ends_with("weight")) {
    return {.shift = 28, .middle = 8, .center = 1};
  }
  if (shape.rank() == 1 || Contains(name, "embed_tokens")) return {};
  double fan_in = 1;
  for (size_t i = 1; i < shape.rank(); ++i) fan_in *= static_cast<double>(shape.dim(i));
  const double exponent = std::nearbyint(0.5 * std::log2(3 / std::max(fan_in, 1.0)));
  return {.scale = std::ldexp(kUnit, static_cast<int>(exponent))};
}

uint32_t StoredBits(float value, uint32_t /*as*/) { return std::bit_cast<uint32_t>(value); }
uint16_t StoredBits(float value, uint16_t /*as*/) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);  // exact, so no rounding
}

// Goes through a block on the stack, because `out` need not be aligned; the loop has no branch and
// no call, so that it vectorises.
template <typename Bits>
void Fill(const Rule& rule, uint32_t seed, uint32_t index, std::span<std::byte> out) {
  constexpr size_t kBlock = 1024;
  std::array<Bits, kBlock> block;
  while (!out.empty()) {
    for (uint32_t i = 0; i < kBlock; ++i) {
      const auto level = static_cast<int32_t>(SyntheticHash(seed, index + i) >> rule.shift);
      const float value = static_cast<float>(level - rule.middle) * rule.scale + rule.center;
      block[i] = StoredBits(value, Bits{});
    }
    const size_t size_bytes = std::min(out.size(), sizeof(block));
    std::memcpy(out.data(), block.data(), size_bytes);
    out = out.subspan(size_bytes);
    index += kBlock;
  }
}

}  // namespace

uint32_t SyntheticSeed(std::string_view name) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(name.data()), name.size()));
}

Status FillSynthetic(std::string_view name, const Shape& shape, DType dtype, size_t first_element,
                     std::span<std::byte> out) {
  if (out.size() % SizeBytes(dtype) != 0) {
    return InvalidArgumentError(fmt::format("tensor {}: {} bytes are no whole number of elements",
                                            Quoted(name), out.size()));
  }
  const Rule rule = RuleFor(name, shape);
  const uint32_t seed = SyntheticSeed(name);
  const auto index = static_cast<uint32_t>(first_element);  // the rule counts mod 2^32
  if (dtype == DType::kBF16) {
    Fill<uint16_t>(rule, seed, index, out);
  } else if (dtype == DType::kF32) {
    Fill<uint32_t>(rule, seed, index, out);
  } else {
    return UnimplementedError(fmt::format("tensor {}: synthetic values are BF16 or F32, not {}",
                                          Quoted(name), mao::Name(dtype)));
  }
  return OkStatus();
}

}  // namespace mao
