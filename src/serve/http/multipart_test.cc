#include "serve/http/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/http/header_parameters.h"

namespace mao {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

const std::string kEnd = "\r\n--b--\r\n";

// One part with these headers.
std::string Part(const std::string& headers, const std::string& body = "x") {
  return "--b\r\n" + headers + "\r\n\r\n" + body + kEnd;
}

std::string Field(const std::string& parameters) {
  return Part("Content-Disposition: form-data; " + parameters);
}

std::string ErrorOf(const std::string& body, const MultipartLimits& limits = {}) {
  const auto parts = ParseMultipart(body, "b", limits);
  return parts.ok() ? "" : parts.status().message();
}

std::string FileNameOf(const std::string& parameters) {
  const auto parts = ParseMultipart(Field("name=a; " + parameters), "b");
  if (!parts.ok()) return "error: " + parts.status().message();
  return parts->front().filename.value_or("none");
}

TEST(MultipartTest, FieldsAndFiles) {
  const std::string whole =
      "--b\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\nmarkdown\r\n"
      "--b  \r\ncontent-disposition:form-data;name=image;filename=\"页.png\"\r\n"
      "Content-Type: image/png\r\nX-Other: 1\r\n\r\n\r\n--c\r\n\xFF\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--b--";
  const auto parts = ParseMultipart(whole, "b");
  ASSERT_TRUE(parts.ok()) << parts.status().message();
  ASSERT_THAT(*parts, SizeIs(3));
  EXPECT_EQ((*parts)[0].name, "mode");
  EXPECT_EQ((*parts)[0].body, "markdown");
  EXPECT_FALSE((*parts)[0].filename.has_value());
  EXPECT_EQ((*parts)[1].name, "image");
  EXPECT_EQ((*parts)[1].filename, "页.png");
  EXPECT_EQ((*parts)[1].content_type, "image/png");
  EXPECT_EQ((*parts)[1].body, "\r\n--c\r\n\xFF");
  EXPECT_EQ((*parts)[2].body, "");
}

TEST(MultipartTest, BytesOfAPartAreAsTheyAre) {
  const std::string bytes("\r\n-\r\n--\r\n--a\0\xFF\r\n", 17);
  const std::string body = Part("Content-Disposition: form-data; name=a", bytes);
  const auto parts = ParseMultipart(body, "b");
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ((*parts)[0].body, bytes);
  EXPECT_GE((*parts)[0].body.data(), body.data());  // not copied
  EXPECT_LE((*parts)[0].body.data(), body.data() + body.size());
}

TEST(MultipartTest, PreambleAndEpilogueAreLeftOut) {
  const auto parts = ParseMultipart("hello\r\n" + Field("name=a") + "bye\r\n--b\r\n", "b");
  ASSERT_TRUE(parts.ok()) << parts.status().message();
  EXPECT_THAT(*parts, SizeIs(1));
  EXPECT_THAT(*ParseMultipart("--b--", "b"), SizeIs(0));
  EXPECT_THAT(*ParseMultipart("--b--  \r\n", "b"), SizeIs(0));
}

TEST(MultipartTest, FileNames) {
  EXPECT_EQ(FileNameOf("filename=plain.png"), "plain.png");
  EXPECT_EQ(FileNameOf("filename=\"a \\\"b\\\" %22c%22 100%25.png\""), "a \"b\" \"c\" 100%25.png");
  EXPECT_EQ(FileNameOf("filename=\"C:\\dir\\a.png\""), "a.png");
  EXPECT_EQ(FileNameOf("filename=\"../../etc/passwd\""), "passwd");
  EXPECT_EQ(FileNameOf("filename=\"x\"; filename*=UTF-8''%E9%A1%B5%20%E2%82%AC.png"), "页 €.png");
  EXPECT_EQ(FileNameOf("filename*=iso-8859-1'en'%E9.png"), "é.png");
  EXPECT_EQ(FileNameOf("filename=\"\""), "");
  EXPECT_THAT(FileNameOf("filename*=UTF-8''%ZZ"), HasSubstr("RFC 8187"));
  EXPECT_THAT(FileNameOf("filename*=koi8-r''x"), HasSubstr("RFC 8187"));
  EXPECT_THAT(FileNameOf("filename*=x"), HasSubstr("RFC 8187"));
}

TEST(MultipartTest, MalformedBodies) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("not in the body"));
  EXPECT_THAT(ErrorOf("--c\r\n\r\n--c--"), HasSubstr("not in the body"));
  EXPECT_THAT(ErrorOf("--b"), HasSubstr("new line"));
  EXPECT_THAT(ErrorOf("--b\n\n--b--"), HasSubstr("new line"));
  EXPECT_THAT(ErrorOf("--bb\r\n"), HasSubstr("new line"));
  EXPECT_THAT(ErrorOf("--b-\r\n"), HasSubstr("new line"));
  EXPECT_THAT(ErrorOf("--b\r\n"), HasSubstr("cut off"));
  EXPECT_THAT(ErrorOf("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx"),
              HasSubstr("part 1: its end is missing"));
  EXPECT_THAT(ErrorOf("--b\r\n--b--"), HasSubstr("headers do not end"));
  EXPECT_THAT(ErrorOf("--b\r\nContent-Disposition: form-data; name=a\r\n--b--"),
              HasSubstr("headers do not end"));
  EXPECT_THAT(ErrorOf("--b\r\n\r\nx" + kEnd), HasSubstr("no Content-Disposition"));
  EXPECT_THAT(ErrorOf("--b--x"), HasSubstr("last boundary"));
}

