#include "base/status.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace mao {
namespace {

Result<int> Half(int x) {
  if (x % 2 != 0) return InvalidArgumentError("odd");
  return x / 2;
}

Status Quarter(int x, int* out) {
  MAO_ASSIGN_OR_RETURN(const int half, Half(x));
  MAO_ASSIGN_OR_RETURN(*out, Half(half));
  return OkStatus();
}

TEST(StatusTest, MacrosPassErrorsOn) {
  int out = 0;
  EXPECT_TRUE(Quarter(8, &out).ok());
  EXPECT_EQ(out, 2);
  EXPECT_EQ(Quarter(6, &out).ToString(), "INVALID_ARGUMENT: odd");
}

TEST(StatusTest, ContextIsPutInFrontOfErrorsOnly) {
  EXPECT_EQ(NotFoundError("x").WithContext("a").ToString(), "NOT_FOUND: a: x");
  EXPECT_TRUE(OkStatus().WithContext("a").ok());
}

TEST(StatusTest, ResultHoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 3);
}

TEST(StatusTest, ResultFromOkStatusIsAnError) {
  const Result<int> result = OkStatus();
  EXPECT_EQ(result.status().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace mao
