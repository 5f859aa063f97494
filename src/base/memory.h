// How much memory this process may still take, and how much it has taken.
#ifndef MAOOCR_BASE_MEMORY_H_
#define MAOOCR_BASE_MEMORY_H_

#include <cstddef>

namespace mao {

// The smaller of what the system has available and what the control group still allows; 0 when
// neither can be read.
size_t AvailableMemoryBytes();

// The largest resident set so far.
size_t PeakResidentBytes();

}  // namespace mao

#endif  // MAOOCR_BASE_MEMORY_H_
