// A program of the system, run on hostile input inside narrow limits.
#ifndef MAOOCR_VISION_PDF_LIMITED_PROCESS_H_
#define MAOOCR_VISION_PDF_LIMITED_PROCESS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"

namespace mao {

struct ProcessLimits {
  size_t max_memory_bytes = size_t{1} << 30;   // of address space
  std::chrono::milliseconds max_time{30'000};  // wall clock; processor time is held to it too
  size_t max_output_bytes = size_t{1} << 20;
};

struct ProcessOutput {
  int exit_code = 0;  // as shells say it: 128 + the number of the signal that ended it
  std::vector<uint8_t> output;
  std::string
      errors;  // the beginning of what it wrote to standard error, printable characters only
};

// Where the child finds its input.
inline constexpr const char* kChildInput = "/dev/fd/3";

// Runs arguments[0], which is looked for in $PATH, and waits for its end. No shell is involved. The
// child has an empty environment but for PATH and LANG, `input` as descriptor 3 and no other one of
// ours, a process group of its own, no way to gain rights, and cannot write files. Once it is beyond a
// limit, or `stop` says so, its group is killed; it dies with this process as well.
// Errors: Unimplemented (the program is not installed), Cancelled, DeadlineExceeded (max_time), OutOfRange
// (max_output_bytes), ResourceExhausted (no process or pipe to be had).
Result<ProcessOutput> RunLimited(const std::vector<std::string>& arguments, int input,
                                 const ProcessLimits& limits, const std::stop_token& stop);

}  // namespace mao

#endif  // MAOOCR_VISION_PDF_LIMITED_PROCESS_H_
