// The text of a call on its way to a client that reads at its own pace.
#ifndef MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_
#define MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/status.h"

namespace mao {

// One piece is on its way at a time; the text that comes meanwhile is joined. A Mark is what stands
// between texts. Thread-safe; waits for nothing.
template <typename Answer, typename Mark = std::monostate>
class JoinedOutput {
 public:
  // One of a text, a mark and the end; the others are left out.
  struct Piece {
    std::string text = {};
    int32_t num_tokens = 0;
    int page = 0;  // of the text; between two pages there is a mark
    std::optional<Mark> mark = {};
    std::optional<Result<Answer>> end = {};

    bool is_text() const { return !mark.has_value() && !end.has_value(); }
  };

  // From the call. A text or a mark.
  void Add(Piece piece) {
    const std::lock_guard lock(mutex_);
    if (is_gone_) return;
    if (pending_.empty() || !piece.is_text() || !pending_.back().is_text()) {
      pending_.push_back(std::move(piece));
      return;
    }
    pending_.back().text += piece.text;
    pending_.back().num_tokens += piece.num_tokens;
  }
  void End(const Result<Answer>& result) {
    const std::lock_guard lock(mutex_);
    Piece& piece = pending_.emplace_back();
    if (is_gone_) {
      piece.end = CancelledError("the client has gone");
    } else {
      piece.end = result;
    }
  }

  // What is to be written now; nullopt when there is nothing, or a piece is on its way. The caller
  // reports its end with Written.
  std::optional<Piece> Next() {
    const std::lock_guard lock(mutex_);
    if (is_writing_) return std::nullopt;
    const auto is_blank = [](const Piece& piece) { return piece.is_text() && piece.text.empty(); };
    if (pending_.size() > 1 && is_blank(pending_.front())) pending_.pop_front();
    if (pending_.empty() || is_blank(pending_.front())) return std::nullopt;
    Piece piece = std::move(pending_.front());
    pending_.pop_front();
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
    const bool has_ended = !pending_.empty() && pending_.back().end.has_value();
    pending_.clear();
    if (has_ended) pending_.emplace_back().end = CancelledError("the client has gone");
  }

 private:
  std::mutex mutex_;
  std::deque<Piece> pending_;
  bool is_writing_ = false;
  bool is_gone_ = false;
};

}  // namespace mao

#endif  // MAOOCR_SERVE_GRPC_JOINED_OUTPUT_H_
