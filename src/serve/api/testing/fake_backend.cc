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
  const std::lock_guard lock(mutex_);
  answers_.push_back({std::move(part), std::move(text), reason});
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
  released_.notify_all();
}

std::vector<GenerationRequest> FakeBackend::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

Result<Generation> FakeBackend::Generate(const GenerationRequest& request,
                                         std::shared_ptr<const Image> /*image*/,
                                         std::chrono::steady_clock::time_point /*deadline*/,
                                         const OnGenerationOutput& on_output,
                                         const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  requests_.push_back(request);
  MAO_RETURN_IF_ERROR(status_);
  const std::string prompt = PromptText(request);
  const auto found = std::find_if(answers_.begin(), answers_.end(), [&](const Answer& answer) {
    return prompt.find(answer.part) != std::string::npos;
  });
  const Answer scripted = found == answers_.end() ? Answer{"", "", StopReason::kEndOfText} : *found;
  Generation answer;
  answer.text = scripted.text;
  answer.stop_reason = scripted.reason;
  for (std::string_view rest = scripted.text; !rest.empty();) {
    const std::string_view piece = FirstPiece(rest);
    const auto token = static_cast<TokenId>(answer.token_ids.size());
    answer.token_ids.push_back(token);
    lock.unlock();
    on_output({std::string(piece), {token}, {}});
    lock.lock();
    rest.remove_prefix(piece.size());
    released_.wait(lock, stop, [this] { return !held_; });
    if (stop.stop_requested()) return CancelledError("the request was cancelled");
  }
  answer.stats.num_prompt_tokens = 10;
  answer.stats.num_image_tokens = request.image.empty() ? 0 : 6;
  answer.stats.num_output_tokens = static_cast<int64_t>(answer.token_ids.size());
  const std::string& mode = request.image_options.mode;
  if (!request.image.empty()) answer.image_mode = mode == "auto" ? "base" : mode;
  return answer;
}

}  // namespace mao
