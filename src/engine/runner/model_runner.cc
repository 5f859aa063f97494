#include "engine/runner/model_runner.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mao {

size_t ModelRunner::KeyHash::operator()(const EncoderKey& key) const {
  size_t hash = 0;  // the fingerprint is a SHA-256 already
  std::memcpy(&hash, key.fingerprint.bytes.data(), sizeof(hash));
  return hash;
}

ModelRunner::ModelRunner(Model* model, const ModelRunnerConfig& config,
                         ImageEncoder::OnEncoded on_encoded)
    : model_(model),
      config_(config),
      pool_(config.num_threads),
      ctx_{pool_, config.dtype, {}, {}},
      encoder_(model, config.num_threads, config.dtype, config.encode_batch_rows,
               std::move(on_encoded)) {}

Result<std::unique_ptr<ModelRunner>> ModelRunner::Create(Model* model,
                                                         const ModelRunnerConfig& config,
                                                         ImageEncoder::OnEncoded on_encoded) {
  std::unique_ptr<ModelRunner> runner(new ModelRunner(model, config, std::move(on_encoded)));
  const ModelInfo& info = model->info();
  const KvLayout layout = {config.dtype, config.block_size, info.num_kv_heads, info.head_dim};
  MAO_ASSIGN_OR_RETURN(runner->cache_,
                       KvCache::Allocate(info.num_layers, config.num_blocks, layout));
  MAO_RETURN_IF_ERROR(runner->logits_.Reserve(config.max_num_seqs, info.vocab_size));
  MAO_RETURN_IF_ERROR(
      model->ReserveForward(runner->ctx_, config.max_num_batched_tokens, config.max_num_seqs));
  const size_t rows = config.max_num_batched_tokens;
  ForwardInput& input = runner->input_;
  input.token_ids.reserve(rows);
  input.embeddings.reserve(rows);
  input.batch.positions.reserve(rows);
  input.batch.slots.reserve(rows);
  input.batch.sequences.reserve(config.max_num_seqs);
  input.logits_rows.reserve(config.max_num_seqs);
  runner->logits_index_.reserve(config.max_num_seqs);
  return runner;
}

void ModelRunner::Execute(const StepPlan& plan, const ImageOf& image_of) {
  Forget(plan);
  OrderImages(plan, image_of);
  UpdateTables(plan);
  input_.token_ids.clear();
  input_.embeddings.clear();
  input_.logits_rows.clear();
  input_.batch.positions.clear();
  input_.batch.slots.clear();
  input_.batch.sequences.clear();
  logits_index_.clear();
  for (size_t i = 0; i < plan.rows.size(); ++i) AddRow(plan, i);
  if (!plan.rows.empty()) model_->Forward(ctx_, input_, cache_, logits_.data());
}

void ModelRunner::AddImage(EncodedImage image) {
  embeddings_.insert_or_assign(image.image, std::move(image.rows));
}

std::span<float> ModelRunner::Logits(size_t row) {
  return {logits_.row(logits_index_[row]), static_cast<size_t>(logits_.cols())};
}

void ModelRunner::Forget(const StepPlan& plan) {
  for (const FinishedRequest& request : plan.finished) tables_.erase(request.id);
  for (const RequestId id : plan.preempted) tables_.erase(id);
  for (const EncoderKey& key : plan.encoder_entries_to_free) embeddings_.erase(key);
}

// All at once, so that they can be one batch.
void ModelRunner::OrderImages(const StepPlan& plan, const ImageOf& image_of) {
  if (plan.images_to_encode.empty()) return;
  std::vector<ImageEncoder::Order> orders;
  orders.reserve(plan.images_to_encode.size());
  for (const EncodeJob& job : plan.images_to_encode) {
    orders.push_back({job.image, image_of(job.id)});
  }
  encoder_.Encode(std::move(orders));
}

void ModelRunner::UpdateTables(const StepPlan& plan) {
  for (const PlanRow& row : plan.rows) {
    std::vector<uint32_t>& table = tables_[row.id];
    if (row.kind != RowKind::kKnown) {
      table.clear();
      table.reserve((config_.max_model_len + config_.block_size - 1) / config_.block_size);
    }
    for (const BlockId block : plan.Blocks(row)) table.push_back(ToIndex(block));
  }
}

void ModelRunner::AddRow(const StepPlan& plan, size_t index) {
  const PlanRow& row = plan.rows[index];
  const std::vector<uint32_t>& table = tables_.at(row.id);
  const size_t first_row = input_.token_ids.size();
  input_.batch.sequences.push_back(
      {static_cast<int64_t>(first_row), row.num_new_tokens, row.num_computed_tokens, table.data()});
  for (const TokenId id : plan.Tokens(row)) input_.token_ids.push_back(id);
  input_.embeddings.resize(input_.token_ids.size(), nullptr);
  for (uint32_t i = 0; i < row.num_new_tokens; ++i) {
    const uint32_t position = row.num_computed_tokens + i;
    const uint32_t block = table[position / config_.block_size];
    input_.batch.positions.push_back(static_cast<int32_t>(position));
    input_.batch.slots.push_back(static_cast<int64_t>(block) * config_.block_size +
                                 position % config_.block_size);
  }
  for (const ImageRead& read : plan.ImageReads(row)) {
    const FloatMatrix& rows = embeddings_.at(read.image);
    for (uint32_t i = 0; i < read.num_rows; ++i) {
      input_.embeddings[first_row + read.chunk_offset + i] = rows.row(read.first_row + i);
    }
  }
  logits_index_.push_back(row.wants_logits ? static_cast<int64_t>(input_.logits_rows.size()) : -1);
  if (row.wants_logits) {
    input_.logits_rows.push_back(static_cast<int64_t>(first_row + row.num_new_tokens) - 1);
  }
}

}  // namespace mao
