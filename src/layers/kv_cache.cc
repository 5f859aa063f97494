#include "layers/kv_cache.h"

#include <utility>

namespace mao {

Result<KvCache> KvCache::Allocate(int64_t num_layers, int64_t num_blocks, const KvLayout& layout) {
  KvCache cache;
  cache.layout_ = layout;
  cache.num_blocks_ = num_blocks;
  for (int64_t i = 0; i < 2 * num_layers; ++i) {
    MAO_ASSIGN_OR_RETURN(Buffer buffer,
                         Buffer::Allocate(static_cast<size_t>(num_blocks) * layout.BlockBytes()));
    cache.layers_.push_back(std::move(buffer));
  }
  return cache;
}

}  // namespace mao
