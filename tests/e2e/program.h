// Runs the built program as a user does.
#ifndef MAOOCR_TESTS_E2E_PROGRAM_H_
#define MAOOCR_TESTS_E2E_PROGRAM_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mao {

struct ProgramResult {
  int exit_code = -1;  // 128 + n when signal n ended it
  std::string out;
  std::string err;
};

struct ProgramOptions {
  std::string program;                   // empty: the one that was built
  std::string input;                     // for standard input
  std::vector<std::string> environment;  // "NAME=value", in place of ours
  std::string working_folder;            // empty: ours
  std::string output_file;               // standard output goes here instead of into `out`
  // Called with all of standard output so far, whenever something came; and the process id.
  std::function<void(const std::string& out, int pid)> on_output;
};

ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         const ProgramOptions& options = {});

// With a terminal of 100 columns as standard output and standard error; `out` has both, with the
// carriage returns that the terminal adds taken out.
ProgramResult RunProgramInTerminal(const std::vector<std::string>& arguments);

}  // namespace mao

#endif  // MAOOCR_TESTS_E2E_PROGRAM_H_
