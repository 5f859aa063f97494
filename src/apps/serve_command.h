// maoocr serve: answers over HTTP and gRPC until it is told to stop.
#ifndef MAOOCR_APPS_SERVE_COMMAND_H_
#define MAOOCR_APPS_SERVE_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>

namespace mao {

struct ServeOptions {
  std::string model;  // folder of a checkpoint; empty: the embedded one
  std::string model_name;
  std::string dtype = "auto";
  std::string host = "127.0.0.1";
  uint16_t port = 8000;
  std::optional<uint16_t> grpc_port;  // unset: no gRPC
  size_t num_threads = 0;             // 0: all cores
  uint32_t max_num_seqs = 16;
  int drain_timeout_s = 30;
};

// Returns the exit code.
int RunServe(const ServeOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_SERVE_COMMAND_H_
