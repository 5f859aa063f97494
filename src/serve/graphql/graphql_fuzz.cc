// The input is a document, and behind a zero byte, if there is one, the JSON of its variables. It is
// parsed, validated and executed against the sample service.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "serve/graphql/sample_service_for_test.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mao::graphql::Json;
  static const auto executor = mao::graphql::MakeSampleService({.max_result_values = 20'000});
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\0'), input.size());
  mao::graphql::Request request;
  request.query = input.substr(0, end);
  if (end < input.size()) {
    auto variables = ParseJson(input.substr(end + 1), executor->limits(), "variables");
    if (!variables.ok() || !variables->is_object()) return 0;
    request.variables = std::make_shared<const Json>(*std::move(variables));
  }
  const auto prepared = executor->Prepare(request);
  mao::graphql::SampleContext context;
  int num_responses = 0;
  const mao::Status status = SubscribeNow(*executor, prepared, context, [&](const Json& response) {
    Require(response.contains("errors") || response.contains("data"));
    Require(Json::accept(mao::graphql::DumpJson(response)));
    return ++num_responses < 3;
  });
  Require(status.ok() || prepared.ok());
  return 0;
}
