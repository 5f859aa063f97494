#include "engine/sched/testing/fake_runner.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace mao::testing {
namespace {

constexpr uint64_t kSeedSeen = 0x5ca1ab1e;
constexpr TokenId kVocabSize = 50;

uint64_t Mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// The input at each position of the prompt.
std::vector<uint64_t> PromptInputs(const RequestSpec& spec) {
  std::vector<uint64_t> inputs;
  for (const TokenId token : spec.prompt_token_ids) inputs.push_back(FakeModel::TextInput(token));
  for (const ImageSpan& span : spec.image_spans) {
    for (uint32_t row = 0; row < span.length; ++row) {
      inputs[span.offset + row] = FakeModel::ImageInput(KeyOf(span), row);
    }
  }
  return inputs;
}

}  // namespace

uint64_t FakeModel::Entry(uint64_t previous, uint64_t input) { return Mix(previous, input); }

uint64_t FakeModel::FirstEntry(std::string_view adapter_id) {
  uint64_t seed = 7;
  for (const char c : adapter_id) seed = Mix(seed, static_cast<unsigned char>(c));
  return seed;
}

uint64_t FakeModel::TextInput(TokenId token) { return Mix(1, static_cast<uint64_t>(token)); }

uint64_t FakeModel::ImageInput(const EncoderKey& image, uint32_t row) {
  uint64_t input = Mix(2, row);
  for (const uint8_t byte : image.fingerprint.bytes) input = Mix(input, byte);
  return Mix(input, image.num_rows);
}

uint64_t FakeModel::Attend(uint64_t seen, uint64_t entry) { return Mix(seen, entry); }

TokenId FakeModel::Sample(uint64_t seen) const {
  if (stop_odds != 0 && (seen >> 32) % stop_odds == 0) return kStopToken;
  return 1 + static_cast<TokenId>(seen % kVocabSize);
}

std::vector<TokenId> FakeModel::ReferenceOutput(const RequestSpec& spec) const {
  uint64_t entry = FirstEntry(spec.adapter_id);
  uint64_t seen = kSeedSeen;
  for (const uint64_t input : PromptInputs(spec)) {
    entry = Entry(entry, input);
    seen = Attend(seen, entry);
  }
  std::vector<TokenId> output;
  while (spec.prompt_token_ids.size() + output.size() < spec.max_total_tokens) {
    output.push_back(Sample(seen));
    if (output.back() == kStopToken) break;
    entry = Entry(entry, TextInput(output.back()));
    seen = Attend(seen, entry);
  }
  return output;
}

FakeRunner::FakeRunner(const SchedulerConfig& config, const FakeRunnerOptions& options)
    : config_(config),
      options_(options),
      random_(options.seed),
      slots_(size_t{config.num_blocks} * config.block_size) {}

void FakeRunner::Register(const RequestSpec& spec) {
  Request& request = requests_[spec.id];
  request = {};
  request.spec = spec;
  request.reference = spec.prompt_token_ids;
  for (const TokenId token : options_.model.ReferenceOutput(spec)) {
    request.reference.push_back(token);
  }
}

void FakeRunner::Begin(const StepPlan& plan) {
  ApplyReleases(plan);
  Order(plan);
}

void FakeRunner::Execute(const StepPlan& plan, StepOutcome* outcome) {
  outcome->Clear();
  outcome->step = plan.step;
  EXPECT_LE(plan.NumTokens(), config_.max_num_batched_tokens);
  for (const PlanRow& row : plan.rows) {
    ASSERT_TRUE(requests_.contains(row.id)) << "row of an unknown or finished request";
    Receive(plan, row, &requests_.at(row.id));
    if (::testing::Test::HasFatalFailure()) return;
    WriteEntries(plan, row, requests_.at(row.id));
  }
  for (const PlanRow& row : plan.rows) Sample(plan, row, &requests_.at(row.id), outcome);
}

std::vector<uint64_t> FakeRunner::BlockEntries(BlockId id) const {
  std::vector<uint64_t> entries;
  for (uint32_t i = 0; i < config_.block_size; ++i) {
    entries.push_back(slots_[size_t{ToIndex(id)} * config_.block_size + i].entry);
  }
  return entries;
}

