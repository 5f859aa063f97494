#include "serve/grpc/infer_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;
using testing::HasSubstr;
using namespace std::string_literals;

void AddInput(const std::string& name, ModelInferRequest& request) {
  auto& input = *request.add_inputs();
  input.set_name(name);
  input.set_datatype("BYTES");
  input.add_shape(1);
}

void AddInput(const std::string& name, const std::string& element, ModelInferRequest& request) {
  AddInput(name, request);
  request.mutable_inputs()->rbegin()->mutable_contents()->add_bytes_contents(element);
}

std::string ErrorOf(ModelInferRequest request) {
  const Result<InferCall> call = ParseInferRequest(request);
  return call.ok() ? "" : call.status().message();
}

TEST(InferMessagesTest, ReadsContents) {
  ModelInferRequest request;
  request.set_model_name("m");
  request.set_id("7");
  AddInput("image", "bytes", request);
  AddInput("prompt", "What?", request);
  request.mutable_inputs(1)->add_shape(1);  // [1, 1]
  const Result<InferCall> call = ParseInferRequest(request);
  ASSERT_TRUE(call.ok()) << call.status().ToString();
  EXPECT_EQ(call->request.model(), "m");
  EXPECT_EQ(call->request.image(), "bytes");
  EXPECT_EQ(call->request.prompt(), "What?");
  EXPECT_EQ(call->id, "7");
  EXPECT_FALSE(call->is_raw);
  EXPECT_FALSE(call->wants_deltas);
}

TEST(InferMessagesTest, ReadsRawContents) {
  ModelInferRequest request;
  AddInput("mode", request);
  AddInput("image", request);
  request.add_raw_input_contents("\x04\0\0\0text"s);
  request.add_raw_input_contents("\x03\0\0\0\0\1\2"s);
  const Result<InferCall> call = ParseInferRequest(request);
  ASSERT_TRUE(call.ok()) << call.status().ToString();
  EXPECT_TRUE(call->is_raw);
  EXPECT_EQ(call->request.mode(), "text");
  EXPECT_EQ(call->request.image(), "\0\1\2"s);
}

TEST(InferMessagesTest, RefusesRawContentsThatAreNotOneElement) {
  for (const std::string& raw : {""s, "\x01\0\0"s, "\x03\0\0\0ab"s, "\x03\0\0\0abcd"s,
                                 "\xff\xff\xff\xff"s, "\x01\0\0\0a\x01\0\0\0b"s}) {
    ModelInferRequest request;
    AddInput("image", request);
    request.add_raw_input_contents(raw);
    EXPECT_THAT(ErrorOf(request), HasSubstr("input 'image': raw contents are not one element"));
  }
}

TEST(InferMessagesTest, RefusesTensorsThatDoNotFit) {
  ModelInferRequest good;
  AddInput("image", "bytes", good);
  EXPECT_EQ(ErrorOf(good), "");

  ModelInferRequest request = good;
  request.mutable_inputs(0)->set_datatype("UINT8");
  EXPECT_EQ(ErrorOf(request), "input 'image': datatype 'UINT8'; expected BYTES");
  request = good;
  request.mutable_inputs(0)->set_shape(0, 2);
  EXPECT_THAT(ErrorOf(request), HasSubstr("expected one element"));
  request = good;
  request.mutable_inputs(0)->mutable_contents()->clear_bytes_contents();
  EXPECT_THAT(ErrorOf(request), HasSubstr("0 elements in bytes_contents"));
  request = good;
  AddInput("image", "bytes", request);
  EXPECT_EQ(ErrorOf(request), "input 'image': is there twice");
  request = good;
  AddInput("sampling", "x", request);
  EXPECT_THAT(ErrorOf(request), HasSubstr("input 'sampling': there is no such input"));
  request = good;
  AddInput("prompt", "\xff", request);
  EXPECT_EQ(ErrorOf(request), "input 'prompt': is not UTF-8");
  request = good;
  request.add_raw_input_contents("");
  request.add_raw_input_contents("");
  EXPECT_EQ(ErrorOf(request), "2 raw_input_contents for 1 inputs");
  request = good;
  request.add_outputs()->set_name("boxes");
  EXPECT_EQ(ErrorOf(request), "output 'boxes': there is text and raw_text");
  request = good;
  request.set_model_version("2");
  EXPECT_EQ(ErrorOf(request), "no version '2' of the model; there is 1");
}

TEST(InferMessagesTest, ParametersAreOptions) {
  ModelInferRequest request;
  AddInput("image", "bytes", request);
  auto& parameters = *request.mutable_parameters();
  parameters["temperature"].set_string_param("0.5");
  parameters["top_p"].set_double_param(0.25);
  parameters["max_tokens"].set_int64_param(100);
  parameters["top_k"].set_string_param("5");
  parameters["seed"].set_uint64_param(1ULL << 63);
  parameters["ignore_eos"].set_bool_param(true);
  parameters["priority"].set_int64_param(-1);
  parameters["grounding"].set_bool_param(false);
  parameters["size_mode"].set_string_param("tiny");
  parameters["stream"].set_bool_param(true);
  parameters["triton_enable_empty_final_response"].set_bool_param(true);
  const Result<InferCall> call = ParseInferRequest(request);
  ASSERT_TRUE(call.ok()) << call.status().ToString();
  const maoocr::v1::SamplingOptions& sampling = call->request.sampling();
  EXPECT_EQ(sampling.temperature(), 0.5F);
  EXPECT_EQ(sampling.top_p(), 0.25F);
  EXPECT_EQ(sampling.max_tokens(), 100);
  EXPECT_EQ(sampling.top_k(), 5);
  EXPECT_EQ(sampling.seed(), 1ULL << 63);
  EXPECT_TRUE(sampling.ignore_eos());
  EXPECT_FALSE(sampling.has_min_p());
  EXPECT_EQ(call->request.options().priority(), -1);
  EXPECT_TRUE(call->request.has_grounding());
  EXPECT_FALSE(call->request.grounding());
  EXPECT_EQ(call->request.size_mode(), "tiny");
  EXPECT_TRUE(call->wants_deltas);
}

