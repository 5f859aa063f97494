#include "serve/graphql/sample_service_for_test.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

namespace mao::graphql {
namespace {

const Json& SampleData() {
  static const Json data = Json::parse(kSampleData);
  return data;
}

Result<Json> FindPage(const FieldCall& call) {
  for (const Json& page : SampleData()["pages"]) {
    if (page["id"] == call.arguments["id"]) return page;
  }
  return Json();
}

Result<Json> FirstPages(const FieldCall& call) {
  const Json& pages = SampleData()["pages"];
  const auto first = call.arguments.find("first");
  const int64_t wanted = first != call.arguments.end() && first->is_number()
                             ? std::max<int64_t>(first->get<int64_t>(), 0)
                             : INT64_MAX;
  Json result = Json::array();
  for (size_t i = 0; i < pages.size() && static_cast<int64_t>(i) < wanted; ++i) {
    result.push_back(pages[i]);
  }
  return result;
}

Result<Json> FindBlock(const FieldCall& call) {
  const auto index = call.arguments["index"].get<int64_t>();
  const Json& blocks = call.parent["blocks"];
  if (index < 0 || index >= static_cast<int64_t>(blocks.size())) {
    return OutOfRangeError("there is no block " + std::to_string(index));
  }
  return blocks[static_cast<size_t>(index)];
}

Result<Json> AddPage(const FieldCall& call) {
  const Json& input = call.arguments["page"];
  Json page = {{"id", "new"}, {"title", input["title"]}, {"blocks", Json::array()}, {"raw", input}};
  page["mode"] = input.contains("mode") ? input["mode"] : Json();
  return page;
}

Status SendTicks(const FieldCall& call, const EventSink& sink) {
  const auto to = std::min<int64_t>(call.arguments["to"].get<int64_t>(), 100);
  const auto fail_at = call.arguments.find("failAt");
  for (int64_t i = 1; i <= to; ++i) {
    if (fail_at != call.arguments.end() && *fail_at == i) {
      return UnavailableError("the source broke");
    }
    const Json strict = i % 2 == 0 ? Json() : Json("odd");
    if (!sink.next({{"number", i}, {"label", "tick"}, {"strict", strict}})) break;
  }
  return OkStatus();
}

void Tick(const FieldCall& call, const EventSink& sink) { sink.end(SendTicks(call, sink)); }

Resolvers SampleResolvers() {
  Resolvers resolvers;
  resolvers.fields = {
      {"Query.version", [](const FieldCall&) -> Result<Json> { return Json("1.0"); }},
      {"Query.page", FindPage},
      {"Query.pages", FirstPages},
      {"Query.element",
       [](const FieldCall& call) -> Result<Json> {
         return SampleData()["elements"].value(call.arguments.value("kind", "block"), Json());
       }},
      {"Query.tree", [](const FieldCall&) -> Result<Json> { return SampleData()["tree"]; }},
      {"Query.echo", [](const FieldCall& call) -> Result<Json> { return call.arguments; }},
      {"Query.required", [](const FieldCall& call) -> Result<Json> { return call.arguments; }},
      {"Query.fail",
       [](const FieldCall& call) -> Result<Json> {
         return NotFoundError(call.arguments.value("message", "no message"));
       }},
      {"Query.failStrictly",
       [](const FieldCall&) -> Result<Json> { return InternalError("failed strictly"); }},
      {"Page.block", FindBlock},
      {"Mutation.addPage", AddPage},
      {"Mutation.fail", [](const FieldCall&) -> Result<Json> { return InternalError("no"); }},
  };
  resolvers.slow_fields["Mutation.count"] = [](const FieldCall& call, const Reply& reply) {
    auto* const context = dynamic_cast<SampleContext*>(&call.context);
    reply(context == nullptr ? Json() : Json(++context->num_calls));
  };
  resolvers.subscriptions = {{"Subscription.ticks", Tick}, {"Subscription.ticksStrict", Tick}};
  return resolvers;
}

}  // namespace

std::shared_ptr<const Executor> MakeSampleService(const Limits& limits) {
  auto schema = Schema::FromSdl(kSampleSdl);
  if (!schema.ok()) {
    std::fprintf(stderr, "%s\n", schema.status().ToString().c_str());
    std::abort();
  }
  auto executor = Executor::Bind(*schema, SampleResolvers(), limits);
  if (!executor.ok()) {
    std::fprintf(stderr, "%s\n", executor.status().ToString().c_str());
    std::abort();
  }
  return *executor;
}

Json ExecuteNow(const Executor& executor, const PreparedRequest& prepared, SampleContext& context) {
  Json answer;
  executor.Execute(prepared, NotOwned(context),
                   [&answer](Json response) { answer = std::move(response); });
  return answer;
}

Status SubscribeNow(const Executor& executor, const PreparedRequest& prepared,
                    SampleContext& context, const std::function<bool(const Json&)>& next) {
  Status end;
  executor.Subscribe(prepared, NotOwned(context),
                     {next, [&end](const Status& status) { end = status; }});
  return end;
}

}  // namespace mao::graphql
