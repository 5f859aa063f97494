// For tests and measurements: a bare greedy loop around a model, without the engine.
#ifndef MAOOCR_MODELS_GREEDY_LOOP_H_
#define MAOOCR_MODELS_GREEDY_LOOP_H_

#include <algorithm>
#include <vector>

#include "models/model.h"

namespace mao {

// Greedy decoding of one prompt in one sequence.
class GreedyLoop {
 public:
  static constexpr int64_t kBlockSize = 32;
  static constexpr int64_t kMaxTokens = 2048;

  GreedyLoop(Model& model, DType compute, ThreadPool& pool)
      : model_(model), ctx_{pool, compute, {}, {}} {
    const ModelInfo& info = model.info();
    const KvLayout layout = {compute, kBlockSize, info.num_kv_heads, info.head_dim};
    cache_ = std::move(KvCache::Allocate(info.num_layers, kMaxTokens / kBlockSize, layout)).value();
    for (uint32_t i = 0; i < kMaxTokens / kBlockSize; ++i) blocks_.push_back(i);
    logits_.resize(static_cast<size_t>(info.vocab_size));
  }

  ExecutionContext& ctx() { return ctx_; }
  const std::vector<float>& logits() const { return logits_; }

  // Runs the prompt in chunks of at most chunk rows; logits() are then those of the first answer.
  Status Prefill(const PreparedPrompt& prompt, int64_t chunk) {
    const auto hidden = static_cast<size_t>(model_.info().hidden_size);
    std::vector<float> rows;
    int64_t num_rows = 0;
    if (prompt.image != nullptr) {
      num_rows = prompt.image->num_rows;
      rows.resize(static_cast<size_t>(num_rows) * hidden);
      const EncodeItem item = {prompt.image.get(), rows.data()};
      MAO_RETURN_IF_ERROR(model_.Encode(ctx_, {&item, 1}));
    }
    MAO_RETURN_IF_ERROR(model_.ReserveForward(ctx_, chunk, 1));
    const auto size = static_cast<int64_t>(prompt.token_ids.size());
    for (int64_t first = 0; first < size; first += chunk) {
      const int64_t last = std::min(first + chunk, size);
      ForwardInput input;
      for (int64_t i = first; i < last; ++i) {
        const int64_t row = i - prompt.image_offset;
        const bool is_image = row >= 0 && row < num_rows;
        AddRow(input, prompt.token_ids[static_cast<size_t>(i)],
               is_image ? rows.data() + static_cast<size_t>(row) * hidden : nullptr);
      }
      if (last == size) input.logits_rows.push_back(last - first - 1);
      Run(input);
    }
    return OkStatus();
  }

  TokenId Best() const {
    size_t best = 0;
    for (size_t i = 1; i < logits_.size(); ++i) {
      if (logits_[i] > logits_[best]) best = i;
    }
    return static_cast<TokenId>(best);
  }

  void Step(TokenId id) {
    ForwardInput input;
    AddRow(input, id, nullptr);
    input.logits_rows.push_back(0);
    Run(input);
  }

  std::vector<TokenId> Generate(size_t max_tokens) {
    std::vector<TokenId> ids;
    for (TokenId id = Best(); ids.size() < max_tokens && id != model_.info().eos_token_ids[0];
         id = Best()) {
      ids.push_back(id);
      Step(id);
    }
    return ids;
  }

 private:
  void AddRow(ForwardInput& input, TokenId id, const float* embedding) {
    input.token_ids.push_back(id);
    input.embeddings.push_back(embedding);
    const int64_t position = position_ + input.batch.num_rows();
    input.batch.positions.push_back(static_cast<int32_t>(position));
    input.batch.slots.push_back(position);
  }

  void Run(ForwardInput& input) {
    input.batch.sequences.push_back({0, input.batch.num_rows(), position_, blocks_.data()});
    model_.Forward(ctx_, input, cache_, logits_.data());
    position_ += input.batch.num_rows();
  }

  Model& model_;
  ExecutionContext ctx_;
  KvCache cache_;
  std::vector<uint32_t> blocks_;
  std::vector<float> logits_;
  int64_t position_ = 0;
};

}  // namespace mao

#endif  // MAOOCR_MODELS_GREEDY_LOOP_H_
