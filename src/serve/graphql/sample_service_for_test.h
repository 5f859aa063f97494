// A small service that has one of everything, for the tests, the benchmark, the fuzz target and the
// comparison with graphql-js, which gets the same schema and data.
#ifndef MAOOCR_SERVE_GRAPHQL_SAMPLE_SERVICE_FOR_TEST_H_
#define MAOOCR_SERVE_GRAPHQL_SAMPLE_SERVICE_FOR_TEST_H_

#include <memory>
#include <string_view>

#include "serve/graphql/executor.h"
#include "serve/graphql/limits.h"

namespace mao::graphql {

inline constexpr std::string_view kSampleSdl = R"graphql(
"""
Reads pages.

There is more than one paragraph here, and a "quote".
"""
schema {
  query: Query
  mutation: Mutation
  subscription: Subscription
}

"Marks fields that only administrators may see."
directive @internal(level: Int! = 1, tags: [String!]) repeatable on FIELD | QUERY | INLINE_FRAGMENT

scalar JSON
"A whole number of 64 bits."
scalar Long @specifiedBy(url: "https://example.com/long")
scalar Base64

enum Mode {
  "Text with its structure."
  MARKDOWN
  PLAIN @deprecated(reason: "Use MARKDOWN.")
  LAYOUT
}

"A rectangle in pixels."
input BoxInput {
  x1: Int! = 0
  y1: Int! = 0
  x2: Int!
  y2: Int!
}

input PageInput {
  title: String!
  mode: Mode = MARKDOWN
  boxes: [BoxInput!] = [{x2: 10, y2: 20}]
  image: Base64
  size: Long
  extra: JSON
  tags: [[String]!]
  within: PageInput
  old: Boolean = false @deprecated
}

"What is on a page."
union Element = Block | Figure

type Box {
  x1: Int!
  y1: Int!
  x2: Int!
  y2: Int!
}

type Block {
  text: String!
  confidence: Float
  box: Box
  mode: Mode
}

type Figure {
  caption: String
  box: Box!
  bytes: Long
}

type Page {
  id: ID!
  title: String
  mode: Mode!
  blocks: [Block!]!
  "The block at that place."
  block(index: Int! = 0): Block
  elements: [Element]
  next: Page
  raw: JSON
  image: Base64
  words(minLength: Int = 1, contains: String): [String!]
  oldTitle: String @deprecated(reason: "Use `title`.")
}

"Has members of wrong types, to see what becomes of them."
type Tree {
  name: String
  label: String!
  count: Int
  ratio: Float
  flag: Boolean
  mode: Mode
  long: Long
  child: Tree
  strict: Tree!
  list: [Tree]
  strictList: [Tree!]
  strictStrict: [Tree!]!
  matrix: [[Int!]!]
  element: Element
}

type Query {
  version: String!
  page(id: ID!): Page
  pages(first: Int = 10): [Page!]!
  element(kind: String): Element
  tree: Tree
  "Returns its arguments."
  echo(
    int: Int
    float: Float
    string: String
    boolean: Boolean
    id: ID
    mode: Mode
    modes: [Mode!]
    ints: [Int]
    matrix: [[Int!]!]
    long: Long
    base64: Base64
    json: JSON
    page: PageInput
    pages: [PageInput!]
    withDefault: Int! = 7
    nullableDefault: String = "x"
  ): JSON
  required(value: Int!, list: [Int!]!): JSON
  fail(message: String = "it failed"): String
  failStrictly: String!
}

type Mutation {
  addPage(page: PageInput!): Page!
  "How often this was called in the request."
  count: Int!
  fail: String
}

type Tick {
  number: Int!
  label: String
  strict: String!
}

type Subscription {
  "Counts to `to`; the source breaks before `failAt`."
  ticks(to: Int!, failAt: Int): Tick
  ticksStrict(to: Int!): Tick!
}
)graphql";

inline constexpr std::string_view kSampleData = R"json({
  "pages": [
    {"id": "1", "title": "Ünïcode 🏃", "mode": "MARKDOWN", "raw": {"b": [1, null], "a": true},
     "image": "aGVsbG8=", "words": ["one", "three", "seventeen"], "oldTitle": null,
     "blocks": [
       {"text": "first", "confidence": 0.5, "mode": "LAYOUT",
        "box": {"x1": 0, "y1": 1, "x2": 2, "y2": 3}},
       {"text": "second", "confidence": 1, "box": null}],
     "elements": [
       {"__typename": "Block", "text": "in a union"},
       null,
       {"__typename": "Figure", "caption": "c", "bytes": 9007199254740991,
        "box": {"x1": 0, "y1": 0, "x2": 9, "y2": 9}}],
     "next": {"id": "2", "mode": "PLAIN", "blocks": []}},
    {"id": "2", "mode": "PLAIN", "blocks": [], "elements": []}
  ],
  "elements": {
    "block": {"__typename": "Block", "text": "t"},
    "untyped": {"text": "t"},
    "wrong": {"__typename": "Page"}
  },
  "tree": {
    "name": "root", "label": "l", "count": 5, "ratio": 2.5, "flag": true, "mode": "PLAIN",
    "long": 123456789012,
    "child": {"name": "child", "label": null, "count": 2147483648, "ratio": "x", "flag": "yes",
              "mode": "NONE", "long": 0.5, "list": 7, "strict": null},
    "strict": {"label": "s", "strict": {"label": "s2", "strict": null}, "list": [null, null]},
    "list": [{"label": "a"}, null, {"label": null}],
    "strictList": [{"label": "a"}, null],
    "strictStrict": [{"label": "a"}, {"label": null}],
    "matrix": [[1, 2], [3]],
    "element": {"__typename": "Figure", "box": null}
  }
})json";

// Bound to resolvers over kSampleData. Never fails.
std::shared_ptr<const Executor> MakeSampleService(const Limits& limits = {});

class SampleContext : public RequestContext {
 public:
  bool IsCancelled() const override { return is_cancelled; }

  bool is_cancelled = false;
  int num_calls = 0;  // of Mutation.count
};

// All resolvers of the sample service reply at once, so a context may live on the stack.
inline std::shared_ptr<RequestContext> NotOwned(SampleContext& context) {
  return {std::shared_ptr<void>(), &context};
}
Json ExecuteNow(const Executor& executor, const PreparedRequest& prepared, SampleContext& context);
Status SubscribeNow(const Executor& executor, const PreparedRequest& prepared,
                    SampleContext& context, const std::function<bool(const Json&)>& next);

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_SAMPLE_SERVICE_FOR_TEST_H_
