#include "serve/graphql/ws_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/sample_service_for_test.h"

namespace mao::graphql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kInit = R"({"type":"connection_init"})";

std::string Subscribe(const std::string& id) {
  return DumpJson({{"id", id}, {"type", "subscribe"}, {"payload", {{"query", "{ version }"}}}});
}

std::string Complete(const std::string& id) { return DumpJson({{"id", id}, {"type", "complete"}}); }

WsSession Connected(WsSession::Options options = {}) {
  WsSession session(std::move(options));
  EXPECT_THAT(session.OnMessage(kInit).send, ElementsAre(R"({"type":"connection_ack"})"));
  return session;
}

// The close code of the last message, 0 if there is none.
uint16_t CloseCode(WsSession& session, std::string_view text) {
  const WsActions actions = session.OnMessage(text);
  return actions.close ? actions.close->code : 0;
}

TEST(WsSessionTest, AcknowledgesOnce) {
  WsSession session = Connected();
  EXPECT_EQ(CloseCode(session, kInit), 4429);
  // Nothing happens after a close.
  const WsActions after = session.OnMessage(Subscribe("1"));
  EXPECT_THAT(after.send, IsEmpty());
  EXPECT_FALSE(after.start || after.close);
}

TEST(WsSessionTest, AsksWhetherToAccept) {
  std::vector<std::string> payloads;
  WsSession::Options options;
  options.accept = [&](const Json* payload) {
    payloads.push_back(payload == nullptr ? "none" : payload->dump());
    return payload != nullptr && payload->value("token", "") == "good";
  };
  WsSession refused(options);
  EXPECT_EQ(CloseCode(refused, kInit), 4403);
  WsSession accepted(options);
  EXPECT_EQ(CloseCode(accepted, R"({"type":"connection_init","payload":{"token":"good"}})"), 0);
  EXPECT_THAT(payloads, ElementsAre("none", R"({"token":"good"})"));
}

TEST(WsSessionTest, WaitsForInitOnlySoLong) {
  WsSession late({});
  EXPECT_EQ(late.OnInitTimeout().close->code, 4408);
  WsSession session = Connected();
  EXPECT_FALSE(session.OnInitTimeout().close);
}

TEST(WsSessionTest, NothingRunsBeforeTheAcknowledgement) {
  WsSession session({});
  EXPECT_EQ(CloseCode(session, Subscribe("1")), 4401);
}

TEST(WsSessionTest, AnswersPings) {
  WsSession session({});
  EXPECT_THAT(session.OnMessage(R"({"type":"ping"})").send, ElementsAre(R"({"type":"pong"})"));
  EXPECT_THAT(session.OnMessage(R"({"type":"ping","payload":{"a":1}})").send,
              ElementsAre(R"({"type":"pong","payload":{"a":1}})"));
  EXPECT_THAT(session.OnMessage(R"({"type":"pong"})").send, IsEmpty());
}

TEST(WsSessionTest, ClosesOnWhatIsNoMessage) {
  for (const char* bad :
       {"", "{", "1", "[]", "{}", R"({"type":1})", R"({"type":"start"})",
        R"({"type":"next","id":"1"})", R"({"type":"connection_ack"})",
        R"({"type":"ping","payload":[]})", R"({"type":"subscribe"})",
        R"({"type":"subscribe","id":1,"payload":{"query":"{a}"}})",
        R"({"type":"subscribe","id":"1"})",
        R"({"type":"subscribe","id":"","payload":{"query":"{a}"}})",
        R"({"type":"subscribe","id":"1","payload":null})",
        R"({"type":"subscribe","id":"1","payload":{"query":1}})",
        R"({"type":"subscribe","id":"1","payload":{"query":"{a}","variables":1}})",
        R"({"type":"complete"})"}) {
    WsSession session = Connected();
    EXPECT_EQ(CloseCode(session, bad), 4400) << bad;
  }
  WsSession session = Connected();
  EXPECT_LE(session.OnMessage(R"({"type":")" + std::string(500, 'x') + "\"}").close->reason.size(),
            123u);
}

