#include "engine/sched/testing/invariants.h"

#include <algorithm>
#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace mao::testing {
namespace {

using LiveRequests = std::vector<std::pair<const RequestState*, const RequestSpec*>>;

LiveRequests Live(const Scheduler& scheduler, const std::map<RequestId, RequestSpec>& specs) {
  LiveRequests live;
  for (const auto& [id, spec] : specs) {
    if (const RequestState* state = scheduler.Find(id)) live.emplace_back(state, &spec);
  }
  EXPECT_EQ(live.size(), scheduler.num_requests());
  return live;
}

void CheckReferences(const BlockPool& pool, const LiveRequests& live) {
  std::vector<uint32_t> num_references(pool.num_blocks());
  for (const auto& [state, spec] : live) {
    for (const BlockId id : state->blocks.table) ++num_references.at(ToIndex(id));
  }
  uint32_t num_free = 0;
  for (uint32_t i = 0; i < pool.num_blocks(); ++i) {
    EXPECT_EQ(pool.ref_count(BlockId{i}), num_references[i]) << "block " << i;
    num_free += num_references[i] == 0 ? 1 : 0;
  }
  EXPECT_EQ(pool.num_free_blocks(), num_free);
  EXPECT_EQ(pool.num_free_blocks() + pool.num_used_blocks(), pool.num_blocks());
  const std::vector<BlockId> order = pool.EvictionOrder();
  EXPECT_EQ(order.size(), num_free);
  EXPECT_EQ(std::set<BlockId>(order.begin(), order.end()).size(), num_free);
  for (const BlockId id : order) EXPECT_EQ(num_references.at(ToIndex(id)), 0u);
}

bool HaveEqualContents(const RequestState& a, const RequestSpec& a_spec, const RequestState& b,
                       const RequestSpec& b_spec, uint32_t end) {
  if (a.num_verified_tokens < end || b.num_verified_tokens < end) return false;
  if (a_spec.adapter_id != b_spec.adapter_id || a_spec.cache_salt != b_spec.cache_salt) {
    return false;
  }
  if (!std::equal(a.token_ids.begin(), a.token_ids.begin() + end, b.token_ids.begin())) {
    return false;
  }
  const auto rows = [end](const RequestState& request) {
    std::map<uint32_t, std::pair<uint32_t, std::array<uint8_t, 32>>> by_position;
    for (const ImageSpan& span : request.image_spans) {
      for (uint32_t i = 0; i < span.length && span.offset + i < end; ++i) {
        by_position[span.offset + i] = {i, span.fingerprint.bytes};
      }
    }
    return by_position;
  };
  return rows(a) == rows(b);
}

void CheckSharing(const LiveRequests& live, uint32_t block_size) {
  std::map<BlockId, std::pair<size_t, uint32_t>>
      first_use;  // request of `live`, block of its table
  for (size_t r = 0; r < live.size(); ++r) {
    const auto& table = live[r].first->blocks.table;
    for (uint32_t i = 0; i < table.size(); ++i) {
      const auto [use, is_first] = first_use.try_emplace(table[i], r, i);
      if (is_first) continue;
      EXPECT_EQ(use->second.second, i) << "one block at two places";
      const auto& other = live[use->second.first];
      EXPECT_TRUE(HaveEqualContents(*live[r].first, *live[r].second, *other.first, *other.second,
                                    (i + 1) * block_size))
          << "requests of unequal contents share block " << ToIndex(table[i]);
    }
  }
}

void CheckEncoderReferences(const EncoderCacheManager& cache, const LiveRequests& live,
                            const std::vector<EncoderKey>& encoding, uint64_t capacity_rows) {
  std::vector<std::pair<EncoderKey, uint32_t>> held;
  for (const EncoderKey& key : encoding) {
    EXPECT_TRUE(cache.IsEncoding(key));
    held.emplace_back(key, 1);  // the encoding's own
  }
  EXPECT_EQ(cache.num_encoding(), encoding.size());
  uint64_t num_held_rows = 0;
  for (const auto& [state, spec] : live) {
    for (uint32_t i = 0; i < state->image_spans.size(); ++i) {
      const EncoderKey key = KeyOf(state->image_spans[i]);
      auto entry =
          std::find_if(held.begin(), held.end(), [&](const auto& e) { return e.first == key; });
      if (entry == held.end()) entry = held.insert(held.end(), {key, 0});
      if (i >= state->num_passed_images && i < state->num_reached_images) ++entry->second;
    }
  }
  for (const auto& [key, count] : held) {
    EXPECT_EQ(cache.num_references(key), count);
    if (count > 0) num_held_rows += key.num_rows;
  }
  EXPECT_EQ(cache.num_reclaimable_rows(), capacity_rows - num_held_rows);
  EXPECT_LE(cache.num_used_rows(), capacity_rows);
}

void CheckCounters(const Scheduler& scheduler, const RequestState& request) {
  const KvCacheManager& kv_cache = scheduler.kv_cache();
  EXPECT_LE(request.num_verified_tokens, request.num_computed_tokens);
  EXPECT_LE(request.num_computed_tokens, request.num_tokens() + request.draft_token_ids.size());
  EXPECT_LE(request.num_tokens(), request.max_total_tokens);
  EXPECT_LE(request.num_passed_images, request.num_reached_images);
  EXPECT_LE(kv_cache.NumBlocksFor(request.num_computed_tokens), request.blocks.table.size());
  EXPECT_LE(request.blocks.num_published * kv_cache.block_size(), request.num_verified_tokens);
  EXPECT_EQ(request.phase == RequestPhase::kRetiring && request.num_steps_in_flight == 0, false)
      << "holds resources that nothing uses";
  if (!scheduler.IsStepInFlight()) {
    EXPECT_EQ(request.num_steps_in_flight, 0u);
  }
  if (request.phase == RequestPhase::kWaiting) {
    EXPECT_TRUE(request.blocks.table.empty());
    EXPECT_EQ(request.num_computed_tokens, 0u);
    EXPECT_EQ(request.num_reached_images, 0u);
  }
}

void CheckQueues(const Scheduler& scheduler) {
  EXPECT_LE(scheduler.running().size(), scheduler.config().max_num_seqs);
  for (const auto& queue : {scheduler.running(), scheduler.waiting()}) {
    for (size_t i = 1; i < queue.size(); ++i) {
      EXPECT_TRUE(IsServedBefore(*queue[i - 1], *queue[i]));
    }
  }
}

}  // namespace

