#include "serve/graphql/execution.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"

namespace mao::graphql {
namespace {

constexpr size_t kMaxErrors = 1000;

// Exceptions end here: what a resolver calls is not ours.
template <typename Call>
Status Guarded(const Call& call) {
  try {
    return call();
  } catch (const std::exception& error) {
    LogError(fmt::format("graphql: a resolver threw: {}", error.what()));
    return InternalError("internal error");
  }
}

const Json kNull;

}  // namespace

Execution::Execution(std::shared_ptr<const Executor> executor, PreparedRequest prepared,
                     std::shared_ptr<RequestContext> context)
    : owned_executor_(std::move(executor)),
      prepared_(std::move(prepared)),
      owned_context_(std::move(context)),
      executor_(*owned_executor_),
      document_(*prepared_.document),
      operation_(*prepared_.operation),
      variables_(*prepared_.variables),
      context_(*owned_context_),
      root_(*executor_.schema_->RootType(operation_.type)) {
  for (const FragmentDefinition& fragment : document_.fragments) {
    fragments_.emplace(fragment.name.text, &fragment);
  }
  root_plan_ = MakePlan(root_, {});
}

void Execution::Run(std::function<void(Json response)> done) {
  done_ = std::move(done);
  if (root_plan_->error) {
    RecordError(*root_plan_->error);
    return Finish(nullptr);
  }
  data_ = Json::object();
  ExecuteRootFields(0);
}

void Execution::ExecuteRootFields(size_t next) {
  for (; next < root_plan_->fields.size(); ++next) {
    PlannedField& field = root_plan_->fields[next];
    if (field.slow_resolver != nullptr && !field.arguments_error && !context_.IsCancelled()) {
      const auto is_replied = std::make_shared<std::atomic<bool>>(false);
      const Reply reply = [self = shared_from_this(), next, is_replied](const Result<Json>& value) {
        if (!is_replied->exchange(true)) self->OnReply(next, value);
      };
      const Status status = Guarded([&] {
        const Json arguments = std::move(field.arguments);
        (*field.slow_resolver)({kNull, arguments, context_}, reply);
        return OkStatus();
      });
      if (!status.ok()) reply(status);
      return;
    }
    const Path path = {nullptr, field.key, 0};
    Json value;
    if (!ExecuteField(root_, field, kNull, &path, value)) return Finish(nullptr);
    data_.get_ref<Json::object_t&>().emplace_back(std::string(field.key), std::move(value));
  }
  Finish(std::move(data_));
}

void Execution::OnReply(size_t index, const Result<Json>& reply) {
  PlannedField& field = root_plan_->fields[index];
  const TypeShape shape = field.definition->type.shape;
  const Path path = {nullptr, field.key, 0};
  Json value;
  bool is_valid = !shape.IsNonNull();
  if (reply.ok()) {
    is_valid = Complete(root_, field, shape, *reply, &path, value);
  } else {
    FailField(field, reply.status(), &path);
  }
  if (!is_valid) return Finish(nullptr);
  data_.get_ref<Json::object_t&>().emplace_back(std::string(field.key), std::move(value));
  ExecuteRootFields(index + 1);
}

void Execution::Finish(Json data) { std::exchange(done_, nullptr)(TakeResponse(std::move(data))); }

void Execution::Subscribe(EventSink responses) {
  if (root_plan_->error) return responses.end(InvalidArgumentError(root_plan_->error->message));
  // A directive may have left nothing to subscribe to.
  if (root_plan_->fields.empty()) return responses.end(OkStatus());
  PlannedField& field = root_plan_->fields[0];
  if (field.arguments_error) {
    return responses.end(InvalidArgumentError(field.arguments_error->message));
  }
  const auto subscriber = executor_.resolvers_.subscriptions.find(
      fmt::format("{}.{}", root_.name, field.definition->name));
  if (subscriber == executor_.resolvers_.subscriptions.end()) {
    return responses.end(InternalError("the subscription has no source"));
  }
  const auto is_over = std::make_shared<std::atomic<bool>>(false);
  const auto end = [is_over, end = responses.end](const Status& status) {
    if (!is_over->exchange(true)) end(status);
  };
  const auto next = [self = shared_from_this(), &field, next = std::move(responses.next)](
                        const Json& value) { return next(self->RespondToEvent(field, value)); };
  const Status status = Guarded([&] {
    const Json arguments = std::move(field.arguments);
    subscriber->second({kNull, arguments, context_}, {next, end});
    return OkStatus();
  });
  if (!status.ok()) end(status);
}

Json Execution::RespondToEvent(PlannedField& field, const Json& value) {
  errors_.clear();
  num_errors_ = num_values_ = 0;
  is_aborted_ = false;
  const Path path = {nullptr, field.key, 0};
  Json completed;
  Json data = nullptr;
  if (Complete(root_, field, field.definition->type.shape, value, &path, completed)) {
    data = Json::object();
    data[std::string(field.key)] = std::move(completed);
  }
  return TakeResponse(std::move(data));
}

Json Execution::TakeResponse(Json data) {
  Json response = Json::object();
  if (num_errors_ > errors_.size()) {
    errors_.push_back(
        {fmt::format("{} more errors are not shown.", num_errors_ - errors_.size()), {}, {}, ""});
  }
  if (!errors_.empty()) response = ErrorResponse(errors_);
  response["data"] = std::move(data);
  return response;
}

void Execution::RecordError(Error error) {
  ++num_errors_;
  if (errors_.size() < kMaxErrors) errors_.push_back(std::move(error));
}

bool Execution::FailField(PlannedField& field, Error error, const Path* path) {
  if (errors_.size() >= kMaxErrors) {
    ++num_errors_;
    return false;
  }
  if (error.locations.empty()) {
    if (field.locations.empty()) {
      for (const Selection* node : field.nodes) {
        field.locations.push_back(document_.LocationOf(node->offset));
      }
    }
    error.locations = field.locations;
  }
  for (; path != nullptr; path = path->outer) {
    if (path->key.empty()) {
      error.path.emplace_back(path->index);
    } else {
      error.path.emplace_back(std::string(path->key));
    }
  }
  std::reverse(error.path.begin(), error.path.end());
  RecordError(std::move(error));
  return false;
}

bool Execution::FailField(PlannedField& field, const Status& status, const Path* path) {
  return FailField(field, executor_.MakeError(status, field.definition->name), path);
}

bool Execution::Abort(PlannedField& field, const Status& status, const Path* path) {
  if (!is_aborted_) FailField(field, status, path);
  is_aborted_ = true;
  return false;
}

bool Execution::ExecuteObject(const NamedType& type, FieldPlan& plan, const Json& parent,
                              const Path* path, Json& out) {
  out = Json::object();
  // Keys are unique, so members are appended rather than looked for.
  auto& members = out.get_ref<Json::object_t&>();
  members.reserve(plan.fields.size());
  for (PlannedField& field : plan.fields) {
    const Path here = {path, field.key, 0};
    Json value;
    if (!ExecuteField(type, field, parent, &here, value)) return false;
    members.emplace_back(std::string(field.key), std::move(value));
  }
  return true;
}

bool Execution::ExecuteField(const NamedType& type, PlannedField& field, const Json& parent,
                             const Path* path, Json& out) {
  const bool is_nullable = !field.definition->type.shape.IsNonNull();
  if (is_aborted_) return false;
  if (field.definition->name == "__typename") {
    out = type.name;
    return true;
  }
  if (field.arguments_error) {
    FailField(field, *field.arguments_error, path);
    return is_nullable;
  }
  if (field.resolver == nullptr && field.slow_resolver == nullptr) {
    const auto member = parent.is_object() ? parent.find(field.definition->name) : parent.end();
    const bool is_there = parent.is_object() && member != parent.end();
    return Complete(type, field, field.definition->type.shape, is_there ? *member : kNull, path,
                    out);
  }
  if (context_.IsCancelled()) {
    return Abort(field, CancelledError("the request was cancelled"), path);
  }
  Json value;
  const Status status = CallResolver(field, parent, value);
  if (!status.ok()) {
    FailField(field, status, path);
    return is_nullable;
  }
  return Complete(type, field, field.definition->type.shape, value, path, out);
}

Status Execution::CallResolver(const PlannedField& field, const Json& parent, Json& out) {
  return Guarded([&]() -> Status {
    MAO_ASSIGN_OR_RETURN(out, (*field.resolver)({parent, field.arguments, context_}));
    return OkStatus();
  });
}

bool Execution::Complete(const NamedType& parent_type, PlannedField& field, TypeShape shape,
                         const Json& value, const Path* path, Json& out) {
  if (++num_values_ > executor_.limits_.max_result_values) {
    return Abort(field,
                 OutOfRangeError(fmt::format("the response has more than {} values",
                                             executor_.limits_.max_result_values)),
                 path);
  }
  if (!CompleteNullable(parent_type, field, shape.Nullable(), value, path, out)) {
    out = nullptr;
    return !shape.IsNonNull() && !is_aborted_;
  }
  if (!shape.IsNonNull() || !out.is_null()) return true;
  return FailField(field,
                   InternalError(fmt::format("Cannot return null for non-nullable field {}.{}.",
                                             parent_type.name, field.definition->name)),
                   path);
}

bool Execution::CompleteNullable(const NamedType& parent_type, PlannedField& field, TypeShape shape,
                                 const Json& value, const Path* path, Json& out) {
  if (value.is_null()) {
    out = nullptr;
    return true;
  }
  if (shape.IsList()) return CompleteList(parent_type, field, shape.Item(), value, path, out);
  if (field.definition->type.type->IsLeaf()) return CompleteLeaf(field, value, path, out);
  return CompleteObject(field, value, path, out);
}

bool Execution::CompleteList(const NamedType& parent_type, PlannedField& field,
                             TypeShape item_shape, const Json& value, const Path* path, Json& out) {
  if (!value.is_array()) {
    return FailField(
        field,
        InternalError(fmt::format("Expected Iterable, but did not find one for field \"{}.{}\".",
                                  parent_type.name, field.definition->name)),
        path);
  }
  out = Json::array();
  auto& items = out.get_ref<Json::array_t&>();
  items.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    const Path here = {path, {}, i};
    if (!Complete(parent_type, field, item_shape, value[i], &here, items.emplace_back())) {
      return false;
    }
  }
  return true;
}