TEST(MultipartTest, MalformedHeaders) {
  EXPECT_THAT(ErrorOf(Part("nonsense")), HasSubstr("'Name: value'"));
  EXPECT_THAT(ErrorOf(Part(": x")), HasSubstr("'Name: value'"));
  EXPECT_THAT(ErrorOf(Part("A : x")), HasSubstr("'Name: value'"));
  EXPECT_THAT(ErrorOf(Part("A: x\nContent-Disposition: form-data; name=a")),
              HasSubstr("'Name: value'"));
  EXPECT_THAT(ErrorOf(Part("Content-Disposition: form-data;\r\n name=a")), HasSubstr("no name"));
  EXPECT_THAT(ErrorOf(Part("Content-Disposition: attachment; name=a")), HasSubstr("form-data"));
  EXPECT_THAT(ErrorOf(Field("name=\"a")), HasSubstr("form-data"));
  EXPECT_THAT(ErrorOf(Field("name=")), HasSubstr("form-data"));
  EXPECT_THAT(ErrorOf(Field("name=a b=c")), HasSubstr("form-data"));
  EXPECT_THAT(ErrorOf(Field("name=\"\"")), HasSubstr("no name"));
  EXPECT_THAT(ErrorOf(Field("file=a")), HasSubstr("no name"));
  const std::string disposition = "Content-Disposition: form-data; name=a";
  EXPECT_THAT(ErrorOf(Part(disposition + "\r\n" + disposition)), HasSubstr("two"));
  EXPECT_THAT(ErrorOf(Part(disposition + "\r\nContent-Transfer-Encoding: base64")),
              HasSubstr("'binary'"));
  EXPECT_EQ(ErrorOf(Part(disposition + "\r\nContent-Transfer-Encoding: binary")), "");
}

TEST(MultipartTest, Limits) {
  MultipartLimits limits;
  limits.max_parts = 1;
  limits.max_header_bytes = 60;
  limits.max_name_bytes = 5;
  EXPECT_EQ(ErrorOf(Field("name=12345"), limits), "");
  EXPECT_THAT(ErrorOf(Field("name=123456"), limits), HasSubstr("longer than 5 bytes"));
  EXPECT_THAT(ErrorOf(Field("name=a; filename=123456"), limits), HasSubstr("longer than 5 bytes"));
  EXPECT_THAT(ErrorOf(Field("name=a; other=" + std::string(60, 'x')), limits),
              HasSubstr("larger than 60 bytes"));
  const std::string part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  EXPECT_THAT(ErrorOf(part + part + "--b--", limits), HasSubstr("limit of 1"));
}

TEST(MultipartTest, Boundaries) {
  EXPECT_EQ(*MultipartBoundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(*MultipartBoundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\""), "a b:c");
  for (const std::string& header :
       {std::string("multipart/form-data"), std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"a \""),
        std::string("multipart/form-data; boundary=\"a\tb\""),
        "multipart/form-data; boundary=" + std::string(71, 'a'), std::string("")}) {
    EXPECT_FALSE(MultipartBoundary(header).ok()) << header;
  }
}

TEST(HeaderParametersTest, Syntax) {
  const auto value = ParseParameters("Text/HTML ; Charset=\"utf-8\";q=0.5;");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->value, "text/html");
  EXPECT_EQ(*value->Find("charset"), "utf-8");
  EXPECT_EQ(*value->Find("q"), "0.5");
  EXPECT_EQ(value->Find("x"), nullptr);
  for (const char* header : {"", ";", "a b", "a;b", "a;b=", "a;=c", "a;b=\"c", "a;b=c d"}) {
    EXPECT_FALSE(ParseParameters(header).has_value()) << header;
  }
}

}  // namespace
}  // namespace mao
