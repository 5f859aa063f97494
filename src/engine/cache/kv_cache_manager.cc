#include "engine/cache/kv_cache_manager.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace mao {
namespace {

constexpr uint32_t kMaxBlockSize = 1 << 16;
constexpr uint32_t kMaxNumBlocks = 1 << 30;

Status CheckRange(const char* name, uint32_t value, uint32_t max) {
  if (value >= 1 && value <= max) return OkStatus();
  return InvalidArgumentError(fmt::format("{} is {}; must be in [1, {}]", name, value, max));
}

}  // namespace

Result<KvCacheManager> KvCacheManager::Create(const KvCacheConfig& config) {
  MAO_RETURN_IF_ERROR(CheckRange("block_size", config.block_size, kMaxBlockSize));
  MAO_RETURN_IF_ERROR(CheckRange("num_blocks", config.num_blocks, kMaxNumBlocks));
  MAO_ASSIGN_OR_RETURN(BlockHasher hasher, BlockHasher::Create(config.block_size));
  return KvCacheManager(config, std::move(hasher));
}

KvCacheStats KvCacheManager::Stats() const {
  return {.num_queried_tokens = num_queried_tokens_,
          .num_hit_tokens = num_hit_tokens_,
          .num_evictions = pool_.num_evictions(),
          .num_used_blocks = pool_.num_used_blocks(),
          .num_blocks = pool_.num_blocks(),
          .usage = static_cast<double>(pool_.num_used_blocks()) / pool_.num_blocks()};
}

uint32_t KvCacheManager::NumBlocksFor(uint64_t num_tokens) const {
  return static_cast<uint32_t>((num_tokens + config_.block_size - 1) / config_.block_size);
}

void KvCacheManager::Begin(std::string_view adapter_id, std::string_view cache_salt,
                           const RequestContent& prompt, uint32_t max_tokens,
                           RequestBlocks* blocks) {
  blocks->table.reserve(NumBlocksFor(max_tokens));
  if (!config_.enable_prefix_caching) return;
  blocks->hashes.reserve(NumBlocksFor(max_tokens));
  blocks->root = hasher_.HashRoot(adapter_id, cache_salt);
  ExtendHashes(prompt, static_cast<uint32_t>(prompt.token_ids.size()), blocks);
}

void KvCacheManager::GetComputedBlocks(const RequestBlocks& blocks, uint32_t num_tokens,
                                       std::vector<BlockId>* prefix) const {
  prefix->clear();
  const size_t max_blocks =
      std::min<size_t>(blocks.hashes.size(), (num_tokens - 1) / config_.block_size);
  for (size_t i = 0; i < max_blocks; ++i) {
    const std::optional<BlockId> block = pool_.Find(blocks.hashes[i]);
    if (!block.has_value()) return;
    prefix->push_back(*block);
  }
}

uint32_t KvCacheManager::NumFreeBlocksBeside(std::span<const BlockId> prefix) const {
  const auto num_revived = std::count_if(prefix.begin(), prefix.end(),
                                         [this](BlockId id) { return pool_.ref_count(id) == 0; });
  return pool_.num_free_blocks() - static_cast<uint32_t>(num_revived);
}

bool KvCacheManager::AllocateFirst(std::span<const BlockId> prefix, uint32_t num_tokens,
                                   uint32_t num_known_tokens, RequestBlocks* blocks) {
  if (NumBlocksFor(num_tokens) - prefix.size() > NumFreeBlocksBeside(prefix)) return false;
  pool_.Touch(prefix);
  blocks->table.assign(prefix.begin(), prefix.end());
  blocks->num_published = static_cast<uint32_t>(prefix.size());
  num_queried_tokens_ += num_known_tokens;
  num_hit_tokens_ += prefix.size() * config_.block_size;
  return Allocate(num_tokens, blocks);
}

bool KvCacheManager::Allocate(uint32_t num_tokens, RequestBlocks* blocks) {
  const size_t num_needed = NumBlocksFor(num_tokens);
  if (num_needed <= blocks->table.size()) return true;
  return pool_.Allocate(static_cast<uint32_t>(num_needed - blocks->table.size()), &blocks->table);
}

void KvCacheManager::Publish(const RequestContent& content, uint32_t num_verified_tokens,
                             RequestBlocks* blocks) {
  ExtendHashes(content, num_verified_tokens, blocks);
  const size_t num_full =
      std::min<size_t>(blocks->hashes.size(), num_verified_tokens / config_.block_size);
  for (; blocks->num_published < num_full; ++blocks->num_published) {
    pool_.Publish(blocks->table[blocks->num_published], blocks->hashes[blocks->num_published]);
  }
}

void KvCacheManager::Free(RequestBlocks* blocks) {
  pool_.Free(blocks->table);
  blocks->table.clear();
  blocks->num_published = 0;
}

void KvCacheManager::ExtendHashes(const RequestContent& content, uint32_t num_tokens,
                                  RequestBlocks* blocks) {
  if (!blocks->root.has_value()) return;
  const size_t num_full = num_tokens / config_.block_size;
  while (blocks->hashes.size() < num_full) {
    const BlockHash& parent = blocks->hashes.empty() ? *blocks->root : blocks->hashes.back();
    const std::optional<BlockHash> hash =
        hasher_.HashBlock(parent, content, static_cast<uint32_t>(blocks->hashes.size()));
    if (!hash.has_value()) return;
    blocks->hashes.push_back(*hash);
  }
}

}  // namespace mao
