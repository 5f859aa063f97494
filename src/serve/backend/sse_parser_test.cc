#include "serve/backend/sse_parser.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mao {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The events of a stream that comes in pieces of `size` bytes, as "type|data".
std::vector<std::string> Parse(std::string_view stream, size_t size = 1 << 20) {
  std::vector<std::string> events;
  SseParser parser;
  while (!stream.empty()) {
    const Status status = parser.Feed(stream.substr(0, size), [&](const SseEvent& event) {
      events.push_back(event.type + "|" + event.data);
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    stream.remove_prefix(std::min(size, stream.size()));
  }
  return events;
}

// Whole, and cut everywhere.
#define EXPECT_EVENTS(stream, matcher)      \
  do {                                      \
    EXPECT_THAT(Parse(stream), matcher);    \
    EXPECT_THAT(Parse(stream, 1), matcher); \
    EXPECT_THAT(Parse(stream, 3), matcher); \
  } while (false)

TEST(SseParserTest, Events) {
  EXPECT_EVENTS("data: a\n\ndata: b\n\n", ElementsAre("message|a", "message|b"));
  EXPECT_EVENTS("data:a\n\n", ElementsAre("message|a"));
  EXPECT_EVENTS("data:  a\n\n", ElementsAre("message| a"));
  EXPECT_EVENTS("data: a: b\n\n", ElementsAre("message|a: b"));
  EXPECT_EVENTS("data: a\ndata: b\n\n", ElementsAre("message|a\nb"));
  EXPECT_EVENTS("data\n\n", ElementsAre("message|"));
  EXPECT_EVENTS("data\ndata\n\n", ElementsAre("message|\n"));
}

TEST(SseParserTest, EveryLineEnd) {
  EXPECT_EVENTS("data: a\r\n\r\ndata: b\r\n\r\n", ElementsAre("message|a", "message|b"));
  EXPECT_EVENTS("data: a\r\rdata: b\r\r", ElementsAre("message|a", "message|b"));
  EXPECT_EVENTS("data: a\r\n\ndata: b\n\r\n", ElementsAre("message|a", "message|b"));
}

TEST(SseParserTest, CommentsAndOtherFields) {
  EXPECT_EVENTS(": keep-alive\n\n: x\ndata: a\nid: 7\nretry: 10\nunknown: x\n\n",
                ElementsAre("message|a"));
  EXPECT_EVENTS("event: error\ndata: a\n\ndata: b\n\n", ElementsAre("error|a", "message|b"));
  // A type without data is no event, and does not stay.
  EXPECT_EVENTS("event: x\n\ndata: a\n\n", ElementsAre("message|a"));
}

TEST(SseParserTest, AByteOrderMarkIsSkippedOnce) {
  EXPECT_EVENTS(
      "\xEF\xBB\xBF"
      "data: a\n\n",
      ElementsAre("message|a"));
  EXPECT_EVENTS(
      "data: a\n\n\xEF\xBB\xBF"
      "data: b\n\n",
      ElementsAre("message|a"));
}

TEST(SseParserTest, AnUnfinishedEventIsNone) {
  EXPECT_EVENTS("data: a\n", IsEmpty());
  EXPECT_EVENTS("data: a", IsEmpty());
}

TEST(SseParserTest, CharactersMayBeCutButNotBroken) {
  EXPECT_EVENTS("data: \xE6\xBC\xA2\xF0\x9F\x98\x80\n\n",
                ElementsAre("message|\xE6\xBC\xA2\xF0\x9F\x98\x80"));
  EXPECT_EVENTS(
      "data: a\xFF"
      "b\xE6\xBC\n\n",
      ElementsAre("message|a\xEF\xBF\xBD"
                  "b\xEF\xBF\xBD"));
}

TEST(SseParserTest, LinesAndEventsAreLimited) {
  const auto ignore = [](const SseEvent&) {};
  SseParser lines({100, 1000});
  EXPECT_TRUE(lines.Feed(std::string(100, 'x'), ignore).ok());
  const Status long_line = lines.Feed("x", ignore);
  EXPECT_EQ(long_line.code(), StatusCode::kOutOfRange);
  EXPECT_THAT(long_line.message(), HasSubstr("100 bytes"));
  EXPECT_EQ(lines.Feed("\n", ignore).code(), StatusCode::kOutOfRange);

  SseParser events({100, 1000});
  Status status;
  int num_lines = 0;
  while (status.ok() && num_lines < 100) {
    status = events.Feed("data: " + std::string(90, 'x') + "\n", ignore);
    ++num_lines;
  }
  EXPECT_EQ(num_lines, 11);
  EXPECT_THAT(status.message(), HasSubstr("1000 bytes"));
}

}  // namespace
}  // namespace mao