TEST(InferMessagesTest, RefusesParametersThatDoNotFit) {
  const auto error_of = [](const std::string& name, const auto& set) {
    ModelInferRequest request;
    set((*request.mutable_parameters())[name]);
    return ErrorOf(request);
  };
  const auto text = [](const char* value) {
    return [value](inference::InferParameter& parameter) { parameter.set_string_param(value); };
  };
  EXPECT_EQ(error_of("max_token", text("1")), "there is no parameter 'max_token'");
  EXPECT_EQ(error_of("image", text("x")), "there is no parameter 'image'");
  EXPECT_EQ(error_of("model", text("x")), "there is no parameter 'model'");
  EXPECT_EQ(error_of("sampling", text("x")), "there is no parameter 'sampling'");
  EXPECT_EQ(error_of("stop", text("x")), "there is no parameter 'stop'");
  EXPECT_EQ(error_of("max_tokens", text("1x")),
            "parameter 'max_tokens': expected a value of type int32");
  EXPECT_EQ(error_of("max_tokens", [](auto& value) { value.set_int64_param(1LL << 31); }),
            "parameter 'max_tokens': expected a value of type int32");
  EXPECT_EQ(error_of("max_tokens", [](auto& value) { value.set_double_param(1); }),
            "parameter 'max_tokens': expected a value of type int32");
  EXPECT_EQ(error_of("seed", [](auto& value) { value.set_int64_param(-1); }),
            "parameter 'seed': expected a value of type uint64");
  EXPECT_EQ(error_of("grounding", text("true")),
            "parameter 'grounding': expected a value of type bool");
  EXPECT_EQ(error_of("size_mode", [](auto& value) { value.set_int64_param(1); }),
            "parameter 'size_mode': expected a value of type string");
  EXPECT_EQ(error_of("temperature", [](auto&) {}),
            "parameter 'temperature': expected a value of type float");
}

maoocr::v1::OcrResponse Answer() {
  maoocr::v1::OcrResponse answer;
  answer.set_text("# A");
  answer.set_raw_text("raw");
  answer.mutable_metadata()->set_model("m");
  answer.mutable_metadata()->set_finish_reason("stop");
  answer.mutable_metadata()->mutable_usage()->set_completion_tokens(3);
  return answer;
}

TEST(InferMessagesTest, AnswersInTheFormOfTheRequest) {
  InferCall call;
  call.id = "7";
  call.outputs = {"raw_text", "text"};
  ModelInferResponse response;
  FillInferResponse(Answer(), call, response);
  EXPECT_EQ(response.model_name(), "m");
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_EQ(response.id(), "7");
  ASSERT_EQ(response.outputs_size(), 2);
  EXPECT_EQ(response.outputs(0).name(), "raw_text");
  EXPECT_EQ(response.outputs(0).contents().bytes_contents(0), "raw");
  EXPECT_EQ(response.outputs(1).contents().bytes_contents(0), "# A");
  EXPECT_EQ(response.raw_output_contents_size(), 0);
  EXPECT_EQ(response.parameters().at("finish_reason").string_param(), "stop");
  EXPECT_EQ(response.parameters().at("completion_tokens").int64_param(), 3);
  EXPECT_FALSE(response.parameters().contains("triton_final_response"));

  call.is_raw = true;
  call.wants_deltas = true;
  call.outputs = {"text"};
  response.Clear();
  FillInferResponse(Answer(), call, response);
  ASSERT_EQ(response.raw_output_contents_size(), 1);
  EXPECT_EQ(response.raw_output_contents(0), "\x03\0\0\0# A"s);
  EXPECT_FALSE(response.outputs(0).has_contents());
  EXPECT_TRUE(response.parameters().at("triton_final_response").bool_param());
}

TEST(InferMessagesTest, LengthsAreLittleEndian) {
  InferCall call;
  call.is_raw = true;
  ModelInferResponse response;
  FillInferDelta(std::string(0x010203, 'x'), call, response);
  EXPECT_EQ(response.raw_output_contents(0).substr(0, 5), "\x03\x02\x01\0x"s);
  EXPECT_EQ(response.outputs(0).name(), "text_delta");
  EXPECT_FALSE(response.parameters().at("triton_final_response").bool_param());
}

TEST(InferMessagesTest, MetadataNamesTheTensors) {
  inference::ModelMetadataResponse response;
  FillModelMetadata("m", "vllm_direct", response);
  EXPECT_EQ(response.platform(), "maoocr_vllm_direct");
  ASSERT_EQ(response.versions_size(), 1);
  EXPECT_EQ(response.inputs(0).name(), "image");
  EXPECT_EQ(response.inputs(0).datatype(), "BYTES");
  EXPECT_EQ(response.inputs(1).name(), "prompt");
  EXPECT_EQ(response.outputs(0).name(), "text");
  EXPECT_EQ(response.outputs(1).name(), "raw_text");
}

}  // namespace
}  // namespace mao
