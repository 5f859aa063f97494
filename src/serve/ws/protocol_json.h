// JSON that protocols over WebSockets have in common.
#ifndef MAOOCR_SERVE_WS_PROTOCOL_JSON_H_
#define MAOOCR_SERVE_WS_PROTOCOL_JSON_H_

#include <string>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/api/generation.h"

namespace mao {

// {message, type, code}, as in the errors of HTTP answers.
nlohmann::ordered_json ErrorObject(const Status& status);

// The context of the socket's request, for its call number `number`: request ids are of calls.
CallContext CallContextOf(const CallContext& socket, uint64_t number, std::string operation);

}  // namespace mao

#endif  // MAOOCR_SERVE_WS_PROTOCOL_JSON_H_
