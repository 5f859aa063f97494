// Key/value blocks for requests: which prefix is there already, room for what comes, giving back.
#ifndef MAOOCR_ENGINE_CACHE_KV_CACHE_MANAGER_H_
#define MAOOCR_ENGINE_CACHE_KV_CACHE_MANAGER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/cache/block_hasher.h"
#include "engine/cache/block_pool.h"
#include "engine/cache/request_content.h"

namespace mao {

struct KvCacheConfig {
  uint32_t block_size = 16;  // positions in a block
  uint32_t num_blocks = 0;
  bool enable_prefix_caching = true;
};

// The manager's part of one request; its owner keeps it and nobody else changes it.
struct RequestBlocks {
  // Block i holds positions [i * block_size, (i + 1) * block_size). Only ever appended to, until
  // Free empties it.
  std::vector<BlockId> table;
  // Of the request's full blocks from the first on, as far as they were needed yet. Stay valid
  // when the blocks are lost, since they depend on the contents alone.
  std::vector<BlockHash> hashes;
  std::optional<BlockHash> root;  // none: the request takes no part in prefix caching
  uint32_t num_published = 0;     // blocks of the table that were offered to the index
};

struct KvCacheStats {
  uint64_t num_queried_tokens = 0;  // of requests admitted
  uint64_t num_hit_tokens = 0;      // of those, found computed
  uint64_t num_evictions = 0;       // cached blocks that made room
  uint32_t num_used_blocks = 0;
  uint32_t num_blocks = 0;
  double usage = 0.0;  // used blocks, as a fraction
};

class KvCacheManager {
 public:
  // kInvalidArgument names the wrong field of the configuration.
  static Result<KvCacheManager> Create(const KvCacheConfig& config);

  const BlockPool& pool() const { return pool_; }
  uint32_t block_size() const { return config_.block_size; }
  KvCacheStats Stats() const;
  // Blocks that hold this many positions.
  uint32_t NumBlocksFor(uint64_t num_tokens) const;

  // Begins a request of up to max_tokens: reserves its vectors, so that later steps allocate no
  // memory, and hashes the prompt.
  void Begin(std::string_view adapter_id, std::string_view cache_salt, const RequestContent& prompt,
             uint32_t max_tokens, RequestBlocks* blocks);

  // Replaces *prefix by the blocks that hold the longest known prefix of a request that has
  // num_tokens tokens. Full blocks only, and never the last token: its logits are wanted, so it
  // must be computed.
  void GetComputedBlocks(const RequestBlocks& blocks, uint32_t num_tokens,
                         std::vector<BlockId>* prefix) const;

  // Blocks free for other use once `prefix` is taken out of the free list.
  uint32_t NumFreeBlocksBeside(std::span<const BlockId> prefix) const;

  // Starts an empty table with `prefix` (from GetComputedBlocks, nothing having changed since) and
  // extends it to num_tokens positions. False, and nothing is changed, when there is no room.
  //
  //   | prefix: touched | new: written by the coming steps |
  //   0                                          num_tokens, rounded up to a block
  [[nodiscard]] bool AllocateFirst(std::span<const BlockId> prefix, uint32_t num_tokens,
                                   uint32_t num_known_tokens, RequestBlocks* blocks);

  // Extends the table to num_tokens positions. False, and nothing is changed, without room.
  [[nodiscard]] bool Allocate(uint32_t num_tokens, RequestBlocks* blocks);

  // Indexes the full blocks below num_verified_tokens: those whose entries a completed step wrote.
  void Publish(const RequestContent& content, uint32_t num_verified_tokens, RequestBlocks* blocks);

  // Gives all blocks back; their contents can be found again until they are evicted.
  void Free(RequestBlocks* blocks);

 private:
  KvCacheManager(const KvCacheConfig& config, BlockHasher hasher)
      : config_(config), hasher_(std::move(hasher)), pool_(config.num_blocks) {}
  void ExtendHashes(const RequestContent& content, uint32_t num_tokens, RequestBlocks* blocks);

  KvCacheConfig config_;
  BlockHasher hasher_;
  BlockPool pool_;
  uint64_t num_queried_tokens_ = 0;
  uint64_t num_hit_tokens_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CACHE_KV_CACHE_MANAGER_H_