void FakeRunner::ApplyReleases(const StepPlan& plan) {
  for (const FinishedRequest& finished : plan.finished) {
    EXPECT_EQ(requests_.erase(finished.id), 1u) << "finished twice, or never added";
  }
  for (const RequestId id : plan.preempted) {
    ASSERT_TRUE(requests_.contains(id));
    Request& request = requests_.at(id);
    request.is_preempted = request.is_known;  // it may have run without a row
    request.table.clear();
  }
  for (const EncoderKey& key : plan.encoder_entries_to_free) {
    EXPECT_EQ(std::erase_if(encoder_store_, [&](const auto& e) { return e.first == key; }), 1u);
  }
}

void FakeRunner::Order(const StepPlan& plan) {
  for (const EncodeJob& job : plan.images_to_encode) {
    const ImageSpan& span = requests_.at(job.id).spec.image_spans.at(job.image_index);
    EXPECT_TRUE(KeyOf(span) == job.image);
    EXPECT_TRUE(std::none_of(encoder_store_.begin(), encoder_store_.end(), [&](const auto& e) {
      return e.first == job.image;
    })) << "encoded although it is there";
    EXPECT_EQ(std::count(encoding_.begin(), encoding_.end(), job.image), 0) << "encoded twice";
    encoding_.push_back(job.image);
  }
  uint64_t encode_cost = 0;
  for (const EncoderKey& key : encoding_) {
    encode_cost += std::min(key.num_rows, config_.encode_batch_rows);
  }
  EXPECT_LE(encode_cost,
            uint64_t{config_.max_encode_batches_in_flight} * config_.encode_batch_rows);
  uint64_t num_rows = 0;
  for (const auto& [key, rows] : encoder_store_) num_rows += rows.size();
  for (const EncoderKey& key : encoding_) num_rows += key.num_rows;
  EXPECT_LE(num_rows, config_.encoder_cache_rows);
}

void FakeRunner::EndEncode(const EncoderKey& image, bool is_ok) {
  EXPECT_EQ(std::erase(encoding_, image), 1u);
  if (!is_ok) return;
  auto& entry = encoder_store_.emplace_back(image, std::vector<uint64_t>{}).second;
  for (uint32_t row = 0; row < image.num_rows; ++row) {
    entry.push_back(FakeModel::ImageInput(image, row));
  }
}

// Takes over tokens and blocks of a row, checking that it continues what is known.
void FakeRunner::Receive(const StepPlan& plan, const PlanRow& row, Request* request) {
  const auto blocks = plan.Blocks(row);
  const auto history = plan.History(row);
  const auto tokens = plan.Tokens(row);
  ASSERT_GT(row.num_new_tokens, 0u);
  ASSERT_EQ(tokens.size(), row.num_new_tokens);
  EXPECT_EQ(row.num_prompt_tokens, request->spec.prompt_token_ids.size());
  if (row.kind == RowKind::kKnown) {
    EXPECT_TRUE(request->is_known && !request->is_preempted);
    EXPECT_TRUE(history.empty());
    ASSERT_EQ(row.num_computed_tokens, request->num_computed);
  } else {
    EXPECT_EQ(row.kind == RowKind::kResumed, request->is_preempted);
    EXPECT_EQ(row.kind == RowKind::kNew, !request->is_known);
    ASSERT_EQ(history.size(), row.num_computed_tokens);
    EXPECT_EQ(row.num_computed_tokens % config_.block_size, 0u);
    request->table.clear();
    request->tokens.assign(history.begin(), history.end());
    request->is_known = true;
    request->is_preempted = false;
  }
  ASSERT_GE(request->tokens.size(), row.num_computed_tokens);
  request->tokens.resize(row.num_computed_tokens);
  request->tokens.insert(request->tokens.end(), tokens.begin(),
                         tokens.end() - row.num_draft_tokens);
  ASSERT_LE(request->tokens.size(), request->reference.size());
  EXPECT_TRUE(
      std::equal(request->tokens.begin(), request->tokens.end(), request->reference.begin()))
      << "the plan's tokens are not the request's";
  request->table.insert(request->table.end(), blocks.begin(), blocks.end());
  ASSERT_GE(request->table.size() * config_.block_size,
            row.num_computed_tokens + row.num_new_tokens);
}

