// The text of a call on its way to a client that reads at its own pace.
#ifndef MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_
#define MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "serve/api/call.h"

namespace mao {

// One piece is on its way at a time; what comes meanwhile is joined. Thread-safe; waits for nothing.
class JoinedOutput {
 public:
  struct Piece {
    std::string text;
    int32_t num_tokens = 0;
    std::optional<Result<Generation>> end;  // of the last piece, which has no text
  };

  // From the call.
  void Add(const GenerationOutput& output);
  void End(const Result<Generation>& result);

  // What is to be written now; nullopt when there is nothing, or a piece is on its way. The caller
  // reports its end with Written.
  std::optional<Piece> Next();
  // `ok`: the client has taken the piece. Otherwise it has gone, and of what is left only the end
  // will come, as Cancelled.
  void Written(bool ok);

 private:
  std::mutex mutex_;
  Piece pending_;
  bool is_writing_ = false;
  bool is_gone_ = false;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_
