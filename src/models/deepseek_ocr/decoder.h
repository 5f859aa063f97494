// The language decoder of DeepSeek-OCR: DeepSeek-V2 blocks with plain multi-head attention.
#ifndef MAOOCR_MODELS_DEEPSEEK_OCR_DECODER_H_
#define MAOOCR_MODELS_DEEPSEEK_OCR_DECODER_H_

#include <vector>

#include "layers/moe.h"
#include "layers/self_attention.h"
#include "models/deepseek_ocr/config.h"
#include "models/deepseek_ocr/weight_loader.h"
#include "models/model.h"

namespace mao::deepseek_ocr {

class Decoder {
 public:
  // The loader's checkpoint must outlive the decoder.
  static Result<Decoder> Load(const DecoderConfig& config, const WeightLoader& loader);

  size_t size_bytes() const;
  Status Reserve(ExecutionContext& ctx, int64_t max_rows, int64_t max_sequences);
  void Forward(ExecutionContext& ctx, const ForwardInput& input, KvCache& cache, float* logits);

 private:
  struct Layer {
    RmsNormLayer input_norm;
    SelfAttention attention;
    RmsNormLayer mlp_norm;
    bool is_moe = false;
    GatedMlp mlp;          // unless is_moe
    MixtureOfExperts moe;  // if is_moe
  };

  static Result<Layer> LoadLayer(const DecoderConfig& config, int64_t index,
                                 const WeightLoader& loader);
  void Embed(const ForwardInput& input);

  DecoderConfig config_;
  TensorView embeddings_;  // [vocab, hidden], in the checkpoint
  std::vector<Layer> layers_;
  RmsNormLayer norm_;
  Linear head_;
  RopeTables rope_;

  FloatMatrix hidden_;      // [rows, hidden]
  FloatMatrix normalized_;  // [rows, hidden]
  FloatMatrix last_;        // rows whose logits are wanted
  SelfAttention::Workspace attention_workspace_;
  GatedMlp::Workspace mlp_workspace_;
  MixtureOfExperts::Workspace moe_workspace_;
};

}  // namespace mao::deepseek_ocr

#endif  // MAOOCR_MODELS_DEEPSEEK_OCR_DECODER_H_
