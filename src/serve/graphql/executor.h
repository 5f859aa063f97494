// Executes operations (GraphQL specification October 2021, section 6) through a table of resolvers.
//
//   MAO_ASSIGN_OR_RETURN(auto schema, Schema::FromSdl(kSdl));
//   Resolvers resolvers;
//   resolvers.fields["Query.page"] = [](const FieldCall& call) -> Result<Json> { … };
//   MAO_ASSIGN_OR_RETURN(auto executor, Executor::Bind(schema, std::move(resolvers)));
//   const PreparedRequest prepared = executor->Prepare(request);
//   executor->Execute(prepared, context, [](const Json& response) { … });
#ifndef MAOOCR_SERVE_GRAPHQL_EXECUTOR_H_
#define MAOOCR_SERVE_GRAPHQL_EXECUTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "serve/graphql/ast.h"
#include "serve/graphql/error.h"
#include "serve/graphql/json.h"
#include "serve/graphql/limits.h"
#include "serve/graphql/request.h"
#include "serve/graphql/schema.h"

namespace mao::graphql {

// What belongs to one request: the service derives from it what its resolvers need. Execution holds
// it until its end.
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

// Takes the one outcome of a slow resolver.
using Reply = std::function<void(Result<Json>)>;

// A resolver that does not wait: it replies exactly once, before it returns or later, on any thread.
// Until then the context lives; the arguments, which may be large, until it returns.
using SlowResolver = std::function<void(const FieldCall&, Reply)>;

// Takes what comes one by one, from any thread.
struct EventSink {
  std::function<bool(const Json& value)> next;  // false if nobody listens any more
  std::function<void(const Status&)> end;       // exactly once, last
};

// Sends the values of a subscription's field to the sink, before it returns or later. The context
// lives until the end, the arguments until it returns.
using Subscriber = std::function<void(const FieldCall&, EventSink)>;

struct Resolvers {
  std::map<std::string, Resolver> fields;           // "Type.field"
  std::map<std::string, SlowResolver> slow_fields;  // of the query and mutation roots
  std::map<std::string, Subscriber> subscriptions;  // "Subscription.field"
};

// A request that was parsed, validated and whose variables were read, or the reasons why not.
struct PreparedRequest {
  std::vector<Error> errors;
  std::shared_ptr<const Document> document;
  const OperationDefinition* operation = nullptr;  // of the document
  std::shared_ptr<const Json> variables;

  bool ok() const { return errors.empty(); }
  // Only if ok().
  OperationType operation_type() const { return operation->type; }
  // The first one's name, which is that of a subscription's only one.
  std::string_view root_field() const;
};

// How clients see a resolver's failure.
struct ErrorCode {
  std::string code;     // of extensions
  int http_status = 0;  // of extensions.http; 0: left out
};
using DescribeFailure = std::function<ErrorCode(const Status&, std::string_view field_name)>;

// Immutable, so any number of threads may use one.
class Executor : public std::enable_shared_from_this<Executor> {
 public:
  // Every field of the query and mutation roots needs a resolver, every field of the subscription
  // root a subscriber; other fields may have resolvers, else they are the member of that name of
  // their parent. An entry that is no field is an error too. The message lists all that is wrong.
  // Without `describe` the code of a failure is the name of its StatusCode.
  static Result<std::shared_ptr<const Executor>> Bind(std::shared_ptr<const Schema> schema,
                                                      Resolvers resolvers,
                                                      const Limits& limits = {},
                                                      DescribeFailure describe = {});

  PreparedRequest Prepare(const Request& request) const;

  // Gives `done` the response of a query or mutation: {"data"} or {"errors", "data"}; {"errors"}
  // alone if the request is not ok() or is a subscription. Before it returns, unless a slow resolver
  // replies later: then on its thread. Root fields are resolved one after the other.
  void Execute(const PreparedRequest& prepared, std::shared_ptr<RequestContext> context,
               std::function<void(Json response)> done) const;

  // Runs a subscription: `responses` takes one response for each event. Whatever keeps the source
  // from starting, or ends it early, is the Status of the end. Queries and mutations deliver their
  // one response.
  void Subscribe(const PreparedRequest& prepared, std::shared_ptr<RequestContext> context,
                 EventSink responses) const;

  Error MakeError(const Status& failure, std::string_view field_name) const;
  const Schema& schema() const { return *schema_; }
  const Limits& limits() const { return limits_; }

 private:
  friend class Execution;
  Executor(std::shared_ptr<const Schema> schema, Resolvers resolvers, const Limits& limits,
           DescribeFailure describe);

  Status CheckTable() const;

  std::shared_ptr<const Schema> schema_;
  Resolvers resolvers_;
  Limits limits_;
  DescribeFailure describe_;
  // By the schema's own fields.
  std::map<const Field*, const Resolver*> resolver_of_;
  std::map<const Field*, const SlowResolver*> slow_resolver_of_;
};

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_EXECUTOR_H_
