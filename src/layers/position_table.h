// Learned position tables resampled to other grids, as PyTorch's F.interpolate does it.
#ifndef MAOOCR_LAYERS_POSITION_TABLE_H_
#define MAOOCR_LAYERS_POSITION_TABLE_H_

#include "layers/float_matrix.h"

namespace mao {

// A table of side x side positions (rows of `source`, row-major) to new_side x new_side: bicubic
// with antialiasing (a = -0.5), align_corners off, both axes with the same weights.
Result<FloatMatrix> ResizeGridBicubic(const FloatMatrix& source, int64_t side, int64_t new_side);

// A table of n rows to new_n rows: linear, align_corners off, no antialiasing.
Result<FloatMatrix> ResizeRowsLinear(const FloatMatrix& source, int64_t new_n);

}  // namespace mao

#endif  // MAOOCR_LAYERS_POSITION_TABLE_H_
