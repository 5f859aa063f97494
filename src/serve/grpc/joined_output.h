// The text of a call on its way to a client that reads at its own pace.
#ifndef MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_
#define MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace mao {

// One piece is on its way at a time; what comes meanwhile is joined. Thread-safe; waits for nothing.
template <typename Answer>
class JoinedOutput {
 public:
  struct Piece {
    std::string text;
    int32_t num_tokens = 0;
    std::optional<Result<Answer>> end;  // of the last piece, which has no text
  };

  // From the call.
  void Add(std::string_view text, int32_t num_tokens) {
    const std::lock_guard lock(mutex_);
    if (is_gone_) return;
    pending_.text += text;
    pending_.num_tokens += num_tokens;
  }
  void End(const Result<Answer>& result) {
    const std::lock_guard lock(mutex_);
    if (is_gone_) {
      pending_.end = CancelledError("the client has gone");
    } else {
      pending_.end = result;
    }
  }

  // What is to be written now; nullopt when there is nothing, or a piece is on its way. The caller
  // reports its end with Written.
  std::optional<Piece> Next() {
    const std::lock_guard lock(mutex_);
    if (is_writing_) return std::nullopt;
    Piece piece;
    if (!pending_.text.empty()) {
      std::swap(piece.text, pending_.text);
      std::swap(piece.num_tokens, pending_.num_tokens);
    } else if (pending_.end.has_value()) {
      piece.end = std::move(pending_.end);
      pending_.end.reset();
    } else {
      return std::nullopt;
    }
    is_writing_ = true;
    return piece;
  }
  // `ok`: the client has taken the piece. Otherwise it has gone, and of what is left only the end
  // will come, as Cancelled.
  void Written(bool ok) {
    const std::lock_guard lock(mutex_);
    is_writing_ = false;
    if (ok) return;
    is_gone_ = true;
    pending_.text.clear();
    pending_.num_tokens = 0;
    if (pending_.end.has_value()) pending_.end = CancelledError("the client has gone");
  }

 private:
  std::mutex mutex_;
  Piece pending_;
  bool is_writing_ = false;
  bool is_gone_ = false;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_
