#include "serve/graphql/executor.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "serve/graphql/coercion.h"
#include "serve/graphql/execution.h"
#include "serve/graphql/introspection.h"
#include "serve/graphql/parser.h"
#include "serve/graphql/validate.h"

namespace mao::graphql {
namespace {

// The field that "Type.field" names, or null.
const Field* FindEntry(const Schema& schema, const std::string& entry) {
  const size_t dot = entry.find('.');
  if (dot == std::string::npos) return nullptr;
  const std::string_view text = entry;
  const NamedType* const type = schema.FindType(text.substr(0, dot));
  return type == nullptr ? nullptr : type->FindField(text.substr(dot + 1));
}

// Null, and an error, if the request does not say which operation it means.
const OperationDefinition* SelectOperation(const Document& document, const Request& request,
                                           std::vector<Error>& errors) {
  const auto& operations = document.operations;
  const auto fail = [&errors](std::string message) {
    errors.push_back({std::move(message), {}, {}, std::string(kBadUserInput)});
    return nullptr;
  };
  if (!request.operation_name) {
    if (operations.empty()) return fail("Must provide an operation.");
    if (operations.size() == 1) return &operations[0];
    return fail("Must provide operation name if query contains multiple operations.");
  }
  const auto found =
      std::find_if(operations.begin(), operations.end(), [&](const OperationDefinition& operation) {
        return operation.name.text == *request.operation_name;
      });
  if (!request.operation_name->empty() && found != operations.end()) return &*found;
  return fail(fmt::format("Unknown operation named \"{}\".", *request.operation_name));
}

}  // namespace

Executor::Executor(std::shared_ptr<const Schema> schema, Resolvers resolvers, const Limits& limits,
                   DescribeFailure describe)
    : schema_(std::move(schema)),
      resolvers_(std::move(resolvers)),
      limits_(limits),
      describe_(std::move(describe)) {}

std::string_view PreparedRequest::root_field() const {
  const Selection* selection = &operation->selection_set.selections.front();
  while (selection->kind != Selection::Kind::kField) {
    const SelectionSet* inner = &selection->selection_set;
    if (selection->kind == Selection::Kind::kFragmentSpread) {
      inner = &std::find_if(document->fragments.begin(), document->fragments.end(),
                            [&](const FragmentDefinition& fragment) {
                              return fragment.name.text == selection->name.text;
                            })
                   ->selection_set;
    }
    selection = &inner->selections.front();
  }
  return selection->name.text;
}

Result<std::shared_ptr<const Executor>> Executor::Bind(std::shared_ptr<const Schema> schema,
                                                       Resolvers resolvers, const Limits& limits,
                                                       DescribeFailure describe) {
  const std::shared_ptr<Executor> executor(
      new Executor(std::move(schema), std::move(resolvers), limits, std::move(describe)));
  MAO_RETURN_IF_ERROR(executor->CheckTable());
  const Schema& bound = *executor->schema_;
  for (auto& [entry, resolver] : IntrospectionResolvers(bound)) {
    executor->resolvers_.fields[entry] = std::move(resolver);
  }
  const NamedType& query = *bound.RootType(OperationType::kQuery);
  for (const auto& [entry, resolver] : executor->resolvers_.fields) {
    const Field* field = FindEntry(bound, entry);
    if (entry == "Query.__schema") field = bound.FindField(query, "__schema");
    if (entry == "Query.__type") field = bound.FindField(query, "__type");
    executor->resolver_of_[field] = &resolver;
  }
  for (const auto& [entry, resolver] : executor->resolvers_.slow_fields) {
    executor->slow_resolver_of_[FindEntry(bound, entry)] = &resolver;
  }
  return std::shared_ptr<const Executor>(executor);
}

Status Executor::CheckTable() const {
  std::string wrong;
  const auto complain = [&wrong](const std::string& entry, std::string_view what) {
    wrong += fmt::format("{}{} {}", wrong.empty() ? "" : "; ", entry, what);
  };
  const NamedType* const subscription = schema_->RootType(OperationType::kSubscription);
  const std::array roots = {schema_->RootType(OperationType::kQuery),
                            schema_->RootType(OperationType::kMutation)};
  for (const auto& [entry, resolver] : resolvers_.fields) {
    if (entry.starts_with("__") || FindEntry(*schema_, entry) == nullptr) {
      complain(entry, "is no field of the schema");
    } else if (subscription != nullptr && entry.starts_with(subscription->name + ".")) {
      complain(entry, "needs a subscriber instead of a resolver");
    }
  }
  for (const auto& [entry, resolver] : resolvers_.slow_fields) {
    const auto is_in = [&name = entry](const NamedType* root) {
      return root != nullptr && name.starts_with(root->name + ".");
    };
    const bool is_root = std::any_of(roots.begin(), roots.end(), is_in);
    if (!is_root || FindEntry(*schema_, entry) == nullptr) {
      complain(entry, "is no field of the query or mutation root");
    } else if (resolvers_.fields.contains(entry)) {
      complain(entry, "has two resolvers");
    }
  }
  for (const auto& [entry, subscriber] : resolvers_.subscriptions) {
    const bool is_root = subscription != nullptr && entry.starts_with(subscription->name + ".");
    if (!is_root || FindEntry(*schema_, entry) == nullptr) {
      complain(entry, "is no subscription of the schema");
    }
  }
  for (const NamedType* const root : roots) {
    if (root == nullptr) continue;
    for (const Field& field : root->fields) {
      const std::string entry = fmt::format("{}.{}", root->name, field.name);
      if (!resolvers_.fields.contains(entry) && !resolvers_.slow_fields.contains(entry)) {
        complain(entry, "has no resolver");
      }
    }
  }
  if (subscription != nullptr) {
    for (const Field& field : subscription->fields) {
      const std::string entry = fmt::format("{}.{}", subscription->name, field.name);
      if (!resolvers_.subscriptions.contains(entry)) complain(entry, "has no subscriber");
    }
  }
  if (wrong.empty()) return OkStatus();
  return InvalidArgumentError("graphql resolvers: " + wrong);
}

PreparedRequest Executor::Prepare(const Request& request) const {
  PreparedRequest prepared;
  Error error;
  prepared.document = ParseDocument(request.query, limits_, error);
  if (prepared.document == nullptr) {
    prepared.errors.push_back(std::move(error));
    return prepared;
  }
  prepared.errors = Validate(*schema_, *prepared.document, limits_);
  if (!prepared.ok()) return prepared;
  prepared.operation = SelectOperation(*prepared.document, request, prepared.errors);
  if (!prepared.ok()) return prepared;
  const OperationDefinition& operation = *prepared.operation;
  if (schema_->RootType(operation.type) == nullptr) {
    prepared.errors.push_back({fmt::format("Schema is not configured to execute {} operation.",
                                           OperationTypeName(operation.type)),
                               {prepared.document->LocationOf(operation.offset)},
                               {},
                               std::string(kBadUserInput)});
    return prepared;
  }
  const Json no_variables = Json::object();
  prepared.variables = std::make_shared<const Json>(CoerceVariables(
      *schema_, *prepared.document, operation,
      request.variables != nullptr ? *request.variables : no_variables, prepared.errors));
  return prepared;
}

void Executor::Execute(const PreparedRequest& prepared, std::shared_ptr<RequestContext> context,
                       std::function<void(Json response)> done) const {
  if (!prepared.ok()) return done(ErrorResponse(prepared.errors));
  if (prepared.operation_type() == OperationType::kSubscription) {
    return done(ErrorResponse({{"Subscriptions need a transport that streams, such as WebSocket.",
                                {},
                                {},
                                std::string(kBadRequest)}}));
  }
  std::make_shared<Execution>(shared_from_this(), prepared, std::move(context))
      ->Run(std::move(done));
}

void Executor::Subscribe(const PreparedRequest& prepared, std::shared_ptr<RequestContext> context,
                         EventSink responses) const {
  if (prepared.ok() && prepared.operation_type() == OperationType::kSubscription) {
    return std::make_shared<Execution>(shared_from_this(), prepared, std::move(context))
        ->Subscribe(std::move(responses));
  }
  Execute(prepared, std::move(context), [responses = std::move(responses)](const Json& response) {
    responses.next(response);
    responses.end(OkStatus());
  });
}

Error Executor::MakeError(const Status& failure, std::string_view field_name) const {
  const ErrorCode code = describe_ ? describe_(failure, field_name)
                                   : ErrorCode{std::string(StatusCodeName(failure.code())), 0};
  return {failure.message(), {}, {}, code.code, code.http_status};
}

}  // namespace mao::graphql
