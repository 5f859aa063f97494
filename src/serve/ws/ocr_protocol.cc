#include "serve/ws/ocr_protocol.h"

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/api/ocr_document_call.h"
#include "serve/ws/protocol_json.h"

namespace mao {
namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;

constexpr size_t kMaxIdBytes = 128;

bool IsId(const json& id) {
  return id.is_number_integer() || (id.is_string() && !id.get_ref<const std::string&>().empty() &&
                                    id.get_ref<const std::string&>().size() <= kMaxIdBytes);
}

class OcrSession final : public WebSocketSession, public std::enable_shared_from_this<OcrSession> {
 public:
  OcrSession(Service& service, CallContext context, std::shared_ptr<WebSocket> socket)
      : service_(service), context_(std::move(context)), socket_(std::move(socket)) {}

  void OnMessage(std::string text) override {
    Result<json> message = ParseJson(text);
    if (message.ok() && !message->is_object()) {
      message = InvalidArgumentError("expected an object");
    }
    if (!message.ok()) return SendError(nullptr, message.status());
    KeepSchemaOrder(text, *message);
    text.clear();
    text.shrink_to_fit();  // a picture may be in it
    const json id = message->contains("id") ? (*message)["id"] : json();
    if (!IsId(id)) {
      return SendError(nullptr,
                       InvalidArgumentError(fmt::format(
                           "id: expected an integer or a string of 1 to {} bytes", kMaxIdBytes)));
    }
    if (const Status status = Take(id, *std::move(message)); !status.ok()) SendError(id, status);
  }

  void OnClose() override {
    std::vector<std::shared_ptr<OcrDocumentCall>> calls;
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
      for (auto& [key, page] : pages_) {
        if (page.call != nullptr) calls.push_back(page.call);
      }
    }
    for (const std::shared_ptr<OcrDocumentCall>& call : calls) call->Cancel();
  }

  bool is_idle() const override {
    const std::lock_guard lock(mutex_);
    return pages_.empty();
  }

 private:
  class Observer;
  struct Page {
    std::shared_ptr<OcrDocumentCall> call;  // null until it has started
  };

  Status Take(const json& id, json message) {
    std::string type;
    JsonFields fields(message);
    fields.Read("type", type);
    MAO_RETURN_IF_ERROR(fields.status());
    if (type == "cancel") return Cancel(id);
    if (!type.empty() && type != "ocr") return InvalidArgumentError("type: expected ocr or cancel");
    message.erase("type");
    message.erase("id");
    return Read(id, std::move(message));
  }

  Status Read(const json& id, json fields);

  // Not under our lock, as the call has one of its own, which it holds when it tells of its end.
  Status Cancel(const json& id) {
    std::shared_ptr<OcrDocumentCall> call;
    {
      const std::lock_guard lock(mutex_);
      const auto page = pages_.find(id.dump());
      if (page != pages_.end()) call = page->second.call;
    }
    if (call == nullptr) return InvalidArgumentError("no page with this id is being read");
    call->Cancel();
    return OkStatus();
  }

  static std::string EventText(const json& id, const char* type, const Json& more) {
    Json event = Json::object();
    if (!id.is_null()) event["id"] = id;
    event["type"] = type;
    event.update(more);
    return DumpJson(event);
  }

  void Send(const json& id, const char* type, const Json& more = Json::object()) {
    socket_->Send(EventText(id, type, more));
  }

  // Its last message, and the id's end, in one: a client that has the message may use the id again,
  // and a server that shuts down closes a socket once it is idle.
  void SendEnd(const json& id, const char* type, const Json& more) {
    std::string text = EventText(id, type, more);
    const std::lock_guard lock(mutex_);
    pages_.erase(id.dump());
    socket_->Send(std::move(text));
  }

  void SendError(const json& id, const Status& status) {
    Send(id, "error", {{"error", ErrorObject(status)}});
  }

  Service& service_;
  const CallContext context_;
  const std::shared_ptr<WebSocket> socket_;

  mutable std::mutex mutex_;
  std::map<std::string, Page> pages_;  // by the JSON of their id
  uint64_t num_calls_ = 0;
  bool is_closed_ = false;
};

class OcrSession::Observer final : public OcrDocumentObserver {
 public:
  Observer(std::shared_ptr<OcrSession> session, json id)
      : session_(std::move(session)), id_(std::move(id)) {}

  // By whoever comes first: Start may return after the first text.
  void SendAccepted() {
    std::call_once(accepted_, [this] { session_->Send(id_, "accepted"); });
  }

  void OnDocument(size_t num_pages) override {
    SendAccepted();
    num_pages_ = num_pages;
    session_->Send(id_, "progress", {{"stage", "opened"}, {"pages", num_pages}});
  }

  void OnText(int page, std::string_view raw_text) override {
    SendAccepted();
    if (std::exchange(page_, page) != page) {
      Json progress = {{"stage", "reading"}, {"page", page + 1}};
      if (is_document()) progress["pages"] = num_pages_;
      session_->Send(id_, "progress", progress);
    }
    if (raw_text.empty()) return;
    Json text = {{"text", raw_text}};
    if (is_document()) text["page"] = page + 1;
    session_->Send(id_, "text", text);
  }

  void OnPage(const OcrPage& page) override {
    session_->Send(id_, "page", {{"page", page.page + 1}, {"result", OcrPageToJson(page)}});
  }

  void OnDone(const Result<OcrDocument>& result) override {
    SendAccepted();
    if (!result.ok()) {
      return session_->SendEnd(id_, "error", {{"error", ErrorObject(result.status())}});
    }
    session_->SendEnd(id_, "result", {{"result", OcrDocumentToJson(*result)}});
  }

 private:
  bool is_document() const { return num_pages_ > 0; }

  const std::shared_ptr<OcrSession> session_;
  const json id_;
  std::once_flag accepted_;
  size_t num_pages_ = 0;  // of a document
  int page_ = -1;         // that text came of last
};

Status OcrSession::Read(const json& id, json fields) {
  MAO_ASSIGN_OR_RETURN(OcrRequest request, ParseOcrFields(std::move(fields)));
  {
    const std::lock_guard lock(mutex_);
    if (pages_.size() >= kMaxPagesPerSocket) {
      return ResourceExhaustedError(fmt::format(
          "{} pages are being read over this socket, which is the limit", kMaxPagesPerSocket));
    }
    if (!pages_.try_emplace(id.dump()).second) {
      return InvalidArgumentError("id: a page with this id is being read");
    }
    request.context = CallContextOf(context_, ++num_calls_, "ocr");
  }
  const auto observer = std::make_shared<Observer>(shared_from_this(), id);
  Result<std::shared_ptr<OcrDocumentCall>> call =
      OcrDocumentCall::Start(service_, std::move(request), observer);
  if (!call.ok()) {
    SendEnd(id, "error", {{"error", ErrorObject(call.status())}});
    return OkStatus();
  }
  observer->SendAccepted();
  bool is_closed = false;
  {
    const std::lock_guard lock(mutex_);
    is_closed = is_closed_;
    const auto page = pages_.find(id.dump());
    if (page != pages_.end()) page->second.call = *call;  // else it has ended already
  }
  if (is_closed) (*call)->Cancel();
  return OkStatus();
}

}  // namespace

std::shared_ptr<WebSocketSession> OpenOcrSession(Service& service, const CallContext& context,
                                                 std::shared_ptr<WebSocket> socket) {
  return std::make_shared<OcrSession>(service, context, std::move(socket));
}

}  // namespace mao
