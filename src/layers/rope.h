// Angles of rotary position embedding.
#ifndef MAOOCR_LAYERS_ROPE_H_
#define MAOOCR_LAYERS_ROPE_H_

#include "layers/float_matrix.h"

namespace mao {

// cos and sin of position * theta^(-2i/head_dim), rows by position, [max_positions, head_dim/2].
// The angles are computed in float, as the reference implementations do.
struct RopeTables {
  FloatMatrix cos;
  FloatMatrix sin;

  static Result<RopeTables> Create(int64_t head_dim, int64_t max_positions, double theta);
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_ROPE_H_
