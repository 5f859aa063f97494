#include "models/quantization.h"

#include <fmt/core.h>

namespace mao {

std::string_view Name(Quantization quantization) {
  switch (quantization) {
    case Quantization::kNone:
      return "none";
    case Quantization::kInt8:
      return "int8";
    case Quantization::kInt4:
      return "int4";
  }
  return "?";
}

Result<Quantization> ParseQuantization(std::string_view name) {
  for (const auto value : {Quantization::kNone, Quantization::kInt8, Quantization::kInt4}) {
    if (name == Name(value)) return value;
  }
  return InvalidArgumentError(
      fmt::format("unknown quantization '{}'; known: none, int8, int4", name));
}

}  // namespace mao
