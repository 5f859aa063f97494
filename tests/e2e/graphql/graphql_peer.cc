// The GraphQL core behind a pipe, for the comparison with the reference implementations in
// JavaScript: one JSON object a line in, one out. "op" says what is done:
//
//   sdl       the sample schema and its data
//   parse     {source} -> {error} or {}
//   validate  {source} -> {errors}
//   execute   {request} -> the response
//   http      {method, contentType, accept, queryString, body} -> {status, contentType, allow, body}
//   ws        {session, event: "message" | "timeout", text} -> {send, close}; operations run at once
#include <iostream>
#include <map>
#include <string>
#include <variant>

#include <nlohmann/json.hpp>

#include "serve/graphql/http.h"
#include "serve/graphql/parser.h"
#include "serve/graphql/sample_service_for_test.h"
#include "serve/graphql/validate.h"
#include "serve/graphql/ws_session.h"

namespace mao::graphql {
namespace {

class Peer {
 public:
  Json Answer(const Json& in) {
    const std::string op = in.at("op");
    if (op == "sdl") return {{"sdl", kSampleSdl}, {"data", Json::parse(kSampleData)}};
    if (op == "parse") return Parse(in.at("source"));
    if (op == "validate") return Validated(in.at("source"));
    if (op == "execute") return Executed(in.at("request"));
    if (op == "http") return Http(in);
    if (op == "ws") return Ws(in);
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
      return service_->Execute(prepared, context);
    }
    Json responses = Json::array();
    const Status status = service_->Subscribe(prepared, context, [&](const Json& response) {
      responses.push_back(response);
      return true;
    });
    return {{"responses", responses}, {"error", status.ok() ? Json() : Json(status.message())}};
  }

  Json Http(const Json& in) const {
    const std::string method = in.at("method");
    const std::string content_type = in.value("contentType", "");
    const std::string accept = in.value("accept", "");
    const std::string query_string = in.value("queryString", "");
    const std::string body = in.value("body", "");
    SampleContext context;
    const HttpReply reply =
        ServeHttp(*service_, {method, content_type, accept, query_string, body}, context);
    return {{"status", reply.status},
            {"contentType", reply.content_type},
            {"allow", reply.allow},
            {"body", reply.body}};
  }

  Json Ws(const Json& in) {
    WsSession& session =
        sessions_.try_emplace(in.at("session").get<int>(), WsSession::Options{}).first->second;
    const WsActions actions = in.at("event") == "timeout"
                                  ? session.OnInitTimeout()
                                  : session.OnMessage(in.at("text").get<std::string>());
    Json send = actions.send;
    const auto add = [&send](const std::optional<std::string>& message) {
      if (message) send.push_back(*message);
      return message.has_value();
    };
    if (actions.start) {
      const uint64_t serial = actions.start->serial;
      SampleContext context;
      RunWsOperation(*service_, actions.start->request, context,
                     {[&](const Json& response) { return add(session.Next(serial, response)); },
                      [&](const Json& errors) { add(session.Fail(serial, errors)); },
                      [&] { add(session.Complete(serial)); }});
    }
    Json close;
    if (actions.close) {
      close = {{"code", actions.close->code}, {"reason", actions.close->reason}};
    }
    return {{"send", send}, {"close", close}};
  }

  std::shared_ptr<const Executor> service_ = MakeSampleService();
  std::map<int, WsSession> sessions_;
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
