// Identifiers of the engine. Each is a type of its own, so that none is passed for another.
#ifndef MAOOCR_ENGINE_CACHE_IDS_H_
#define MAOOCR_ENGINE_CACHE_IDS_H_

#include <cstdint>

namespace mao {

// Given by whoever submits; unique among the requests alive.
enum class RequestId : uint64_t {};

// The index of a block of key/value slots, in [0, num_blocks).
enum class BlockId : uint32_t {};

using TokenId = int32_t;

constexpr uint32_t ToIndex(BlockId id) { return static_cast<uint32_t>(id); }

}  // namespace mao

#endif  // MAOOCR_ENGINE_CACHE_IDS_H_