bool Execution::CompleteLeaf(PlannedField& field, const Json& value, const Path* path, Json& out) {
  const NamedType& type = *field.definition->type.type;
  if (type.kind == NamedType::Kind::kEnum) {
    if (value.is_string() && type.FindValue(value.get_ref<const std::string&>()) != nullptr) {
      out = value;
      return true;
    }
    return FailField(field,
                     InternalError(fmt::format("Enum \"{}\" cannot represent value: {}", type.name,
                                               InspectJson(value))),
                     path);
  }
  auto serialized = type.codec->serialize(value);
  if (!serialized.ok()) {
    return FailField(field, InternalError(serialized.status().message()), path);
  }
  out = *std::move(serialized);
  return true;
}

bool Execution::CompleteObject(PlannedField& field, const Json& value, const Path* path,
                               Json& out) {
  const NamedType* type = field.definition->type.type;
  if (type->kind == NamedType::Kind::kUnion) {
    const auto name = value.is_object() ? value.find("__typename") : value.end();
    const NamedType* const member =
        value.is_object() && name != value.end() && name->is_string()
            ? executor_.schema_->FindType(name->get_ref<const std::string&>())
            : nullptr;
    if (member == nullptr || !type->CanBe(member)) {
      return FailField(field,
                       InternalError(fmt::format(
                           "the value says in \"__typename\" no member of \"{}\"", type->name)),
                       path);
    }
    type = member;
  }
  std::unique_ptr<FieldPlan>& plan = field.plans[type];
  if (plan == nullptr) plan = MakePlan(*type, field.nodes);
  if (plan->error) return FailField(field, *plan->error, path);
  return ExecuteObject(*type, *plan, value, path, out);
}

}  // namespace mao::graphql
