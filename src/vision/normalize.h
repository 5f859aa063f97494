// Bytes to the numbers that vision towers take.
#ifndef MAOOCR_VISION_NORMALIZE_H_
#define MAOOCR_VISION_NORMALIZE_H_

#include <array>

namespace mao {

// table[v] = (v / 255 - mean) / stddev, each step rounded to float, as torchvision's ToTensor and
// Normalize compute it.
std::array<float, 256> MakeNormalizationTable(float mean, float stddev);

// The table for mean and deviation 0.5, which maps bytes to -1..1: DeepSeek-OCR's.
const std::array<float, 256>& HalfRangeTable();

}  // namespace mao

#endif  // MAOOCR_VISION_NORMALIZE_H_
