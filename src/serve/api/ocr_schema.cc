#include "serve/api/ocr_schema.h"

#include <map>
#include <string_view>

#include "ocr/text_match.h"

namespace mao {
namespace {

using Ordered = nlohmann::ordered_json;

const Ordered* PropertiesOf(const Ordered& schema) {
  const auto properties = schema.is_object() ? schema.find("properties") : schema.end();
  return properties != schema.end() && properties->is_object() ? &*properties : nullptr;
}

class Filler {
 public:
  explicit Filler(std::span<const KeyValue> pairs) {
    for (const KeyValue& pair : pairs) values_.emplace(FoldKey(pair.key), &pair.value);
  }

  Ordered Fill(const Ordered& schema, const std::string& path) {
    if (schema.is_array()) return FillKeys(schema, path);
    const Ordered* const properties = PropertiesOf(schema);
    Ordered object = Ordered::object();
    for (const auto& [key, value] : (properties == nullptr ? schema : *properties).items()) {
      const bool is_nested =
          properties == nullptr ? value.is_object() : PropertiesOf(value) != nullptr;
      object[key] = is_nested ? Fill(value, path + key + ".") : Leaf(key, TitleOf(value), path);
    }
    return object;
  }

  std::vector<std::string> TakeMissing() { return std::move(missing_); }

 private:
  Ordered FillKeys(const Ordered& keys, const std::string& path) {
    Ordered object = Ordered::object();
    for (const Ordered& key : keys) {
      if (key.is_string()) object[key.get<std::string>()] = Leaf(key.get<std::string>(), "", path);
    }
    return object;
  }

  static std::string TitleOf(const Ordered& value) {
    const auto title = value.is_object() ? value.find("title") : value.end();
    return title != value.end() && title->is_string() ? title->get<std::string>() : "";
  }

  Ordered Leaf(const std::string& key, const std::string& title, const std::string& path) {
    for (const std::string* name : {&key, &title}) {
      const auto value = values_.find(FoldKey(*name));
      if (value != values_.end() && !name->empty()) return *value->second;
    }
    missing_.push_back(path + key);
    return nullptr;
  }

  std::map<std::string, const std::string*, std::less<>> values_;
  std::vector<std::string> missing_;
};

}  // namespace

FilledSchema FillSchema(const Ordered& schema, std::span<const KeyValue> pairs) {
  FilledSchema filled;
  if (schema.is_null()) {
    filled.data = Ordered::object();
    for (const KeyValue& pair : pairs) filled.data[pair.key] = pair.value;
    return filled;
  }
  Filler filler(pairs);
  filled.data = filler.Fill(schema, "");
  filled.missing = filler.TakeMissing();
  return filled;
}

}  // namespace mao
