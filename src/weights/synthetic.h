// Synthetic weights: values that follow from a tensor's name and shape alone, so that a whole model
// can be tested, against vectors computed elsewhere by the same rule, without its checkpoint.
//
// Element i (row-major) hashes to h = murmur3's finaliser of i·0x9E3779B1 + crc32(name), mod 2^32.
// With q = ((h >> 24) − 128) / 128 the value is, by the first rule that matches:
//   name contains pos_embed, position_embedding, rel_pos or class_embedding   q/4
//   the last part of the name is "bias"                                       q/8
//   one-dimensional, name ends in "weight"                                    1 + ((h >> 28) −
//   8)/128 another one-dimensional tensor                                            q name
//   contains embed_tokens                                                q else q·2^r
// where r is 0.5·log2(3/fan_in) rounded (ties to even), fan_in the product of all dimensions but
// the first. Every value is exact in bf16.
#ifndef MAOOCR_WEIGHTS_SYNTHETIC_H_
#define MAOOCR_WEIGHTS_SYNTHETIC_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"
#include "base/status.h"
#include "tensor/shape.h"

namespace mao {

// crc32(name), as zlib computes it: the seed of a tensor's hashes.
uint32_t SyntheticSeed(std::string_view name);

inline uint32_t SyntheticHash(uint32_t seed, uint32_t index) {
  uint32_t h = index * 0x9E3779B1u + seed;
  h ^= h >> 16;
  h *= 0x85EBCA6Bu;
  h ^= h >> 13;
  h *= 0xC2B2AE35u;
  return h ^ (h >> 16);
}

// Writes the elements [first_element, first_element + n) of the tensor to `out`, which holds n of
// them. Unimplemented for an element type other than BF16 and F32, InvalidArgument when out is not
// a whole number of elements.
Status FillSynthetic(std::string_view name, const Shape& shape, DType dtype, size_t first_element,
                     std::span<std::byte> out);

}  // namespace mao

#endif  // MAOOCR_WEIGHTS_SYNTHETIC_H_
