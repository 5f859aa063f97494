// Executes step plans: holds the cache memory, the block tables and the image embeddings, and calls
// the model; images are encoded beside the steps. Knows nothing of text, sampling or clients.
#ifndef MAOOCR_ENGINE_RUNNER_MODEL_RUNNER_H_
#define MAOOCR_ENGINE_RUNNER_MODEL_RUNNER_H_

#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "engine/runner/image_encoder.h"
#include "engine/sched/step_plan.h"
#include "layers/kv_cache.h"
#include "models/model.h"

namespace mao {

struct ModelRunnerConfig {
  size_t num_threads = 0;  // of the steps, and as many of the encoder; 0: all cores of the process
  DType dtype = DType::kBF16;
  uint32_t max_num_seqs = 1;
  uint32_t max_num_batched_tokens = 1;
  uint32_t max_model_len = 1;
  uint32_t block_size = 16;
  uint32_t num_blocks = 1;
  uint32_t encode_batch_rows = 1;  // see ImageEncoder
};

// For one thread. Follows docs/engine_contract.md, "The plan".
class ModelRunner {
 public:
  // The image that an EncodeJob names.
  using ImageOf = std::function<std::shared_ptr<const PreparedImage>(RequestId id)>;

  // on_encoded is called on the encoder's thread, once for each image that a plan ordered; the
  // engine thread then calls AddImage. Errors: ResourceExhausted.
  static Result<std::unique_ptr<ModelRunner>> Create(Model* model, const ModelRunnerConfig& config,
                                                     ImageEncoder::OnEncoded on_encoded);

  // Forgets what the plan says to forget, gives its images to the encoder and computes its rows.
  void Execute(const StepPlan& plan, const ImageOf& image_of);

  // Keeps the embeddings of an image that was encoded, for the rows of later plans.
  void AddImage(EncodedImage image);

  // The logits [vocab_size] of row i of the last plan, which wanted them; may be changed.
  std::span<float> Logits(size_t row);

 private:
  ModelRunner(Model* model, const ModelRunnerConfig& config, ImageEncoder::OnEncoded on_encoded);

  void Forget(const StepPlan& plan);
  void OrderImages(const StepPlan& plan, const ImageOf& image_of);
  void UpdateTables(const StepPlan& plan);
  void AddRow(const StepPlan& plan, size_t index);

  struct KeyHash {
    size_t operator()(const EncoderKey& key) const;
  };

  Model* model_;
  ModelRunnerConfig config_;
  ThreadPool pool_;
  ExecutionContext ctx_;
  KvCache cache_;
  std::unordered_map<RequestId, std::vector<uint32_t>> tables_;
  std::unordered_map<EncoderKey, FloatMatrix, KeyHash> embeddings_;

  // Of the plan being executed; vectors keep their memory.
  ForwardInput input_;
  FloatMatrix logits_;                 // [max_num_seqs, vocab_size]
  std::vector<int64_t> logits_index_;  // of each row of the plan: its row in logits_, or -1

  ImageEncoder encoder_;
};

}  // namespace mao

#endif  // MAOOCR_ENGINE_RUNNER_MODEL_RUNNER_H_
