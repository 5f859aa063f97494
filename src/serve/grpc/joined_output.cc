#include "serve/grpc/joined_output.h"

#include <utility>

namespace mao {

void JoinedOutput::Add(const GenerationOutput& output) {
  const std::lock_guard lock(mutex_);
  if (is_gone_) return;
  pending_.text += output.text;
  pending_.num_tokens += static_cast<int32_t>(output.token_ids.size());
}

void JoinedOutput::End(const Result<Generation>& result) {
  const std::lock_guard lock(mutex_);
  if (is_gone_) {
    pending_.end = CancelledError("the client has gone");
  } else {
    pending_.end = result;
  }
}

std::optional<JoinedOutput::Piece> JoinedOutput::Next() {
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

void JoinedOutput::Written(bool ok) {
  const std::lock_guard lock(mutex_);
  is_writing_ = false;
  if (ok) return;
  is_gone_ = true;
  pending_.text.clear();
  pending_.num_tokens = 0;
  if (pending_.end.has_value()) pending_.end = CancelledError("the client has gone");
}

}  // namespace mao
