#include "serve/ws/socket_outbox.h"

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(SocketOutboxTest, KeepsTheOrder) {
  int num_wakes = 0;
  SocketOutbox outbox(100, [&] { ++num_wakes; });
  outbox.Send("a");
  outbox.Send("b");
  outbox.Close(1000, "done");
  outbox.Send("too late");
  EXPECT_EQ(num_wakes, 3);
  EXPECT_FALSE(outbox.close().has_value());  // not yet due
  EXPECT_EQ(outbox.Take(), "a");
  EXPECT_EQ(outbox.Take(), "b");
  EXPECT_EQ(outbox.Take(), std::nullopt);
  ASSERT_TRUE(outbox.close().has_value());
  EXPECT_EQ(outbox.close()->code, 1000);
  EXPECT_EQ(outbox.close()->reason, "done");
  outbox.Close(1001, "again");
  EXPECT_EQ(outbox.close()->code, 1000);
}

TEST(SocketOutboxTest, WhatWaitsIsLimited) {
  SocketOutbox outbox(10, [] {});
  outbox.Send(std::string(50, 'x'));  // alone, it may be larger
  EXPECT_FALSE(outbox.is_overflowing());
  EXPECT_EQ(outbox.Take()->size(), 50);
  outbox.Send(std::string(6, 'x'));
  outbox.Send(std::string(4, 'x'));
  EXPECT_FALSE(outbox.is_overflowing());
  outbox.Send("x");
  EXPECT_TRUE(outbox.is_overflowing());
  EXPECT_EQ(outbox.Take(), std::nullopt);
}

TEST(SocketOutboxTest, NothingIsKeptForWhoHasGone) {
  SocketOutbox outbox(10, [] {});
  outbox.Send("a");
  outbox.Disconnect();
  outbox.Send("b");
  outbox.Close(1000, "");
  EXPECT_EQ(outbox.Take(), std::nullopt);
  EXPECT_FALSE(outbox.close().has_value());
}

TEST(SocketOutboxTest, ReasonsFitIntoAControlFrame) {
  SocketOutbox outbox(10, [] {});
  outbox.Close(4000, std::string(500, 'x'));
  EXPECT_EQ(outbox.close()->reason.size(), 123);
}

}  // namespace
}  // namespace mao
