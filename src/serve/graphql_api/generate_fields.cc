#include "serve/graphql_api/generate_fields.h"

#include <chrono>
#include <utility>

#include "ocr/page_answer.h"
#include "ocr/page_result.h"
#include "serve/api/json.h"
#include "serve/graphql_api/names.h"
#include "serve/openai/prompt_request.h"

namespace mao {

using Json = nlohmann::ordered_json;

Result<GenerationRequest> ReadGenerateInput(const Service& service, const Json& input) {
  Json fields = Json::object();
  for (const auto& [name, value] : input.items()) {
    if (value.is_null() || name == "bypassCache" || name == "timeoutMs") continue;
    if (name == "size") {
      fields["mm_processor_kwargs"]["mode"] = FromEnumValue(value.get_ref<const std::string&>());
    } else if (name == "ngramSize" || name == "windowSize") {
      fields["vllm_xargs"][SnakeCase(name)] = value;
    } else {
      fields[SnakeCase(name)] = value;
    }
  }
  MAO_ASSIGN_OR_RETURN(GenerationRequest request,
                       ParsePromptRequest(service, DumpJson(fields), nlohmann::json(fields)));
  int timeout_ms = 0;
  const nlohmann::json timeout = {{"timeoutMs", input.value("timeoutMs", Json())}};
  JsonFields reader(timeout);
  reader.Read("timeoutMs", timeout_ms);
  if (timeout_ms < 0) reader.Fail("timeoutMs", "0 or more milliseconds");
  MAO_RETURN_IF_ERROR(reader.status());
  request.timeout = std::chrono::milliseconds(timeout_ms);
  return request;
}

Json ToGenerateResult(const Generation& answer, const std::string& request_id) {
  const RequestStats& stats = answer.stats;
  return {{"text", answer.text},
          {"finishReason", FinishReasonValue(PageFinishName(ToPageFinish(answer.stop_reason)))},
          {"usage",
           {{"promptTokens", stats.num_prompt_tokens},
            {"imageTokens", stats.num_image_tokens},
            {"cachedTokens", stats.num_cached_tokens},
            {"completionTokens", stats.num_output_tokens},
            {"totalTokens", stats.num_prompt_tokens + stats.num_output_tokens}}},
          {"timingsMs",
           {{"wait", answer.timings.wait_ms},
            {"fetch", answer.timings.fetch_ms},
            {"decode", answer.timings.decode_ms},
            {"preprocess", stats.prepare_ms},
            {"queue", stats.queue_ms},
            {"encode", stats.encode_ms},
            {"prefill", stats.prefill_ms},
            {"generate", stats.generate_ms},
            {"firstOutput", answer.timings.first_output_ms},
            {"total", answer.timings.total_ms}}},
          {"model", answer.model},
          {"inferenceEngine", answer.engine},
          {"requestId", request_id},
          {"fromCache", answer.from_result_cache}};
}

}  // namespace mao
