// The schema's GenerateInput and GenerateResult, and the service's own.
#ifndef MAOOCR_SERVE_GRAPHQL_API_GENERATE_FIELDS_H_
#define MAOOCR_SERVE_GRAPHQL_API_GENERATE_FIELDS_H_

#include <string>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/api/service.h"

namespace mao {

// Without context. Errors: those of ParsePromptRequest.
Result<GenerationRequest> ReadGenerateInput(const Service& service,
                                            const nlohmann::ordered_json& input);

nlohmann::ordered_json ToGenerateResult(const Generation& answer, const std::string& request_id);

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_GENERATE_FIELDS_H_
