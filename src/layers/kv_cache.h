// The memory of a paged key/value cache: one pool of blocks, each block for all layers.
#ifndef MAOOCR_LAYERS_KV_CACHE_H_
#define MAOOCR_LAYERS_KV_CACHE_H_

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "kernels/attention/attention.h"
#include "tensor/buffer.h"

namespace mao {

class KvCache {
 public:
  // Memory for num_blocks blocks of layout.block_size tokens in each of num_layers layers. Pages
  // are touched only when written.
  static Result<KvCache> Allocate(int64_t num_layers, int64_t num_blocks, const KvLayout& layout);

  // Bytes that one block of tokens takes over all layers.
  static size_t BytesPerBlock(int64_t num_layers, const KvLayout& layout) {
    return 2 * static_cast<size_t>(num_layers) * layout.BlockBytes();
  }

  KvCache() = default;
  const KvLayout& layout() const { return layout_; }
  int64_t num_blocks() const { return num_blocks_; }
  std::byte* keys(int64_t layer) { return layers_[static_cast<size_t>(2 * layer)].data(); }
  std::byte* values(int64_t layer) { return layers_[static_cast<size_t>(2 * layer + 1)].data(); }

 private:
  KvLayout layout_;
  int64_t num_blocks_ = 0;
  std::vector<Buffer> layers_;  // keys of layer 0, values of layer 0, keys of layer 1, ...
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_KV_CACHE_H_
