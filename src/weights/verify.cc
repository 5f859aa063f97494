#include "weights/verify.h"

#include <set>
#include <string_view>

#include <fmt/core.h>

#include "weights/message.h"

namespace mao {
namespace {

bool IsFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

void AddListing(std::string_view what, std::span<const std::string> items, std::string* message) {
  if (items.empty()) return;
  *message += fmt::format("; {} {}: {}", items.size(), what, Listing(items));
}

}  // namespace

Status VerifyTensors(const Checkpoint& checkpoint, std::span<const TensorSpec> expected,
                     std::vector<std::string>* unused) {
  std::vector<std::string> missing;
  std::vector<std::string> misshapen;
  std::vector<std::string> not_float;
  std::vector<std::string> mistyped;
  std::set<std::string_view> names;
  for (const TensorSpec& spec : expected) {
    names.insert(spec.name);
    const TensorView* found = checkpoint.Find(spec.name);
    if (found == nullptr) {
      missing.push_back(spec.name);
      continue;
    }
    const std::string where =
        checkpoint.shards().size() > 1 ? " in " + checkpoint.FileOf(*found) : "";
    if (found->shape != spec.shape) {
      misshapen.push_back(fmt::format("{} (expected {}, found {}{})", spec.name,
                                      spec.shape.ToString(), found->shape.ToString(), where));
    }
    if (!spec.dtype.has_value() && !IsFloat(found->dtype)) {
      not_float.push_back(fmt::format("{} ({}{})", spec.name, Name(found->dtype), where));
    }
    if (spec.dtype.has_value() && found->dtype != *spec.dtype) {
      mistyped.push_back(fmt::format("{} (expected {}, found {}{})", spec.name, Name(*spec.dtype),
                                     Name(found->dtype), where));
    }
  }
  std::vector<std::string> unread;
  std::vector<std::string> unread_quoted;
  for (const NamedTensor& tensor : checkpoint.tensors()) {
    if (names.contains(tensor.name)) continue;
    unread.push_back(tensor.name);
    unread_quoted.push_back(Quoted(tensor.name));
  }
  if (unused != nullptr) *unused = std::move(unread);
  if (missing.empty() && misshapen.empty() && not_float.empty() && mistyped.empty()) {
    return OkStatus();
  }
  std::string message = fmt::format("{}: the checkpoint does not fit the model", checkpoint.name());
  AddListing("tensors missing", missing, &message);
  AddListing("of another shape", misshapen, &message);
  AddListing("not of a float type", not_float, &message);
  AddListing("of another type", mistyped, &message);
  AddListing("unused", unread_quoted, &message);
  return InvalidArgumentError(std::move(message));
}

}  // namespace mao
