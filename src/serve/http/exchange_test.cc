#include "serve/http/exchange.h"

#include <functional>
#include <memory>

#include <gtest/gtest.h>

namespace mao {
namespace {

class ExchangeTest : public ::testing::Test {
 protected:
  // Notes that it was called; holds the exchange, as what answers it does.
  std::function<void()> Callback() {
    return [this, held = exchange_] { ++num_calls_; };
  }

  std::shared_ptr<Exchange> exchange_ = std::make_shared<Exchange>(HttpRequest(), [] {});
  int num_calls_ = 0;
};

TEST_F(ExchangeTest, TellsOnceThatTheClientHasGone) {
  exchange_->OnDisconnect(Callback());
  exchange_->Disconnect();
  exchange_->Disconnect();
  EXPECT_EQ(num_calls_, 1);
  exchange_->OnDisconnect(Callback());
  EXPECT_EQ(num_calls_, 2);
}

TEST_F(ExchangeTest, ForgetsTheCallbackAtTheEndWhicheverComesFirst) {
  const std::weak_ptr<Exchange> early = exchange_;
  exchange_->OnDisconnect(Callback());
  exchange_->Send({200, "text/plain", "", {}});
  EXPECT_TRUE(exchange_->Take().ended);
  exchange_ = std::make_shared<Exchange>(HttpRequest(), [] {});
  EXPECT_TRUE(early.expired());

  const std::weak_ptr<Exchange> late = exchange_;
  exchange_->Send({200, "text/plain", "", {}});
  EXPECT_TRUE(exchange_->Take().ended);
  exchange_->OnDisconnect(Callback());
  exchange_.reset();
  EXPECT_TRUE(late.expired());
  EXPECT_EQ(num_calls_, 0);
}

}  // namespace
}  // namespace mao
