// maoocr serve: answers over HTTP until it is told to stop.
#ifndef MAOOCR_APPS_SERVE_COMMAND_H_
#define MAOOCR_APPS_SERVE_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mao {

struct ServeOptions {
  std::string model;  // folder of a checkpoint; empty: the embedded one
  std::string model_name;
  std::string dtype = "auto";
  std::string host = "127.0.0.1";
  uint16_t port = 8000;
  size_t num_threads = 0;  // 0: all cores
  uint32_t max_num_seqs = 16;
  std::string inference_engine = "vllm_direct";  // or vllm_openai; "direct" is vllm_direct
  // Of vllm_openai; the key comes from the environment (OPENAI_API_KEY).
  std::vector<std::string> openai_base_urls;
  std::string openai_model;
  int drain_timeout_s = 30;
};

// Returns the exit code.
int RunServe(const ServeOptions& options);

}  // namespace mao

#endif  // MAOOCR_APPS_SERVE_COMMAND_H_
