#include "serve/graphql/ast.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "serve/graphql/utf8.h"

namespace mao::graphql {
namespace {

constexpr size_t kMaxPrintedBytes = 200;

// Stops once `out` is longer than what will be shown.
void AppendValue(const Value& value, std::string& out) {
  if (out.size() > kMaxPrintedBytes) return;
  switch (value.kind) {
    case Value::Kind::kVariable:
      out += '$';
      out += value.text;
      return;
    case Value::Kind::kString:
      out += value.is_block ? "\"\"\"" + Abbreviate(value.text) + "\"\"\""
                            : DumpJson(Json(Abbreviate(value.text)));
      return;
    case Value::Kind::kNull:
      out += "null";
      return;
    case Value::Kind::kList: {
      out += '[';
      for (size_t i = 0; i < value.items.size() && out.size() <= kMaxPrintedBytes; ++i) {
        if (i > 0) out += ", ";
        AppendValue(value.items[i], out);
      }
      out += ']';
      return;
    }
    case Value::Kind::kObject: {
      out += '{';
      for (size_t i = 0; i < value.fields.size() && out.size() <= kMaxPrintedBytes; ++i) {
        if (i > 0) out += ", ";
        out += value.fields[i].name.text;
        out += ": ";
        AppendValue(value.fields[i].value, out);
      }
      out += '}';
      return;
    }
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
    case Value::Kind::kBoolean:
    case Value::Kind::kEnum:
      out += value.text;
      return;
  }
}

}  // namespace

std::string_view OperationTypeName(OperationType type) {
  switch (type) {
    case OperationType::kQuery:
      return "query";
    case OperationType::kMutation:
      return "mutation";
    case OperationType::kSubscription:
      return "subscription";
  }
  return "";
}

void Document::IndexSource() {
  constexpr size_t kDistance = 4096;
  Location place;
  for (size_t start = 0; source.size() - start > kDistance;) {
    size_t end = start + kDistance;
    // \r\n is one end of a line, and a character is one character.
    while (end < source.size() && (source[end] == '\n' || (source[end] & 0xC0) == 0x80)) ++end;
    place = LocateEnd(std::string_view(source).substr(start, end - start), place);
    places_.emplace_back(static_cast<uint32_t>(end), place);
    start = end;
  }
}

Location Document::LocationOf(uint32_t offset) const {
  const auto next = std::upper_bound(places_.begin(), places_.end(), offset,
                                     [](uint32_t o, const auto& known) { return o < known.first; });
  const auto [start, place] = next == places_.begin() ? std::pair(0u, Location()) : *(next - 1);
  return LocateEnd(std::string_view(source).substr(start, offset - start), place);
}

std::string PrintValue(const Value& value) {
  std::string out;
  AppendValue(value, out);
  return Abbreviate(out, kMaxPrintedBytes);
}

}  // namespace mao::graphql
