// What one request may cost. A request above a limit is refused with an error that names the limit;
// docs/graphql.md lists them.
#ifndef MAOOCR_SERVE_GRAPHQL_LIMITS_H_
#define MAOOCR_SERVE_GRAPHQL_LIMITS_H_

#include <cstddef>

namespace mao::graphql {

struct Limits {
  // The document, while it is parsed.
  size_t max_document_bytes = 256 * 1024;
  size_t max_tokens = 10'000;
  size_t max_name_bytes = 256;  // messages repeat names
  size_t max_depth = 32;  // of selection sets, of values and of list types; and after expansion
  size_t max_directives = 200;

  // One operation after its fragments are expanded. Every alias counts, so that a request cannot
  // ask for one expensive field a thousand times.
  size_t max_fields = 1'000;
  size_t max_root_fields = 32;
  size_t max_mutations = 32;  // the same, of mutations

  // JSON that comes with the document: variables and extensions.
  size_t max_json_depth = 64;
  size_t max_json_members = 20'000;   // of all its objects together
  size_t max_object_members = 2'000;  // of one; they are found by looking at each

  // Execution: fields and list items of one response.
  size_t max_result_values = 1'000'000;
};

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_LIMITS_H_