std::vector<uint64_t> FakeRunner::Inputs(const StepPlan& plan, const PlanRow& row) const {
  const auto tokens = plan.Tokens(row);
  std::vector<uint64_t> inputs;
  for (const TokenId token : tokens) inputs.push_back(FakeModel::TextInput(token));
  std::vector<bool> is_image(tokens.size());
  for (const ImageRead& read : plan.ImageReads(row)) {
    const auto entry = std::find_if(encoder_store_.begin(), encoder_store_.end(),
                                    [&](const auto& e) { return e.first == read.image; });
    if (entry == encoder_store_.end()) {
      ADD_FAILURE() << "reads an image that is not in the store";
      continue;
    }
    for (uint32_t i = 0; i < read.num_rows; ++i) {
      EXPECT_FALSE(is_image.at(read.chunk_offset + i));
      is_image.at(read.chunk_offset + i) = true;
      inputs.at(read.chunk_offset + i) = entry->second.at(read.first_row + i);
    }
  }
  for (size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(is_image[i], tokens[i] == kPlaceholder);
  }
  return inputs;
}

void FakeRunner::WriteEntries(const StepPlan& plan, const PlanRow& row, const Request& request) {
  const std::vector<uint64_t> inputs = Inputs(plan, row);
  for (uint32_t i = 0; i < row.num_new_tokens; ++i) {
    const uint32_t position = row.num_computed_tokens + i;
    const uint64_t previous = position == 0 ? FakeModel::FirstEntry(request.spec.adapter_id)
                                            : ReadEntry(plan, request, position - 1);
    Slot& slot = slots_[SlotIndex(request, position)];
    EXPECT_NE(slot.step, plan.step) << "a slot is written twice in a step";
    slot = {.entry = FakeModel::Entry(previous, inputs[i]), .step = plan.step, .writer = row.id};
  }
}

// Rows of a step run at the same time, so none may read what another writes.
uint64_t FakeRunner::ReadEntry(const StepPlan& plan, const Request& request,
                               uint32_t position) const {
  const Slot& slot = slots_[SlotIndex(request, position)];
  EXPECT_TRUE(slot.step != plan.step || slot.writer == request.spec.id)
      << "reads what another row of the step writes";
  EXPECT_NE(slot.step, 0u) << "reads a slot that was never written";
  return slot.entry;
}

void FakeRunner::Sample(const StepPlan& plan, const PlanRow& row, Request* request,
                        StepOutcome* outcome) {
  RowOutcome& result = outcome->rows.emplace_back();
  result.id = row.id;
  request->num_computed = row.num_computed_tokens + row.num_new_tokens - row.num_draft_tokens;
  if (!row.wants_logits) {
    EXPECT_EQ(row.num_draft_tokens, 0u);
    return;
  }
  uint64_t seen = kSeedSeen;
  for (uint32_t i = 0; i < request->num_computed; ++i) {
    seen = FakeModel::Attend(seen, ReadEntry(plan, *request, i));
  }
  const auto drafts = plan.Tokens(row).last(row.num_draft_tokens);
  for (uint32_t k = 0;; ++k) {
    const TokenId token = options_.model.Sample(seen);
    outcome->sampled_token_ids.push_back(token);
    request->tokens.push_back(token);
    ++result.num_sampled_tokens;
    result.finished = token == kStopToken;
    if (result.finished || k == drafts.size() || drafts[k] != token) break;
    seen = FakeModel::Attend(seen, ReadEntry(plan, *request, request->num_computed));
    ++request->num_computed;
  }
  Draft(*request, &result, outcome);
}

void FakeRunner::Draft(const Request& request, RowOutcome* row, StepOutcome* outcome) {
  if (options_.max_drafts == 0) return;
  row->num_draft_tokens = static_cast<uint32_t>(random_() % (options_.max_drafts + 1));
  for (uint32_t i = 0; i < row->num_draft_tokens; ++i) {
    const size_t position = request.tokens.size() + i;
    const bool is_right = position < request.reference.size() && random_() % 3 != 0;
    outcome->draft_token_ids.push_back(is_right ? request.reference[position] : 77);
  }
}

size_t FakeRunner::SlotIndex(const Request& request, uint32_t position) const {
  const BlockId block = request.table.at(position / config_.block_size);
  return size_t{ToIndex(block)} * config_.block_size + position % config_.block_size;
}

}  // namespace mao::testing
