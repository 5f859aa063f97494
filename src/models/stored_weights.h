// How the weights of a checkpoint are stored: plain, or packed ahead of time by `maoocr quantize`.
//
// A packed checkpoint is a folder like any other whose safetensors files hold every linear layer of
// the model as one tensor: its memory as the kernels read it (kernels/dot/packed_weights.h), type
// U8, shape [panels of 16 outputs, bytes of a panel], at a multiple of 64 bytes of the file. It is
// used in place, out of the memory map. Format and extents follow from name and shape:
//   model.layers.0.self_attn.q_proj+k_proj+v_proj.packed_int8
// All other tensors are as in the source. The metadata of each file (kFormatKey and the keys below
// it) says what it is.
#ifndef MAOOCR_MODELS_STORED_WEIGHTS_H_
#define MAOOCR_MODELS_STORED_WEIGHTS_H_

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "layers/linear.h"
#include "models/model_tensors.h"
#include "models/quantization.h"
#include "weights/checkpoint.h"

namespace mao {

// To be raised with every change to the bytes that PackWeightRows makes of weights, or to what is
// stacked in which order: files of another version are refused. stored_weights_test.cc notices.
inline constexpr int kPackedLayoutVersion = 1;

inline constexpr const char* kPackedFormatName = "maoocr-packed";
inline constexpr const char* kFormatKey = "format";  // kPackedFormatName
inline constexpr const char* kLayoutVersionKey = "layout_version";
inline constexpr const char* kQuantizationKey = "quantization";  // none, int8, int4
inline constexpr const char* kDTypeKey = "dtype";                // of the arithmetic: BF16, F32
inline constexpr const char* kSourceKey = "source";              // a hash of the plain checkpoint

using Metadata = std::map<std::string, std::string>;

struct PackedFormat {
  Quantization quantization = Quantization::kNone;
  DType dtype = DType::kBF16;
};

// Present in an output folder of `maoocr quantize` until it is complete.
inline constexpr const char* kUnfinishedFile = "maoocr-quantize.json";

// None for a plain checkpoint. Errors, naming the file: DataLoss (metadata incomplete or not the
// same in all files), Unimplemented (another layout version, or an unknown value).
Result<std::optional<PackedFormat>> ReadPackedFormat(const Checkpoint& checkpoint);

// How a layer of these weights is packed. Weights that are not quantised: bfloat16 stays bfloat16,
// whatever the arithmetic, since that loses nothing; other types follow `dtype`.
WeightFormat FormatOf(WeightRole role, Quantization quantization, DType dtype,
                      std::span<const TensorView> weights);

// The tensor of a packed checkpoint for these weights.
std::string PackedName(std::span<const std::string> weights, WeightFormat format);
Shape PackedShape(WeightFormat format, const StackShape& stack);

// A checkpoint whose tensors fit a model.
class StoredWeights {
 public:
  // Errors: those of ReadPackedFormat and VerifyTensors; DataLoss for packed tensors that are not
  // aligned.
  static Result<StoredWeights> Verify(const Checkpoint& checkpoint, const ModelTensors& model);

  const Checkpoint& checkpoint() const { return checkpoint_; }
  const std::optional<PackedFormat>& packed() const { return packed_; }

  // What the weights are to become or, packed, are already. InvalidArgument for a packed checkpoint
  // of which another format is asked; kNone asks for what there is.
  Result<Quantization> ChooseQuantization(Quantization asked) const;

  // Of a packed checkpoint; null for what is not among its linear layers.
  const PackedWeights* FindPacked(std::span<const std::string> weights) const;

 private:
  StoredWeights(const Checkpoint& checkpoint, std::optional<PackedFormat> packed)
      : checkpoint_(checkpoint), packed_(packed) {}

  Status VerifyPacked(const ModelTensors& model);

  Checkpoint checkpoint_;
  std::optional<PackedFormat> packed_;
  std::map<std::string, PackedWeights, std::less<>> linears_;  // by the name of the first weight
};

}  // namespace mao

#endif  // MAOOCR_MODELS_STORED_WEIGHTS_H_
