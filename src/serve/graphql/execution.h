// The execution of one operation. Selections are grouped once into a plan for each object type that
// occurs, so that a list of a thousand objects costs no thousand groupings.
#ifndef MAOOCR_SERVE_GRAPHQL_EXECUTION_H_
#define MAOOCR_SERVE_GRAPHQL_EXECUTION_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "serve/graphql/executor.h"

namespace mao::graphql {

struct FieldPlan;

// The selections of one response key on one object type.
struct PlannedField {
  std::string_view key;
  const Field* definition = nullptr;
  const Resolver* resolver = nullptr;  // null, and no slow one: the member of that name
  const SlowResolver* slow_resolver = nullptr;
  std::vector<const Selection*> nodes;
  std::vector<Location> locations;  // of the nodes, once an error has needed them
  // Arguments depend on variables alone, so they are read once.
  Json arguments;
  std::optional<Error> arguments_error;
  std::map<const NamedType*, std::unique_ptr<FieldPlan>> plans;  // inside, by object type
};

struct FieldPlan {
  std::vector<PlannedField> fields;
  std::optional<Error> error;  // a directive without a value
};

// One thread at a time: that of a slow resolver's reply or of a subscription's event goes on where the
// one before has stopped.
class Execution : public std::enable_shared_from_this<Execution> {
 public:
  Execution(std::shared_ptr<const Executor> executor, PreparedRequest prepared,
            std::shared_ptr<RequestContext> context);

  // A query or mutation.
  void Run(std::function<void(Json response)> done);

  // A subscription with one root field, which validation has seen to.
  void Subscribe(EventSink responses);

 private:
  // The way from the root to a value, innermost first; lives on the stack.
  struct Path {
    const Path* outer;
    std::string_view key;  // empty for a list item
    size_t index;
  };

  std::unique_ptr<FieldPlan> MakePlan(const NamedType& type,
                                      const std::vector<const Selection*>& nodes);
  void Collect(const SelectionSet& set, const NamedType& type, FieldPlan& plan,
               std::unordered_map<std::string_view, size_t>& index,
               std::unordered_set<const FragmentDefinition*>& visited);
  void AddField(const Selection& node, const NamedType& type, FieldPlan& plan,
                std::unordered_map<std::string_view, size_t>& index);
  bool IsIncluded(const Selection& selection, std::optional<Error>& error) const;
  bool FragmentApplies(std::string_view condition, const NamedType& type) const;
  const FragmentDefinition* FindFragment(std::string_view name) const;

  // Of a query or mutation, from the one at `next` on: until the end, or a reply that is to come.
  void ExecuteRootFields(size_t next);
  void OnReply(size_t index, const Result<Json>& reply);
  void Finish(Json data);
  Json RespondToEvent(PlannedField& field, const Json& value);

  // False: the object is null, since a non-null field of it failed.
  bool ExecuteObject(const NamedType& type, FieldPlan& plan, const Json& parent, const Path* path,
                     Json& out);
  bool ExecuteField(const NamedType& type, PlannedField& field, const Json& parent,
                    const Path* path, Json& out);
  // False: whatever is around the value is null. The error was recorded.
  bool Complete(const NamedType& parent_type, PlannedField& field, TypeShape shape,
                const Json& value, const Path* path, Json& out);
  bool CompleteNullable(const NamedType& parent_type, PlannedField& field, TypeShape shape,
                        const Json& value, const Path* path, Json& out);
  bool CompleteList(const NamedType& parent_type, PlannedField& field, TypeShape item_shape,
                    const Json& value, const Path* path, Json& out);
  bool CompleteLeaf(PlannedField& field, const Json& value, const Path* path, Json& out);
  bool CompleteObject(PlannedField& field, const Json& value, const Path* path, Json& out);

  Status CallResolver(const PlannedField& field, const Json& parent, Json& out);
  // Records the error; the result of what failed at a place of this type.
  bool FailField(PlannedField& field, Error error, const Path* path);
  bool FailField(PlannedField& field, const Status& status, const Path* path);
  void RecordError(Error error);
  // Ends the execution: the data becomes null.
  bool Abort(PlannedField& field, const Status& status, const Path* path);
  Json TakeResponse(Json data);

  const std::shared_ptr<const Executor> owned_executor_;
  const PreparedRequest prepared_;
  const std::shared_ptr<RequestContext> owned_context_;
  const Executor& executor_;
  const Document& document_;
  const OperationDefinition& operation_;
  const Json& variables_;
  RequestContext& context_;
  const NamedType& root_;
  std::unordered_map<std::string_view, const FragmentDefinition*> fragments_;
  std::unique_ptr<FieldPlan> root_plan_;
  Json data_;
  std::function<void(Json)> done_;
  std::vector<Error> errors_;
  size_t num_errors_ = 0;
  size_t num_values_ = 0;
  bool is_aborted_ = false;
};

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_EXECUTION_H_
