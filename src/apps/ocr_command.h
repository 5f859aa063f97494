// `maoocr ocr`: reads pictures and PDF files.
#ifndef MAOOCR_APPS_OCR_COMMAND_H_
#define MAOOCR_APPS_OCR_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mao {

// As on the command line; `maoocr ocr --help` explains them.
struct OcrOptions {
  std::vector<std::string> files;
  std::string model;
  std::string dtype = "auto";
  std::string quantization = "none";
  std::string task = "markdown";
  std::string mode = "auto";
  int max_tiles = 6;
  std::string pages;
  int dpi = 0;
  std::string format = "md";
  std::string output;
  bool overlay = false;
  int max_tokens = 8192;
  std::optional<int> no_repeat_ngram_size;
  std::optional<int> no_repeat_ngram_window;
  float temperature = 0;
  float top_p = 1;
  int top_k = 0;
  std::optional<uint64_t> seed;
  size_t num_threads = 0;
  uint32_t max_num_seqs = 16;
  bool quiet = false;
};

// Returns the exit code.
int RunOcr(const OcrOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_OCR_COMMAND_H_
