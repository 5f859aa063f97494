// A pre-norm transformer block of a vision tower: x += attention(norm(x)); x += mlp(norm(x)).
#ifndef MAOOCR_LAYERS_VIT_BLOCK_H_
#define MAOOCR_LAYERS_VIT_BLOCK_H_

#include <span>
#include <vector>

#include "kernels/attention/attention.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace mao {

// Which tokens attend to each other: groups of group_size tokens; rows[...] is a token or -1 for
// padding (a zero input, whose query, key and value are the bias of qkv).
struct TokenGroups {
  int64_t num_groups = 0;
  int64_t group_size = 0;
  std::vector<int32_t> rows;
};

// num_groups groups of tokens that follow each other, from first_token on.
TokenGroups ConsecutiveGroups(int64_t first_token, int64_t num_groups, int64_t group_size);
// A side x side grid cut into window x window squares, padded at the right and the bottom.
TokenGroups Windows(int64_t side, int64_t window);

// Tables of decomposed relative positions, [2 * side - 1, head_dim].
struct RelativeTables {
  int64_t side = 0;
  FloatMatrix rows;
  FloatMatrix cols;

  // Tables [n, head_dim]; n other than 2 * side - 1 are resampled linearly to that.
  static Result<RelativeTables> Create(const FloatMatrix& rows, const FloatMatrix& cols,
                                       int64_t side);
  RelativePositions view() const { return {side, rows.data(), cols.data()}; }
};

struct VitBlock {
  LayerNormLayer norm1;
  LayerNormLayer norm2;
  Linear qkv;
  Linear proj;
  Linear fc1;
  Linear fc2;
  Activation act = Activation::kGelu;
  int64_t num_heads = 0;
  FloatMatrix padding;  // [1, 3 * width]: qkv of a zero token

  int64_t width() const { return qkv.in_features(); }
  int64_t head_dim() const { return width() / num_heads; }

  // Activations, shared by the blocks of a tower.
  struct Workspace {
    FloatMatrix norm;     // [tokens, width]
    FloatMatrix qkv;      // [tokens, 3 * width]
    FloatMatrix context;  // [tokens, width]
    FloatMatrix mlp;      // [tokens, fc1 outputs]
    Status Reserve(const VitBlock& block, int64_t tokens);
  };

  // Scratch bytes that Forward needs in ctx. side: of relative positions, or 0.
  size_t ScratchBytes(int64_t tokens, std::span<const TokenGroups> groups, int64_t side) const;

  // x: [tokens, width], changed in place. groups: together all tokens. relative may be null.
  void Forward(ExecutionContext& ctx, std::span<const TokenGroups> groups,
               const RelativePositions* relative, int64_t tokens, float* x,
               Workspace& workspace) const;
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_VIT_BLOCK_H_
