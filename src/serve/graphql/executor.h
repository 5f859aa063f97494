// Executes operations (GraphQL specification October 2021, section 6) through a table of resolvers.
//
//   MAO_ASSIGN_OR_RETURN(auto schema, Schema::FromSdl(kSdl));
//   Resolvers resolvers;
//   resolvers.fields["Query.page"] = [](const FieldCall& call) -> Result<Json> { … };
//   MAO_ASSIGN_OR_RETURN(auto executor, Executor::Bind(schema, std::move(resolvers)));
//   const PreparedRequest prepared = executor->Prepare(request);
//   Json response = executor->Execute(prepared, context);
#ifndef MAOOCR_SERVE_GRAPHQL_EXECUTOR_H_
#define MAOOCR_SERVE_GRAPHQL_EXECUTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "serve/graphql/ast.h"
#include "serve/graphql/error.h"
#include "serve/graphql/json.h"
#include "serve/graphql/limits.h"
#include "serve/graphql/request.h"
#include "serve/graphql/schema.h"

namespace mao::graphql {

// What belongs to one request: the service derives from it what its resolvers need.
class RequestContext {
 public:
  virtual ~RequestContext() = default;
  // Asked before every resolver. Once true, execution ends: the data is null, the error CANCELLED.
  virtual bool IsCancelled() const { return false; }
};

struct FieldCall {
  const Json& parent;     // what the resolver of the object around the field returned
  const Json& arguments;  // an object; absent arguments without default are absent here
  RequestContext& context;
};

// A field's value as JSON: null, a scalar, an object, an array, as the field's type says. An object
// may have members that are not in the schema; a member of a union says its type in "__typename".
// A failure becomes an error of the response, its StatusCode in extensions.code.
using Resolver = std::function<Result<Json>(const FieldCall&)>;

// Takes the value of a subscription's field for one event; false if nobody listens any more.
using EventSink = std::function<bool(const Json& value)>;

// Sends events to `sink` until there are no more or it returns false; on the calling thread.
using Subscriber = std::function<Status(const FieldCall&, const EventSink& sink)>;

struct Resolvers {
  std::map<std::string, Resolver> fields;           // "Type.field"
  std::map<std::string, Subscriber> subscriptions;  // "Subscription.field"
};

// A request that was parsed, validated and whose variables were read, or the reasons why not.
struct PreparedRequest {
  std::vector<Error> errors;
  std::shared_ptr<const Document> document;
  const OperationDefinition* operation = nullptr;  // of the document
  std::shared_ptr<const Json> variables;

  bool ok() const { return errors.empty(); }
  OperationType operation_type() const { return operation->type; }  // only if ok()
};

// Immutable, so any number of threads may use one.
class Executor {
 public:
  // Every field of the query and mutation roots needs a resolver, every field of the subscription
  // root a subscriber; other fields may have resolvers, else they are the member of that name of
  // their parent. An entry that is no field is an error too. The message lists all that is wrong.
  static Result<std::shared_ptr<const Executor>> Bind(std::shared_ptr<const Schema> schema,
                                                      Resolvers resolvers,
                                                      const Limits& limits = {});

  PreparedRequest Prepare(const Request& request) const;

  // The response of a query or mutation: {"data"} or {"errors", "data"}; {"errors"} alone if the
  // request is not ok() or is a subscription.
  Json Execute(const PreparedRequest& prepared, RequestContext& context) const;

  // Runs a subscription to its end: `deliver` takes one response for each event, in order, and says
  // whether to go on. Whatever keeps the source from starting, or ends it early, is the error.
  // Queries and mutations deliver their one response.
  Status Subscribe(const PreparedRequest& prepared, RequestContext& context,
                   const std::function<bool(Json response)>& deliver) const;

  const Schema& schema() const { return *schema_; }
  const Limits& limits() const { return limits_; }

 private:
  friend class Execution;
  Executor(std::shared_ptr<const Schema> schema, Resolvers resolvers, const Limits& limits);

  Status CheckTable() const;

  std::shared_ptr<const Schema> schema_;
  Resolvers resolvers_;
  Limits limits_;
  std::map<const Field*, const Resolver*> resolver_of_;  // by the schema's own fields
};

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_EXECUTOR_H_
