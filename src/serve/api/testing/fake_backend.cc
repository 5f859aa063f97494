#include "serve/api/testing/fake_backend.h"

#include <algorithm>
#include <utility>

#include "vision/encode.h"

namespace mao {
namespace {

// The beginning of the text: at least 8 bytes if there are, and no character cut in two.
std::string_view FirstPiece(std::string_view text) {
  constexpr size_t kPieceBytes = 8;
  size_t end = std::min(kPieceBytes, text.size());
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
  return text.substr(0, end);
}

std::vector<std::string> PiecesOf(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    pieces.emplace_back(FirstPiece(text));
    text.remove_prefix(pieces.back().size());
  }
  return pieces;
}

}  // namespace

std::string PromptText(const GenerationRequest& request) {
  std::string text;
  for (const PromptPiece& piece : request.prompt) text += piece.text;
  return text;
}

std::string WhitePage(int width, int height) {
  constexpr uint8_t kWhite = 255;
  return EncodePng(MakeImage(width, height, kWhite)).value();
}

void FakeBackend::AnswerTo(std::string part, std::string text, StopReason reason) {
  AnswerTo(std::move(part), PiecesOf(text), reason);
}

void FakeBackend::AnswerTo(std::string part, std::vector<std::string> pieces, StopReason reason) {
  const std::lock_guard lock(mutex_);
  answers_.push_back({std::move(part), std::move(pieces), reason});
}

void FakeBackend::EchoPrompts() {
  const std::lock_guard lock(mutex_);
  echoes_ = true;
}

void FakeBackend::FailWith(Status status) {
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

void FakeBackend::Hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void FakeBackend::Release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  changed_.notify_all();
}

void FakeBackend::WaitForCalls(size_t num_calls) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return num_calls_ >= num_calls; });
}

std::vector<GenerationRequest> FakeBackend::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> FakeBackend::prompts() const {
  std::vector<std::string> prompts;
  for (const GenerationRequest& request : requests()) prompts.push_back(PromptText(request));
  return prompts;
}

void FakeBackend::SetStalled(std::optional<std::chrono::milliseconds> time) {
  const std::lock_guard lock(mutex_);
  stalled_for_ = time;
}

std::optional<std::chrono::milliseconds> FakeBackend::stalled_for() const {
  const std::lock_guard lock(mutex_);
  return stalled_for_;
}

size_t FakeBackend::num_stopped() const {
  const std::lock_guard lock(mutex_);
  return num_stopped_;
}

FakeBackend::Answer FakeBackend::AnswerOf(const std::string& prompt) const {
  const auto found = std::find_if(answers_.begin(), answers_.end(), [&](const Answer& answer) {
    return prompt.find(answer.part) != std::string::npos;
  });
  if (found != answers_.end()) return *found;
  return {"", echoes_ ? PiecesOf(prompt) : std::vector<std::string>(), StopReason::kEndOfText};
}

Status FakeBackend::WaitWhileHeld(std::unique_lock<std::mutex>& lock,
                                  std::chrono::steady_clock::time_point deadline,
                                  const std::stop_token& stop) {
  if (!changed_.wait_until(lock, stop, deadline, [this] { return !held_; }) &&
      !stop.stop_requested()) {
    return DeadlineExceededError("past the deadline");
  }
  if (!stop.stop_requested()) return OkStatus();
  ++num_stopped_;
  return CancelledError("the request was cancelled");
}

Result<Generation> FakeBackend::Generate(const GenerationRequest& request,
                                         std::shared_ptr<const Image> /*image*/,
                                         std::chrono::steady_clock::time_point deadline,
                                         const OnGenerationOutput& on_output,
                                         const std::stop_token& stop) {
  constexpr size_t kMaxRemembered = 1000;
  std::unique_lock lock(mutex_);
  ++num_calls_;
  if (requests_.size() < kMaxRemembered) requests_.push_back(request);
  changed_.notify_all();
  MAO_RETURN_IF_ERROR(status_);
  const Answer scripted = AnswerOf(PromptText(request));
  Generation answer;
  answer.stop_reason = scripted.reason;
  for (const std::string& piece : scripted.pieces) {
    const auto token = static_cast<TokenId>(answer.token_ids.size());
    answer.token_ids.push_back(token);
    answer.text += piece;
    lock.unlock();
    on_output({piece, {token}, {}});
    lock.lock();
    MAO_RETURN_IF_ERROR(WaitWhileHeld(lock, deadline, stop));
  }
  answer.stats.num_prompt_tokens = 10;
  answer.stats.num_image_tokens = request.image.empty() ? 0 : 6;
  answer.stats.num_output_tokens = static_cast<int64_t>(answer.token_ids.size());
  const std::string& mode = request.image_options.mode;
  if (!request.image.empty()) answer.image_mode = mode == "auto" ? "base" : mode;
  return answer;
}

}  // namespace mao
