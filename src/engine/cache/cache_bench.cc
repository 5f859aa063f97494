// What the caches cost on the engine's thread.
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/cache/block_hasher.h"
#include "engine/cache/kv_cache_manager.h"

namespace mao {
namespace {

constexpr uint32_t kBlockSize = 16;

// One block of a prompt; argument: whether it lies within an image.
void BM_HashBlock(benchmark::State& state) {
  BlockHasher hasher = BlockHasher::Create(kBlockSize).value();
  const std::vector<TokenId> tokens(kBlockSize, 128815);
  std::vector<ImageSpan> spans;
  if (state.range(0) != 0) {
    spans.push_back({.offset = 0, .length = kBlockSize, .fingerprint = {}});
  }
  BlockHash parent = *hasher.HashRoot("", "");
  for (auto _ : state) parent = *hasher.HashBlock(parent, {tokens, spans}, 0);
  benchmark::DoNotOptimize(parent);
}
BENCHMARK(BM_HashBlock)->Arg(0)->Arg(1);

// Allocating, publishing and freeing a table of as many blocks as the argument says.
void BM_TableLife(benchmark::State& state) {
  const auto num_tokens = static_cast<uint32_t>(state.range(0)) * kBlockSize;
  auto manager = KvCacheManager::Create({.block_size = kBlockSize, .num_blocks = 4096}).value();
  std::vector<TokenId> tokens(num_tokens);
  std::vector<BlockId> prefix;
  TokenId seed = 0;
  for (auto _ : state) {
    RequestBlocks blocks;
    tokens[0] = ++seed;  // no prefix hit
    const RequestContent content = {tokens, {}};
    manager.Begin("", "", content, num_tokens, &blocks);
    manager.GetComputedBlocks(blocks, num_tokens, &prefix);
    if (!manager.AllocateFirst(prefix, num_tokens, num_tokens, &blocks)) {
      state.SkipWithError("out of blocks");
      return;
    }
    manager.Publish(content, num_tokens, &blocks);
    manager.Free(&blocks);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_TableLife)->Arg(20)->Arg(512);

}  // namespace
}  // namespace mao
