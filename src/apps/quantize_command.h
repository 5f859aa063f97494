// `maoocr quantize`: packs a model's weights ahead of time.
#ifndef MAOOCR_APPS_QUANTIZE_COMMAND_H_
#define MAOOCR_APPS_QUANTIZE_COMMAND_H_

#include <cstddef>
#include <string>

namespace mao {

// As on the command line; `maoocr quantize --help` explains them.
struct QuantizeCommandOptions {
  std::string model;
  std::string output;
  std::string quantization;
  std::string dtype = "auto";
  size_t num_threads = 0;
  bool json = false;
  bool quiet = false;
};

// Returns the exit code.
int RunQuantize(const QuantizeCommandOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_QUANTIZE_COMMAND_H_
