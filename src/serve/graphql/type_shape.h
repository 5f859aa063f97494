// Lists and non-nulls around a named type, packed: [Page!]! is list_depth 1, non-null at both levels.
#ifndef MAOOCR_SERVE_GRAPHQL_TYPE_SHAPE_H_
#define MAOOCR_SERVE_GRAPHQL_TYPE_SHAPE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace mao::graphql {

struct TypeShape {
  static constexpr uint8_t kMaxListDepth = 31;  // the bits of non_null

  uint8_t list_depth = 0;
  uint32_t non_null =
      0;  // bit i: level i is non-null; level 0 is the named type, list_depth outermost

  bool IsNonNull() const { return ((non_null >> list_depth) & 1) != 0; }
  bool IsList() const { return list_depth > 0; }  // whether or not it is non-null
  TypeShape Nullable() const { return {list_depth, non_null & ~(1u << list_depth)}; }
  // The items of a list; only if IsList().
  TypeShape Item() const {
    return {static_cast<uint8_t>(list_depth - 1), non_null & ~(1u << list_depth)};
  }
  // Whether every value of this shape fits `other` (specification 5.8.5, AreTypesCompatible).
  bool FitsInto(TypeShape other) const {
    return list_depth == other.list_depth && (other.non_null & ~non_null) == 0;
  }
  bool operator==(const TypeShape&) const = default;
};

// As it is written in a document: "[Page!]!".
inline std::string TypeText(std::string_view name, TypeShape shape) {
  std::string text(shape.list_depth, '[');
  text += name;
  for (uint8_t level = 0; level <= shape.list_depth; ++level) {
    if (level > 0) text += ']';
    if (((shape.non_null >> level) & 1) != 0) text += '!';
  }
  return text;
}

}  // namespace mao::graphql

#endif  // MAOOCR_SERVE_GRAPHQL_TYPE_SHAPE_H_
