// The command line, read and explained. The only file that knows CLI11.
#ifndef MAOOCR_APPS_COMMAND_LINE_H_
#define MAOOCR_APPS_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <variant>

#include "apps/config_command.h"
#include "apps/info_command.h"
#include "apps/ocr_command.h"
#include "apps/quantize_command.h"
#include "apps/serve_command.h"
#include "apps/tokenize_command.h"

namespace mao {

struct CommandLine {
  // What to do; an exit code if that is done: help or a usage error has been printed.
  std::variant<int, OcrOptions, ServeOptions, InfoOptions, QuantizeCommandOptions, TokenizeOptions,
               ConfigShowOptions>
      command = 0;
  bool verbose = false;
};

// `version` is what --version prints.
CommandLine ParseCommandLine(int argc, char** argv, const std::string& version);

}  // namespace mao

#endif  // MAOOCR_APPS_COMMAND_LINE_H_
