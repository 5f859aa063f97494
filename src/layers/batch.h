// One step's rows of several sequences, as the decoder layers see them.
#ifndef MAOOCR_LAYERS_BATCH_H_
#define MAOOCR_LAYERS_BATCH_H_

#include <cstdint>
#include <vector>

namespace mao {

// Rows are consecutive tokens, sequence after sequence. Vectors keep their capacity between steps.
struct TokenBatch {
  struct Sequence {
    int64_t first_row = 0;
    int64_t num_rows = 0;
    int64_t first_position = 0;
    const uint32_t* blocks = nullptr;  // block table, covers all positions of the rows
  };
  std::vector<Sequence> sequences;
  std::vector<int32_t> positions;  // of each row
  std::vector<int64_t> slots;      // cache slot of each row: block * block_size + offset

  int64_t num_rows() const { return static_cast<int64_t>(positions.size()); }
};

}  // namespace mao

#endif  // MAOOCR_LAYERS_BATCH_H_
