// The files that a command line names.
#ifndef MAOOCR_APPS_INPUTS_H_
#define MAOOCR_APPS_INPUTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace mao {

inline constexpr std::string_view kStandardInput = "-";

struct InputFile {
  std::string path;         // "-": standard input
  std::string output_name;  // of its files; no two inputs have the same
  Status status;            // why there is nothing to read, if that is known already
};

// Every argument is a file or "-", or a folder, which stands for the pictures and PDF files in it (by their
// extension, not in folders below), in the order of their names. Output names are file names
// without extension; the second "page" is called "page-2".
std::vector<InputFile> ExpandInputs(const std::vector<std::string>& arguments);

// All of standard input, which may be a pipe. OutOfRange above max_bytes.
Result<std::string> ReadStandardInput(size_t max_bytes);

}  // namespace mao

#endif  // MAOOCR_APPS_INPUTS_H_
