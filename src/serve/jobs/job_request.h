// What a job has to do: a request to the server itself, kept as JSON.
#ifndef MAOOCR_SERVE_JOBS_JOB_REQUEST_H_
#define MAOOCR_SERVE_JOBS_JOB_REQUEST_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "serve/http/message.h"

namespace mao {

// Kinds of jobs in the store.
inline constexpr std::string_view kHttpJob = "http";        // request: EncodeJobRequest
inline constexpr std::string_view kBatchLineJob = "batch";  // request: a line of the input file

// Whether `path` may run in the background: what reads pages or generates text, answered by POST.
bool IsBackgroundPath(std::string_view path);

// The request without its body, which is an input of the job.
std::string EncodeJobRequest(const HttpRequest& request);
// `body` is the job's input. InvalidArgument if the text is no request.
Result<HttpRequest> DecodeJobRequest(std::string_view text, std::string body);

// A line of a batch's input file: {"custom_id":…,"method":"POST","url":"/v1/…","body":{…}}.
struct BatchLineRequest {
  std::string custom_id;
  HttpRequest request;
};
// InvalidArgument names what is missing or wrong.
Result<BatchLineRequest> ParseBatchLine(std::string_view line);

// What a response with an error says, whatever the shape of its body.
std::string ErrorMessageOf(const HttpResponse& response);

}  // namespace mao

#endif  // MAOOCR_SERVE_JOBS_JOB_REQUEST_H_
