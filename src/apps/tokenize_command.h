// `maoocr tokenize`: text to token ids and back.
#ifndef MAOOCR_APPS_TOKENIZE_COMMAND_H_
#define MAOOCR_APPS_TOKENIZE_COMMAND_H_

#include <string>
#include <vector>

namespace mao {

// As on the command line; `maoocr tokenize --help` explains them.
struct TokenizeOptions {
  std::string model;
  std::string text = "-";
  std::vector<int> decode;
  bool ids_only = false;
  bool no_special = false;
};

// Returns the exit code.
int RunTokenize(const TokenizeOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_TOKENIZE_COMMAND_H_
