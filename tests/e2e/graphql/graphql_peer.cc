// The GraphQL core behind a pipe, for the comparison with the reference implementations in
// JavaScript: one JSON object a line in, one out. "op" says what is done:
//
//   sdl       the sample schema and its data
//   parse     {source} -> {error} or {}
//   validate  {source} -> {errors}
//   execute   {request} -> the response
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "serve/graphql/parser.h"
#include "serve/graphql/sample_service_for_test.h"
#include "serve/graphql/validate.h"

namespace mao::graphql {
namespace {

class Peer {
 public:
  Json Answer(const Json& in) const {
    const std::string op = in.at("op");
    if (op == "sdl") return {{"sdl", kSampleSdl}, {"data", Json::parse(kSampleData)}};
    if (op == "parse") return Parse(in.at("source"));
    if (op == "validate") return Validated(in.at("source"));
    if (op == "execute") return Executed(in.at("request"));
    return {{"unknown", op}};
  }

 private:
  Json Parse(const std::string& source) const {
    Error error;
    if (ParseDocument(source, service_->limits(), error) != nullptr) return Json::object();
    return {{"error", ErrorToJson(error)}};
  }

  Json Validated(const std::string& source) const {
    Error error;
    const auto document = ParseDocument(source, service_->limits(), error);
    if (document == nullptr) return ErrorResponse({error});
    return ErrorResponse(Validate(service_->schema(), *document, service_->limits()));
  }

  // A subscription answers with the list of its responses.
  Json Executed(const Json& json) const {
    const auto request = RequestFromJson(json);
    if (!request.ok()) return {{"refused", request.status().message()}};
    const PreparedRequest prepared = service_->Prepare(*request);
    SampleContext context;
    if (!prepared.ok() || prepared.operation_type() != OperationType::kSubscription) {
      return ExecuteNow(*service_, prepared, context);
    }
    Json responses = Json::array();
    const Status status = SubscribeNow(*service_, prepared, context, [&](const Json& response) {
      responses.push_back(response);
      return true;
    });
    return {{"responses", responses}, {"error", status.ok() ? Json() : Json(status.message())}};
  }

  std::shared_ptr<const Executor> service_ = MakeSampleService();
};

}  // namespace
}  // namespace mao::graphql

int main() {
  mao::graphql::Peer peer;
  for (std::string line; std::getline(std::cin, line);) {
    const auto in = mao::graphql::Json::parse(line);
    std::cout << mao::graphql::DumpJson(peer.Answer(in)) << std::endl;
  }
  return 0;
}