void Invariants::Check(const Scheduler& scheduler, const FakeRunner& runner,
                       const std::map<RequestId, RequestSpec>& specs) {
  const LiveRequests live = Live(scheduler, specs);
  CheckReferences(scheduler.kv_cache().pool(), live);
  CheckSharing(live, scheduler.config().block_size);
  CheckEncoderReferences(scheduler.encoder_cache(), live, runner.encoding(),
                         scheduler.config().encoder_cache_rows);
  for (const auto& [state, spec] : live) CheckCounters(scheduler, *state);
  CheckQueues(scheduler);
  CheckIndexedContents(scheduler, runner);
}

// A hash stands for the same entries for ever: nobody writes to a block that can be found.
void Invariants::CheckIndexedContents(const Scheduler& scheduler, const FakeRunner& runner) {
  const BlockPool& pool = scheduler.kv_cache().pool();
  uint32_t num_indexed = 0;
  for (uint32_t i = 0; i < pool.num_blocks(); ++i) {
    const auto hash = pool.IndexedHash(BlockId{i});
    if (!hash.has_value()) continue;
    ++num_indexed;
    EXPECT_EQ(pool.Find(*hash), BlockId{i});
    const auto entries = runner.BlockEntries(BlockId{i});
    const auto [known, is_new] = indexed_.try_emplace(hash->bytes, entries.begin(), entries.end());
    EXPECT_TRUE(std::equal(entries.begin(), entries.end(), known->second.begin()))
        << "the contents of cached block " << i << " changed";
  }
  EXPECT_EQ(pool.num_indexed_blocks(), num_indexed);
}

void Invariants::CheckIdle(const Scheduler& scheduler) {
  EXPECT_FALSE(scheduler.HasWork());
  EXPECT_FALSE(scheduler.IsStepInFlight());
  EXPECT_EQ(scheduler.kv_cache().pool().num_used_blocks(), 0u);
  EXPECT_EQ(scheduler.encoder_cache().num_encoding(), 0u);
  EXPECT_EQ(scheduler.encoder_cache().num_reclaimable_rows(),
            scheduler.config().encoder_cache_rows);
  EXPECT_TRUE(scheduler.running().empty());
  EXPECT_TRUE(scheduler.waiting().empty());
}

void CheckPlan(const Scheduler& scheduler, const StepPlan& plan) {
  const bool has_moved = !plan.rows.empty() || !plan.preempted.empty() || !plan.finished.empty();
  EXPECT_TRUE(has_moved || scheduler.encoder_cache().num_encoding() > 0)
      << "an empty step with " << scheduler.num_requests() << " requests";
  EXPECT_EQ(scheduler.IsIdle(), !has_moved);
  std::set<RequestId> ids;
  for (const PlanRow& row : plan.rows) {
    EXPECT_TRUE(ids.insert(row.id).second) << "two rows of one request";
    EXPECT_NE(scheduler.Find(row.id), nullptr);
  }
  for (const RequestId id : plan.preempted) EXPECT_FALSE(ids.contains(id));
  for (const FinishedRequest& finished : plan.finished) {
    EXPECT_FALSE(ids.contains(finished.id));
    EXPECT_EQ(finished.status.ok(), finished.reason != FinishReason::kFailed);
  }
}

}  // namespace mao::testing
