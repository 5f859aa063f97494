// `maoocr info`: what a model is, without loading its weights.
#ifndef MAOOCR_APPS_INFO_COMMAND_H_
#define MAOOCR_APPS_INFO_COMMAND_H_

#include <string>

namespace mao {

struct InfoOptions {
  std::string model;  // empty: the embedded one
  bool json = false;
};

// Returns the exit code.
int RunInfo(const InfoOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_INFO_COMMAND_H_
