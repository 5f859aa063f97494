#include "engine/cache/block_hasher.h"

#include <algorithm>
#include <cstddef>

#include <openssl/evp.h>

namespace mao {
namespace {

// Messages of different kinds begin differently, so that none can be taken for another.
constexpr uint64_t kRootTag = 1;
constexpr uint64_t kBlockTag = 2;

}  // namespace

void BlockHasher::ContextDeleter::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

void BlockHasher::DigestDeleter::operator()(evp_md_st* digest) const { EVP_MD_free(digest); }

Result<BlockHasher> BlockHasher::Create(uint32_t block_size) {
  BlockHasher hasher;
  hasher.block_size_ = block_size;
  // Fetched once: looking the algorithm up costs more than hashing a block.
  hasher.digest_.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  hasher.context_.reset(EVP_MD_CTX_new());
  if (hasher.digest_ == nullptr || hasher.context_ == nullptr ||
      EVP_MD_get_size(hasher.digest_.get()) != static_cast<int>(sizeof(BlockHash))) {
    return UnavailableError("prefix caching: libcrypto offers no SHA-256");
  }
  // A block of nothing but one-row images is the longest message.
  constexpr size_t kMaxBytesPerPosition =
      sizeof(TokenId) + sizeof(ImageFingerprint) + 3 * sizeof(uint64_t);
  hasher.message_.reserve(sizeof(BlockHash) + 3 * sizeof(uint64_t) +
                          block_size * kMaxBytesPerPosition);
  return hasher;
}

std::optional<BlockHash> BlockHasher::HashRoot(std::string_view adapter_id,
                                               std::string_view cache_salt) {
  message_.clear();
  AppendCount(kRootTag);
  AppendCount(block_size_);
  AppendCount(adapter_id.size());
  AppendBytes(adapter_id.data(), adapter_id.size());
  AppendCount(cache_salt.size());
  AppendBytes(cache_salt.data(), cache_salt.size());
  return Digest();
}

std::optional<BlockHash> BlockHasher::HashBlock(const BlockHash& parent,
                                                const RequestContent& content, uint32_t index) {
  const uint32_t begin = index * block_size_;
  const uint32_t end = begin + block_size_;
  message_.clear();
  AppendCount(kBlockTag);
  AppendBytes(parent.bytes.data(), parent.bytes.size());
  const auto token_ids = content.token_ids.subspan(begin, block_size_);
  AppendBytes(token_ids.data(), token_ids.size_bytes());
  for (size_t i = FirstSpanEndingAfter(content.image_spans, begin);
       i < content.image_spans.size() && content.image_spans[i].offset < end; ++i) {
    const ImageSpan& span = content.image_spans[i];
    const uint32_t first = std::max(span.offset, begin);
    const uint32_t last = std::min(span.end(), end);
    AppendBytes(span.fingerprint.bytes.data(), span.fingerprint.bytes.size());
    AppendCount(first - begin);
    AppendCount(first - span.offset);
    AppendCount(last - first);
  }
  return Digest();
}

void BlockHasher::AppendBytes(const void* data, size_t size_bytes) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  message_.insert(message_.end(), bytes, bytes + size_bytes);
}

void BlockHasher::AppendCount(uint64_t value) { AppendBytes(&value, sizeof(value)); }

std::optional<BlockHash> BlockHasher::Digest() {
  BlockHash hash;
  if (EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context_.get(), message_.data(), message_.size()) != 1 ||
      EVP_DigestFinal_ex(context_.get(), hash.bytes.data(), nullptr) != 1) {
    return std::nullopt;
  }
  return hash;
}

}  // namespace mao