TEST(WsSessionTest, RunsOperationsSideBySide) {
  WsSession session = Connected();
  const WsActions first = session.OnMessage(Subscribe("a"));
  const WsActions second = session.OnMessage(Subscribe("b"));
  ASSERT_TRUE(first.start && second.start);
  EXPECT_EQ(first.start->request.query, "{ version }");
  EXPECT_EQ(session.Next(second.start->serial, {{"data", 2}}),
            R"({"id":"b","type":"next","payload":{"data":2}})");
  EXPECT_EQ(session.Next(first.start->serial, {{"data", 1}}),
            R"({"id":"a","type":"next","payload":{"data":1}})");
  EXPECT_EQ(session.Complete(first.start->serial), R"({"id":"a","type":"complete"})");
  EXPECT_EQ(session.Fail(second.start->serial, Json::array()),
            R"({"id":"b","type":"error","payload":[]})");
  EXPECT_THAT(session.running(), IsEmpty());
}

TEST(WsSessionTest, AnIdIsForOneOperationAtATime) {
  WsSession session = Connected();
  ASSERT_TRUE(session.OnMessage(Subscribe("a")).start);
  const WsActions again = session.OnMessage(Subscribe("a"));
  ASSERT_TRUE(again.close);
  EXPECT_EQ(again.close->code, 4409);
  EXPECT_EQ(again.close->reason, "Subscriber for a already exists");
  EXPECT_EQ(session.running().size(), 1u);  // for the caller to cancel
  EXPECT_EQ(session.Next(session.running()[0], Json()), std::nullopt);
}

TEST(WsSessionTest, WhatWasCancelledSaysNothingMore) {
  WsSession session = Connected();
  const uint64_t old = session.OnMessage(Subscribe("a")).start->serial;
  EXPECT_EQ(session.OnMessage(Complete("a")).cancel, old);
  EXPECT_EQ(session.OnMessage(Complete("a")).cancel, std::nullopt);
  // The id is free again, and the old worker cannot speak for the new operation.
  const WsActions next = session.OnMessage(Subscribe("a"));
  ASSERT_TRUE(next.start);
  EXPECT_EQ(session.Next(old, Json()), std::nullopt);
  EXPECT_EQ(session.Complete(old), std::nullopt);
  EXPECT_NE(session.Next(next.start->serial, Json()), std::nullopt);
}

TEST(WsSessionTest, LimitsOperations) {
  WsSession session = Connected({.max_operations = 1, .accept = nullptr, .limits = {}});
  ASSERT_TRUE(session.OnMessage(Subscribe("a")).start);
  const WsActions refused = session.OnMessage(Subscribe("b"));
  EXPECT_FALSE(refused.start || refused.close);
  ASSERT_EQ(refused.send.size(), 1u);
  const Json message = Json::parse(refused.send[0]);
  EXPECT_EQ(message["type"], "error");
  EXPECT_EQ(message["id"], "b");
  EXPECT_EQ(message["payload"][0]["extensions"]["code"], "RESOURCE_EXHAUSTED");
}

// What RunWsOperation puts out, in words.
std::vector<std::string> RunOperation(const std::string& query, size_t max_responses = 100) {
  static const auto executor = MakeSampleService();
  SampleContext context;
  Request request;
  request.query = query;
  std::vector<std::string> out;
  RunWsOperation(*executor, request, NotOwned(context),
                 {[&](const Json& response) {
                    out.push_back(DumpJson(response));
                    return out.size() < max_responses;
                  },
                  [&](const Json& errors) {
                    out.push_back("fail: " + errors[0]["message"].get<std::string>());
                  },
                  [&] { out.emplace_back("complete"); }});
  return out;
}

TEST(WsSessionTest, RunsEveryKindOfOperation) {
  EXPECT_THAT(RunOperation("{ version }"),
              ElementsAre(R"({"data":{"version":"1.0"}})", "complete"));
  EXPECT_THAT(RunOperation("subscription { ticks(to: 9) { number } }", 2),
              ElementsAre(R"({"data":{"ticks":{"number":1}}})",
                          R"({"data":{"ticks":{"number":2}}})", "complete"));
  EXPECT_THAT(RunOperation("subscription { ticks(to: 9, failAt: 2) { number } }"),
              ElementsAre(R"({"data":{"ticks":{"number":1}}})", "fail: the source broke"));
  EXPECT_THAT(RunOperation("{ nothing }"),
              ElementsAre("fail: Cannot query field \"nothing\" on type \"Query\"."));
}

}  // namespace
}  // namespace mao::graphql
