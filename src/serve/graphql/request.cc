#include "serve/graphql/request.h"

#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace mao::graphql {
namespace {

// Builds the value, and stops where a limit is reached: members of an ordered object are found by
// looking at each, and a deep value is printed by recursion.
class LimitedReader : public nlohmann::json_sax<Json> {
 public:
  explicit LimitedReader(const Limits& limits) : limits_(limits) {}

  Json TakeValue() { return std::move(root_); }
  const std::string& limit_message() const { return limit_message_; }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }

  bool start_object(size_t /*size*/) override { return Open(Json::object()); }
  bool key(string_t& name) override {
    if (++num_members_ > limits_.max_json_members) {
      return Refuse(fmt::format("more than {} members in objects", limits_.max_json_members));
    }
    if (open_.back()->size() >= limits_.max_object_members) {
      return Refuse(fmt::format("more than {} members in an object", limits_.max_object_members));
    }
    member_ = &(*open_.back())[std::move(name)];
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(size_t /*size*/) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t /*offset*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  Json* Place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool Add(Json value) {
    Place(std::move(value));
    return true;
  }

  bool Open(Json value) {
    if (open_.size() >= limits_.max_json_depth) {
      return Refuse(fmt::format("nested deeper than {} levels", limits_.max_json_depth));
    }
    open_.push_back(Place(std::move(value)));
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  bool Refuse(std::string message) {
    limit_message_ = std::move(message);
    return false;
  }

  const Limits& limits_;
  Json root_;
  std::vector<Json*> open_;  // what is around the next value; only the last one grows
  Json* member_ = nullptr;
  size_t num_members_ = 0;
  std::string limit_message_;
};

// The object of that name, or null if there is none.
Result<std::shared_ptr<const Json>> TakeObject(Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::shared_ptr<const Json>();
  if (!found->is_object()) {
    return InvalidArgumentError(fmt::format("\"{}\" must be an object or null", name));
  }
  return std::make_shared<const Json>(std::move(*found));
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const Limits& limits, std::string_view what) {
  LimitedReader reader(limits);
  if (Json::sax_parse(text, &reader)) return reader.TakeValue();
  if (!reader.limit_message().empty()) {
    return OutOfRangeError(fmt::format("{}: {}", what, reader.limit_message()));
  }
  return InvalidArgumentError(fmt::format("{} is not valid JSON", what));
}

Result<Request> RequestFromJson(Json json) {
  if (!json.is_object()) return InvalidArgumentError("the request must be a JSON object");
  Request request;
  const auto query = json.find("query");
  if (query == json.end() || !query->is_string()) {
    return InvalidArgumentError("\"query\" must be a string");
  }
  request.query = std::move(query->get_ref<std::string&>());
  const auto name = json.find("operationName");
  if (name != json.end() && !name->is_null()) {
    if (!name->is_string()) {
      return InvalidArgumentError("\"operationName\" must be a string or null");
    }
    request.operation_name = name->get<std::string>();
  }
  MAO_ASSIGN_OR_RETURN(request.variables, TakeObject(json, "variables"));
  MAO_ASSIGN_OR_RETURN(request.extensions, TakeObject(json, "extensions"));
  return request;
}

}  // namespace mao::graphql
