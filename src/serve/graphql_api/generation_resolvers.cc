#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "serve/api/ocr_document_call.h"
#include "serve/graphql_api/generate_fields.h"
#include "serve/graphql_api/ocr_fields.h"
#include "serve/graphql_api/request_context.h"
#include "serve/graphql_api/resolvers.h"

namespace mao {
namespace {

using graphql::EventSink;
using graphql::FieldCall;
using graphql::Reply;
using Json = nlohmann::ordered_json;

// A subscription as one that wants all events, a mutation as one that wants the end alone.
struct Listener {
  std::function<void(const Json& event)> on_event;  // may be empty
  std::function<void(const Result<Json>& result)> on_done;
};

Listener ListenForReply(Reply reply) {
  return {nullptr, [reply = std::move(reply)](const Result<Json>& result) { reply(result); }};
}

Listener ListenForEvents(const EventSink& sink) {
  return {[next = sink.next](const Json& event) { next(event); },
          [sink](const Result<Json>& result) {
            if (result.ok()) sink.next({{"result", *result}});
            sink.end(result.status());
          }};
}

class OcrListener final : public OcrDocumentObserver {
 public:
  explicit OcrListener(Listener listener) : listener_(std::move(listener)) {}
  void OnDocument(size_t num_pages) override {
    is_document_ = true;
    OnProgress(0, num_pages);
  }
  void OnProgress(size_t num_done, size_t num_pages) override {
    if (!listener_.on_event) return;
    listener_.on_event({{"progress", {{"pagesDone", num_done}, {"pagesTotal", num_pages}}}});
  }
  void OnText(int page, std::string_view raw_text) override {
    if (!listener_.on_event) return;
    Json event = {{"text", raw_text}};
    if (is_document_) event["page"] = page + 1;
    listener_.on_event(event);
  }
  void OnPage(const OcrPage& page) override {
    if (listener_.on_event) listener_.on_event({{"pageResult", ToOcrPage(OcrPageToJson(page))}});
  }
  void OnDone(const Result<OcrDocument>& result) override {
    if (!result.ok()) return listener_.on_done(result.status());
    listener_.on_done(ToOcrResult(OcrDocumentToJson(*result)));
  }

 private:
  const Listener listener_;
  bool is_document_ = false;
};

class GenerationListener final : public CallObserver {
 public:
  GenerationListener(Listener listener, std::string request_id)
      : listener_(std::move(listener)), request_id_(std::move(request_id)) {}
  void OnOutput(const GenerationOutput& output) override {
    if (listener_.on_event && !output.text.empty()) listener_.on_event({{"text", output.text}});
  }
  void OnDone(const Result<Generation>& result) override {
    if (!result.ok()) return listener_.on_done(result.status());
    listener_.on_done(ToGenerateResult(*result, request_id_));
  }

 private:
  const Listener listener_;
  const std::string request_id_;
};

bool UsesCache(const ServiceRequest& request, const Json& input) {
  return request.use_result_cache() && input.value("bypassCache", Json()) != true;
}

Status StartOcr(Service& service, const FieldCall& call, const Listener& listener) {
  ServiceRequest& request = ServiceRequest::Of(call);
  const Json& input = call.arguments["input"];
  MAO_ASSIGN_OR_RETURN(OcrRequest ocr, ParseOcrFields(ToOcrFields(input)));
  ocr.use_result_cache = UsesCache(request, input);
  ocr.context = request.NextCall("ocr");
  MAO_ASSIGN_OR_RETURN(
      const std::shared_ptr<OcrDocumentCall> started,
      OcrDocumentCall::Start(service, std::move(ocr), std::make_shared<OcrListener>(listener)));
  request.OnCancel([started] { started->Cancel(); });
  return OkStatus();
}

Status StartGeneration(Service& service, const FieldCall& call, const Listener& listener) {
  ServiceRequest& request = ServiceRequest::Of(call);
  const Json& input = call.arguments["input"];
  MAO_ASSIGN_OR_RETURN(GenerationRequest generation, ReadGenerateInput(service, input));
  generation.use_result_cache = UsesCache(request, input);
  generation.context = request.NextCall("generate");
  auto observer = std::make_shared<GenerationListener>(listener, generation.context.request_id);
  MAO_ASSIGN_OR_RETURN(const std::shared_ptr<Call> started,
                       service.Submit(std::move(generation), std::move(observer)));
  request.OnCancel([started] { started->Cancel(); });
  return OkStatus();
}

using Start = Status (*)(Service&, const FieldCall&, const Listener&);

void AddBoth(const std::string& name, Start start, Service& service,
             graphql::Resolvers& resolvers) {
  resolvers.slow_fields["Mutation." + name] = [&service, start](const FieldCall& call,
                                                                const Reply& reply) {
    const Status status = start(service, call, ListenForReply(reply));
    if (!status.ok()) reply(status);
  };
  resolvers.subscriptions["Subscription." + name] = [&service, start](const FieldCall& call,
                                                                      const EventSink& sink) {
    const Status status = start(service, call, ListenForEvents(sink));
    if (!status.ok()) sink.end(status);
  };
}

}  // namespace

void AddGenerationResolvers(Service& service, graphql::Resolvers& resolvers) {
  AddBoth("ocr", StartOcr, service, resolvers);
  AddBoth("generate", StartGeneration, service, resolvers);
}

}  // namespace mao
