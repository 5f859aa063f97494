// The identity of cached key/value blocks: docs/engine_contract.md, "Cache identity".
#ifndef MAOOCR_ENGINE_CACHE_BLOCK_HASHER_H_
#define MAOOCR_ENGINE_CACHE_BLOCK_HASHER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/cache/request_content.h"

struct evp_md_ctx_st;
struct evp_md_st;

namespace mao {

// A SHA-256. Two blocks with equal hashes hold the same entries; nothing else is compared.
struct BlockHash {
  std::array<uint8_t, 32> bytes{};

  friend bool operator==(const BlockHash&, const BlockHash&) = default;
};

// Hashes blocks along a chain, so that a block's hash stands for everything before it as well. Not
// thread-safe; allocates nothing after Create.
class BlockHasher {
 public:
  // kUnavailable when libcrypto offers no SHA-256 (a restricted provider).
  static Result<BlockHasher> Create(uint32_t block_size);
  BlockHasher(BlockHasher&&) = default;
  BlockHasher& operator=(BlockHasher&&) = default;

  // The parent of a request's first block. Requests of different adapters (weights that change the
  // entries) or salts (tenants that must not learn of each other's hits) share no block.
  // nullopt, here and below, when libcrypto fails: then the block must stay out of the index.
  std::optional<BlockHash> HashRoot(std::string_view adapter_id, std::string_view cache_salt);

  // The hash of block `index`: positions [index * block_size, (index + 1) * block_size), all of
  // which `content` must have. Image rows enter by fingerprint and row, as their placeholder ids
  // are all alike.
  std::optional<BlockHash> HashBlock(const BlockHash& parent, const RequestContent& content,
                                     uint32_t index);

 private:
  struct ContextDeleter {
    void operator()(evp_md_ctx_st* context) const;
  };
  struct DigestDeleter {
    void operator()(evp_md_st* digest) const;
  };

  BlockHasher() = default;
  void AppendBytes(const void* data, size_t size_bytes);
  void AppendCount(uint64_t value);
  std::optional<BlockHash> Digest();

  uint32_t block_size_ = 0;
  std::unique_ptr<evp_md_st, DigestDeleter> digest_;
  std::unique_ptr<evp_md_ctx_st, ContextDeleter> context_;
  std::vector<uint8_t> message_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_CACHE_BLOCK_HASHER_H_
