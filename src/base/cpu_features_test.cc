#include "base/cpu_features.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace mao {
namespace {

TEST(CpuFeaturesTest, NamesRoundTripAndUnknownOnesAreRefused) {
  for (const CpuIsa isa : {CpuIsa::kGeneric, CpuIsa::kAvx2, CpuIsa::kAvx512, CpuIsa::kAmx}) {
    auto parsed = ParseCpuIsa(CpuIsaName(isa));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, isa);
  }
  EXPECT_EQ(ParseCpuIsa("sse9").status().code(), StatusCode::kInvalidArgument);
}

TEST(CpuFeaturesTest, EnvironmentLowersAndIsValidated) {
  ASSERT_EQ(setenv("MAOOCR_CPU_ISA", "generic", 1), 0);
  ASSERT_TRUE(SetCpuIsaFromEnvironment().ok());
  EXPECT_EQ(CurrentCpuIsa(), CpuIsa::kGeneric);
  ASSERT_EQ(setenv("MAOOCR_CPU_ISA", "fast", 1), 0);
  EXPECT_NE(SetCpuIsaFromEnvironment().message().find("MAOOCR_CPU_ISA"), std::string::npos);
  unsetenv("MAOOCR_CPU_ISA");
  EXPECT_TRUE(SetCpuIsa(DetectedCpuIsa()).ok());
  if (DetectedCpuIsa() != CpuIsa::kAmx) {
    EXPECT_FALSE(SetCpuIsa(CpuIsa::kAmx).ok());
  }
}

}  // namespace
}  // namespace mao
