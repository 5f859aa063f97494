#include "base/log.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mao {
namespace {

std::string Logged(LogFormat format, std::string_view message,
                   std::initializer_list<LogField> fields = {}) {
  SetLogLevel(LogLevel::kInfo);
  SetLogFormat(format);
  testing::internal::CaptureStderr();
  Log(LogLevel::kInfo, message, fields);
  return testing::internal::GetCapturedStderr();
}

TEST(LogTest, TextHasTimeLevelMessageAndFields) {
  const std::string line = Logged(LogFormat::kText, "request",
                                  {{"path", std::string_view("/a b")},
                                   {"id", std::string_view("x1")},
                                   {"status", int64_t{200}},
                                   {"ms", 1.25}});
  EXPECT_EQ(line.substr(23), "Z info request path=\"/a b\" id=x1 status=200 ms=1.2\n");
  EXPECT_EQ(line[10], 'T');
}

TEST(LogTest, JsonIsOneObject) {
  const std::string line =
      Logged(LogFormat::kJson, "said \"你好\"",
             {{"path", std::string_view("a\nb\xff")}, {"n", int64_t{-3}}, {"ms", 0.5}});
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["level"], "info");
  EXPECT_EQ(json["message"], "said \"你好\"");
  EXPECT_EQ(json["path"], "a\nb\xEF\xBF\xBD");
  EXPECT_EQ(json["n"], -3);
  EXPECT_EQ(json["ms"], 0.5);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(LogTest, NobodyForgesALine) {
  const std::string line =
      Logged(LogFormat::kText, "a\nb", {{"path", std::string_view("/x\n2026 info forged")}});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(LogTest, LevelsAndFormatsHaveNames) {
  EXPECT_EQ(*ParseLogLevel("warning"), LogLevel::kWarning);
  EXPECT_EQ(*ParseLogFormat("json"), LogFormat::kJson);
  EXPECT_EQ(ParseLogLevel("loud").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseLogFormat("xml").status().code(), StatusCode::kInvalidArgument);
  SetLogFormat(LogFormat::kText);
  SetLogLevel(LogLevel::kOff);
  testing::internal::CaptureStderr();
  LogError("unheard");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  SetLogLevel(LogLevel::kWarning);
}

}  // namespace
}  // namespace mao
