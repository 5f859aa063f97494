// How long a request takes before and while it is executed.
#include <string>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/parser.h"
#include "serve/graphql/sample_service_for_test.h"
#include "serve/graphql/validate.h"

namespace mao::graphql {
namespace {

// 267 bytes, the length that parser generators were measured with.
constexpr std::string_view kQuery =
    "query Q($id: ID!, $min: Int = 2) {\n"
    "  page(id: $id) {\n"
    "    id title mode\n"
    "    words(minLength: $min)\n"
    "    blocks { text confidence box { x1 y1 x2 y2 } }\n"
    "    elements { __typename ... on Figure { caption } }\n"
    "    next { ...Short }\n"
    "  }\n"
    "}\n"
    "fragment Short on Page { id title }\n";
static_assert(kQuery.size() == 267);

void BM_Parse(benchmark::State& state) {
  Error error;
  for (auto _ : state) benchmark::DoNotOptimize(ParseDocument(std::string(kQuery), {}, error));
}
BENCHMARK(BM_Parse);

void BM_ParseAndValidate(benchmark::State& state) {
  const auto executor = MakeSampleService();
  Error error;
  for (auto _ : state) {
    const auto document = ParseDocument(std::string(kQuery), {}, error);
    const auto errors = Validate(executor->schema(), *document, {});
    if (!errors.empty()) state.SkipWithError(errors[0].message.c_str());
  }
}
BENCHMARK(BM_ParseAndValidate);

void BM_WholeRequest(benchmark::State& state) {
  const auto executor = MakeSampleService();
  Request request;
  request.query = kQuery;
  request.variables = std::make_shared<const Json>(Json{{"id", "1"}});
  SampleContext context;
  for (auto _ : state) {
    benchmark::DoNotOptimize(DumpJson(ExecuteNow(*executor, executor->Prepare(request), context)));
  }
}
BENCHMARK(BM_WholeRequest);

void BM_Introspection(benchmark::State& state) {
  const auto executor = MakeSampleService();
  Request request;
  request.query =
      "{ __schema { types { name description fields(includeDeprecated: true) { name args { name "
      "type "
      "{ kind name ofType { kind name ofType { kind name } } } defaultValue } type { kind name "
      "ofType "
      "{ kind name ofType { kind name } } } } inputFields { name defaultValue } enumValues { name "
      "} } } }";
  SampleContext context;
  for (auto _ : state) {
    benchmark::DoNotOptimize(DumpJson(ExecuteNow(*executor, executor->Prepare(request), context)));
  }
}
BENCHMARK(BM_Introspection);

}  // namespace
}  // namespace mao::graphql
