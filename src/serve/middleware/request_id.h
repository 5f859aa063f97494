// Names of requests, in logs and answers.
#ifndef MAOOCR_SERVE_MIDDLEWARE_REQUEST_ID_H_
#define MAOOCR_SERVE_MIDDLEWARE_REQUEST_ID_H_

#include <string>
#include <string_view>

namespace mao {

// 32 random hexadecimal digits.
std::string NewRequestId();
// 1 to 128 letters, digits and "-_.:": safe in headers, logs and file names.
bool IsRequestId(std::string_view text);
// "00-<32 hex>-<16 hex>-<2 hex>" with neither id zero (W3C Trace Context, version 00).
bool IsTraceparent(std::string_view text);

}  // namespace mao

#endif  // MAOOCR_SERVE_MIDDLEWARE_REQUEST_ID_H_
