#include "serve/backend/direct_backend.h"

#include <optional>
#include <utility>

#include "serve/api/call_trace.h"

namespace mao {

std::optional<std::chrono::milliseconds> DirectBackend::stalled_for() const {
  using std::chrono::milliseconds;
  const EngineStats stats = engine_->stats();
  if (!stats.has_work) return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() -
                                                  stats.last_progress);
}

Result<Generation> DirectBackend::Generate(const GenerationRequest& request,
                                           std::shared_ptr<const Image> image,
                                           std::chrono::steady_clock::time_point deadline,
                                           const OnGenerationOutput& on_output,
                                           const std::stop_token& stop) {
  EngineRequest engine_request;
  engine_request.prompt = {std::move(image), request.prompt, request.image_options};
  engine_request.sampling = request.sampling;
  engine_request.priority = request.priority;
  engine_request.cache_salt = request.cache_salt;
  engine_request.deadline = deadline;
  MAO_ASSIGN_OR_RETURN(const std::unique_ptr<RequestStream> stream,
                       engine_->Submit(std::move(engine_request)));
  const std::stop_callback cancel(stop, [&stream] { stream->Cancel(); });
  Generation answer;
  while (std::optional<EngineOutput> output = stream->Next()) {
    answer.text += output->text;
    answer.token_ids.insert(answer.token_ids.end(), output->token_ids.begin(),
                            output->token_ids.end());
    if (!output->text.empty() || !output->token_ids.empty()) {
      on_output(
          {std::move(output->text), std::move(output->token_ids), std::move(output->logprobs)});
    }
    if (!output->finished) continue;
    AddEngineStages(request, stream->stats());
    MAO_RETURN_IF_ERROR(output->status);
    answer.stop_reason = output->stop_reason;
    answer.stats = stream->stats();
    answer.image_mode = stream->image_mode();
    answer.boxes_in_padded_square = stream->boxes_in_padded_square();
    return answer;
  }
  return InternalError("the engine closed the request without an end");
}

}  // namespace mao
