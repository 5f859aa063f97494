// Asks the resolvers without a network, over a service without a model and a store of its own.
#ifndef MAOOCR_SERVE_GRAPHQL_API_GRAPHQL_CLIENT_FOR_TEST_H_
#define MAOOCR_SERVE_GRAPHQL_API_GRAPHQL_CLIENT_FOR_TEST_H_

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "serve/api/base64.h"
#include "serve/api/testing/fake_backend.h"
#include "serve/graphql_api/request_context.h"
#include "serve/graphql_api/resolvers.h"
#include "serve/graphql_api/routes.h"
#include "serve/store/test_store.h"

namespace mao {

class GraphQlClient {
 public:
  using Json = nlohmann::ordered_json;

  GraphQlClient() {
    PersistentStore::Options options;
    options.folder = folder_.path() + "/data";
    store_ = *PersistentStore::Open(options);
    runner_ = std::make_unique<JobRunner>(*store_, router_, JobRunnerOptions{});
    watcher_ = std::make_unique<JobWatcher>(store_->jobs());
    graphql::Resolvers resolvers;
    AddServerResolvers(fake_.service, "1.2.3", std::chrono::seconds(60), resolvers);
    AddGenerationResolvers(fake_.service, resolvers);
    AddJobResolvers(*store_, *runner_, *watcher_, resolvers);
    executor_ = *BindGraphQl(std::move(resolvers));
  }
  ~GraphQlClient() {
    watcher_->Stop();
    fake_.service.Stop();
  }
  GraphQlClient(const GraphQlClient&) = delete;
  GraphQlClient& operator=(const GraphQlClient&) = delete;

  FakeBackend& backend() { return *fake_.backend; }
  Service& service() { return fake_.service; }
  PersistentStore& store() { return *store_; }
  const std::shared_ptr<const graphql::Executor>& executor() const { return executor_; }

  static std::shared_ptr<ServiceRequest> MakeContext(const std::string& key_id = "") {
    CallContext context;
    context.request_id = "r1";
    context.key_id = key_id;
    return std::make_shared<ServiceRequest>(context, true);
  }
  static graphql::Request MakeRequest(const std::string& query, const Json& variables) {
    graphql::Request request;
    request.query = query;
    request.variables = std::make_shared<const Json>(variables);
    return request;
  }

  // The response, when it has come.
  std::future<Json> Begin(const std::string& query, const Json& variables = Json::object(),
                          std::shared_ptr<ServiceRequest> context = MakeContext()) {
    const auto promise = std::make_shared<std::promise<Json>>();
    executor_->Execute(executor_->Prepare(MakeRequest(query, variables)), std::move(context),
                       [promise](const Json& response) { promise->set_value(response); });
    return promise->get_future();
  }
  Json Ask(const std::string& query, const Json& variables = Json::object(),
           std::shared_ptr<ServiceRequest> context = MakeContext()) {
    return Begin(query, variables, std::move(context)).get();
  }

 private:
  TempFolder folder_;
  FakeService fake_;
  Router router_;
  std::unique_ptr<PersistentStore> store_;
  std::unique_ptr<JobRunner> runner_;
  std::unique_ptr<JobWatcher> watcher_;
  std::shared_ptr<const graphql::Executor> executor_;
};

// A page as an OcrInput, with `more` fields.
inline nlohmann::ordered_json PageInput(
    const nlohmann::ordered_json& more = nlohmann::ordered_json::object()) {
  nlohmann::ordered_json page = {{"image", EncodeBase64(WhitePage(200, 100))}};
  page.update(more);
  return {{"page", page}};
}

}  // namespace mao

#endif  // MAOOCR_SERVE_GRAPHQL_API_GRAPHQL_CLIENT_FOR_TEST_H_
