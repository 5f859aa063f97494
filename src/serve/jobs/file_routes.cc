#include <span>
#include <utility>

#include <fmt/core.h>

#include "serve/api/json.h"
#include "serve/http/multipart.h"
#include "serve/http/respond.h"
#include "serve/jobs/route_table.h"
#include "serve/jobs/routes.h"

namespace mao {
namespace {

using Json = nlohmann::ordered_json;
using ExchangePtr = std::shared_ptr<Exchange>;

Json DescribeFile(const StoredFile& file) {
  return {{"id", file.id},
          {"object", "file"},
          {"bytes", file.size_bytes},
          {"created_at", UnixSeconds(file.created_ms)},
          {"expires_at", UnixSeconds(file.expires_ms)},
          {"filename", file.filename},
          {"purpose", file.purpose},
          {"status", "processed"}};
}

// Multipart, with the fields file and purpose.
Status UploadFile(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(const std::string boundary,
                       MultipartBoundary(request.Header("Content-Type")));
  MAO_ASSIGN_OR_RETURN(const std::vector<MultipartPart> parts,
                       ParseMultipart(request.body, boundary));
  NewFile file;
  file.owner = request.context.key_id;
  const MultipartPart* content = nullptr;
  for (const MultipartPart& part : parts) {
    if (part.name == "purpose") file.purpose = part.body;
    if (part.name == "file") content = &part;
  }
  if (content == nullptr) return InvalidArgumentError("file: the form has no such field");
  file.filename = content->filename.value_or("file");
  MAO_ASSIGN_OR_RETURN(FileUpload upload, store.files().Begin(file));
  MAO_RETURN_IF_ERROR(upload.Append(std::as_bytes(std::span(content->body))));
  MAO_ASSIGN_OR_RETURN(const StoredFile stored, upload.Finish());
  exchange->Send(JsonResponse(200, DumpJson(DescribeFile(stored))));
  return OkStatus();
}

Status ListFiles(PersistentStore& store, const ExchangePtr& exchange) {
  constexpr size_t kDefaultLimit = 1000;
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(const size_t limit, PageLimit(request, kDefaultLimit));
  MAO_ASSIGN_OR_RETURN(
      const FilePage page,
      store.files().List(request.context.key_id, request.QueryParameter("purpose").value_or(""),
                         request.QueryParameter("after").value_or(""), limit));
  Json data = Json::array();
  for (const StoredFile& file : page.files) data.push_back(DescribeFile(file));
  exchange->Send(JsonResponse(
      200, DumpJson(Json{{"object", "list"}, {"data", data}, {"has_more", page.has_more}})));
  return OkStatus();
}

Status GetFile(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(const StoredFile file,
                       store.files().Get(request.context.key_id, request.path_parameters.at("id")));
  exchange->Send(JsonResponse(200, DumpJson(DescribeFile(file))));
  return OkStatus();
}

// As bytes to be saved: what a client uploaded must not act in a browser.
Status GetContent(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  MAO_ASSIGN_OR_RETURN(
      const MappedFile content,
      store.files().Content(request.context.key_id, request.path_parameters.at("id")));
  HttpResponse response;
  response.content_type = "application/octet-stream";
  response.body.assign(reinterpret_cast<const char*>(content.bytes().data()),
                       content.bytes().size());
  response.headers = {{"Content-Disposition", "attachment"}, {"X-Content-Type-Options", "nosniff"}};
  exchange->Send(std::move(response));
  return OkStatus();
}

Status DeleteFile(PersistentStore& store, const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  const std::string& id = request.path_parameters.at("id");
  MAO_RETURN_IF_ERROR(store.files().Delete(request.context.key_id, id));
  exchange->Send(
      JsonResponse(200, DumpJson(Json{{"id", id}, {"object", "file"}, {"deleted", true}})));
  return OkStatus();
}

}  // namespace

void AddFileRoutes(PersistentStore& store, Router& router) {
  const RouteTable openai(Interface::kOpenAi, kFileNotFound, router);
  openai.Add("POST", "/v1/files",
             [&](const ExchangePtr& exchange) { return UploadFile(store, exchange); });
  openai.Add("GET", "/v1/files",
             [&](const ExchangePtr& exchange) { return ListFiles(store, exchange); });
  openai.Add("GET", "/v1/files/{id}",
             [&](const ExchangePtr& exchange) { return GetFile(store, exchange); });
  openai.Add("GET", "/v1/files/{id}/content",
             [&](const ExchangePtr& exchange) { return GetContent(store, exchange); });
  openai.Add("DELETE", "/v1/files/{id}",
             [&](const ExchangePtr& exchange) { return DeleteFile(store, exchange); });
}

}  // namespace mao
