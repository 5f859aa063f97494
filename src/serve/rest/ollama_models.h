// The served models as Ollama describes its own (/api/tags, /api/show, /api/ps).
#ifndef MAOOCR_SERVE_REST_OLLAMA_MODELS_H_
#define MAOOCR_SERVE_REST_OLLAMA_MODELS_H_

#include <nlohmann/json.hpp>

#include "serve/api/service.h"

namespace mao {

// All that are configured. A digest is Ollama's name for a file; there is none here, so it is empty.
nlohmann::ordered_json OllamaTags(const Service& service);
// Those that are ready; they stay for good.
nlohmann::ordered_json OllamaRunning(const Service& service);
nlohmann::ordered_json OllamaShow(const ServedModel& model);

}  // namespace mao

#endif  // MAOOCR_SERVE_REST_OLLAMA_MODELS_H_
