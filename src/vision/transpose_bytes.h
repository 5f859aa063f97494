// Transposes a matrix of bytes. Private to vision.
#ifndef MAOOCR_VISION_TRANSPOSE_BYTES_H_
#define MAOOCR_VISION_TRANSPOSE_BYTES_H_

#include <cstddef>
#include <cstdint>

namespace mao {

// out[c * out_stride + r] = in[r * in_stride + c] for r in [0, num_rows), c in [0, num_columns).
void TransposeBytes(const uint8_t* in, size_t in_stride, size_t num_rows, size_t num_columns,
                    uint8_t* out, size_t out_stride);

}  // namespace mao

#endif  // MAOOCR_VISION_TRANSPOSE_BYTES_H_
