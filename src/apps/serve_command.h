// maoocr serve: answers over the network until it is told to stop.
#ifndef MAOOCR_APPS_SERVE_COMMAND_H_
#define MAOOCR_APPS_SERVE_COMMAND_H_

#include "apps/config_command.h"

namespace mao {

struct ServeOptions {
  ConfigOptions config;
};

// Returns the exit code.
int RunServe(const ServeOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_SERVE_COMMAND_H_
