#include "serve/grpc/infer_messages.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

#include "text/utf8.h"

namespace mao {
namespace {

namespace v1 = maoocr::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using inference::InferParameter;

constexpr std::string_view kVersion = "1";
constexpr const char* kBytes = "BYTES";
constexpr const char* kText = "text";
constexpr const char* kRawText = "raw_text";
constexpr const char* kImage = "image";
// Inputs beside the image, which are fields of OcrRequest.
constexpr const char* kTextInputs[] = {"prompt", "mode", "find_term", "size_mode", "schema"};
constexpr size_t kLengthBytes = 4;  // little-endian, in front of every element of raw BYTES

Status TensorError(const std::string& name, std::string_view problem) {
  return InvalidArgumentError(fmt::format("input '{}': {}", name, problem));
}

Result<std::string> RawElement(const std::string& name, std::string bytes) {
  uint32_t length = 0;
  if (bytes.size() >= kLengthBytes) {
    for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | static_cast<uint8_t>(bytes[i]);
  }
  if (bytes.size() < kLengthBytes || bytes.size() - kLengthBytes != length) {
    return TensorError(
        name,
        "raw contents are not one element: its length in 4 bytes, little-endian, and so many "
        "bytes");
  }
  bytes.erase(0, kLengthBytes);
  return bytes;
}

std::string ToRaw(std::string_view element) {
  std::string raw;
  raw.reserve(kLengthBytes + element.size());
  for (size_t i = 0; i < kLengthBytes; ++i) {
    raw += static_cast<char>(element.size() >> (8 * i) & 0xFF);
  }
  raw += element;
  return raw;
}

// The one element of a tensor. `raw` is null when the contents are in the tensor itself.
Result<std::string> TakeElement(inference::ModelInferRequest::InferInputTensor& tensor,
                                std::string* raw) {
  const std::string& name = tensor.name();
  if (tensor.datatype() != kBytes) {
    return TensorError(name, fmt::format("datatype '{}'; expected {}", tensor.datatype(), kBytes));
  }
  if (!std::all_of(tensor.shape().begin(), tensor.shape().end(),
                   [](int64_t side) { return side == 1; })) {
    return TensorError(name, "expected one element, as shape [1] says");
  }
  if (raw != nullptr) return RawElement(name, std::move(*raw));
  auto& elements = *tensor.mutable_contents()->mutable_bytes_contents();
  if (elements.size() != 1) {
    return TensorError(name,
                       fmt::format("{} elements in bytes_contents; expected 1", elements.size()));
  }
  return std::move(elements[0]);
}

Status SetInput(const std::string& name, std::string element, v1::OcrRequest& request) {
  if (name == kImage) {
    request.set_image(std::move(element));
    return OkStatus();
  }
  if (std::find(std::begin(kTextInputs), std::end(kTextInputs), name) == std::end(kTextInputs)) {
    return TensorError(name, "there is no such input; see ModelMetadata");
  }
  if (!IsValidUtf8(element)) return TensorError(name, "is not UTF-8");
  const FieldDescriptor* field = v1::OcrRequest::descriptor()->FindFieldByName(name);
  request.GetReflection()->SetString(&request, field, std::move(element));
  return OkStatus();
}

Status ReadInputs(inference::ModelInferRequest& message, InferCall& call) {
  call.is_raw = message.raw_input_contents_size() > 0;
  if (call.is_raw && message.raw_input_contents_size() != message.inputs_size()) {
    return InvalidArgumentError(fmt::format("{} raw_input_contents for {} inputs",
                                            message.raw_input_contents_size(),
                                            message.inputs_size()));
  }
  std::set<std::string> names;
  for (int i = 0; i < message.inputs_size(); ++i) {
    auto& tensor = *message.mutable_inputs(i);
    if (!names.insert(tensor.name()).second) return TensorError(tensor.name(), "is there twice");
    std::string* raw = call.is_raw ? message.mutable_raw_input_contents(i) : nullptr;
    MAO_ASSIGN_OR_RETURN(std::string element, TakeElement(tensor, raw));
    MAO_RETURN_IF_ERROR(SetInput(tensor.name(), std::move(element), call.request));
  }
  return OkStatus();
}

template <typename Number>
std::optional<Number> ParseNumber(const std::string& text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The parameter as a number of this type; nullopt if it is none, or does not fit.
template <typename Number>
std::optional<Number> NumberOf(const InferParameter& parameter) {
  const auto cast = [](auto value) -> std::optional<Number> {
    if constexpr (std::is_integral_v<Number>) {
      if (!std::in_range<Number>(value)) return std::nullopt;
    }
    return static_cast<Number>(value);
  };
  switch (parameter.parameter_choice_case()) {
    case InferParameter::kInt64Param:
      return cast(parameter.int64_param());
    case InferParameter::kUint64Param:
      return cast(parameter.uint64_param());
    case InferParameter::kStringParam:
      return ParseNumber<Number>(parameter.string_param());
    case InferParameter::kDoubleParam:
      if constexpr (std::is_floating_point_v<Number>) return cast(parameter.double_param());
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// False: the parameter is of another type.
bool SetField(const InferParameter& parameter, const FieldDescriptor& field, Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const auto set = [&](auto value, auto setter) {
    if (value.has_value()) (reflection.*setter)(&message, &field, *value);
    return value.has_value();
  };
  using google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!parameter.has_bool_param()) return false;
      reflection.SetBool(&message, &field, parameter.bool_param());
      return true;
    case FieldDescriptor::CPPTYPE_INT32:
      return set(NumberOf<int32_t>(parameter), &Reflection::SetInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return set(NumberOf<uint64_t>(parameter), &Reflection::SetUInt64);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return set(NumberOf<float>(parameter), &Reflection::SetFloat);
    case FieldDescriptor::CPPTYPE_STRING:
      if (!parameter.has_string_param()) return false;
      reflection.SetString(&message, &field, parameter.string_param());
      return true;
    default:
      return false;
  }
}

Status SetParameter(const std::string& name, const InferParameter& parameter, InferCall& call) {
  if (name.starts_with("triton_") || name.starts_with("sequence_")) return OkStatus();
  if (name == "stream" && parameter.has_bool_param()) {
    call.wants_deltas = parameter.bool_param();
    return OkStatus();
  }
  for (Message* message : std::initializer_list<Message*>{
           &call.request, call.request.mutable_sampling(), call.request.mutable_options()}) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(name);
    const bool may_be_set = field != nullptr && !field->is_repeated() && name != kImage &&
                            name != "model" &&
                            field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
    if (!may_be_set) continue;
    if (SetField(parameter, *field, *message)) return OkStatus();
    return InvalidArgumentError(
        fmt::format("parameter '{}': expected a value of type {}", name, field->type_name()));
  }
  return InvalidArgumentError(fmt::format("there is no parameter '{}'", name));
}

Status ReadOutputs(const inference::ModelInferRequest& message, InferCall& call) {
  for (const auto& output : message.outputs()) {
    if (output.name() != kText && output.name() != kRawText) {
      return InvalidArgumentError(
          fmt::format("output '{}': there is {} and {}", output.name(), kText, kRawText));
    }
    call.outputs.push_back(output.name());
  }
  if (call.outputs.empty()) call.outputs = {kText, kRawText};
  return OkStatus();
}

void AddOutput(const std::string& name, std::string element, bool is_raw,
               inference::ModelInferResponse& response) {
  auto& output = *response.add_outputs();
  output.set_name(name);
  output.set_datatype(kBytes);
  output.add_shape(1);
  if (is_raw) {
    response.add_raw_output_contents(ToRaw(element));
  } else {
    output.mutable_contents()->add_bytes_contents(std::move(element));
  }
}

void Begin(const InferCall& call, const std::string& model,
           inference::ModelInferResponse& response) {
  response.set_model_name(model);
  response.set_model_version(std::string(kVersion));
  response.set_id(call.id);
}

}  // namespace

Status CheckModelVersion(std::string_view version) {
  if (version.empty() || version == kVersion) return OkStatus();
  return NotFoundError(fmt::format("no version '{}' of the model; there is {}", version, kVersion));
}

Result<InferCall> ParseInferRequest(inference::ModelInferRequest& message) {
  MAO_RETURN_IF_ERROR(CheckModelVersion(message.model_version()));
  InferCall call;
  call.id = message.id();
  call.request.set_model(message.model_name());
  MAO_RETURN_IF_ERROR(ReadInputs(message, call));
  for (const auto& [name, parameter] : message.parameters()) {
    MAO_RETURN_IF_ERROR(SetParameter(name, parameter, call));
  }
  MAO_RETURN_IF_ERROR(ReadOutputs(message, call));
  return call;
}

void FillInferResponse(const v1::OcrResponse& answer, const InferCall& call,
                       inference::ModelInferResponse& response) {
  const v1::Metadata& metadata = answer.metadata();
  Begin(call, metadata.model(), response);
  for (const std::string& name : call.outputs) {
    AddOutput(name, name == kText ? answer.text() : answer.raw_text(), call.is_raw, response);
  }
  auto& parameters = *response.mutable_parameters();
  parameters["request_id"].set_string_param(metadata.request_id());
  parameters["finish_reason"].set_string_param(metadata.finish_reason());
  parameters["cached"].set_bool_param(metadata.cached());
  parameters["prompt_tokens"].set_int64_param(metadata.usage().prompt_tokens());
  parameters["completion_tokens"].set_int64_param(metadata.usage().completion_tokens());
  if (call.wants_deltas) parameters["triton_final_response"].set_bool_param(true);
}

void FillInferDelta(std::string text, const InferCall& call,
                    inference::ModelInferResponse& response) {
  Begin(call, call.request.model(), response);
  AddOutput("text_delta", std::move(text), call.is_raw, response);
  (*response.mutable_parameters())["triton_final_response"].set_bool_param(false);
}

void FillModelMetadata(const std::string& name, const std::string& engine,
                       inference::ModelMetadataResponse& response) {
  const auto fill = [](const char* tensor, auto& metadata) {
    metadata.set_name(tensor);
    metadata.set_datatype(kBytes);
    metadata.add_shape(1);
  };
  response.set_name(name);
  response.add_versions(std::string(kVersion));
  response.set_platform("maoocr_" + engine);
  fill(kImage, *response.add_inputs());
  for (const char* input : kTextInputs) fill(input, *response.add_inputs());
  fill(kText, *response.add_outputs());
  fill(kRawText, *response.add_outputs());
}

}  // namespace mao
