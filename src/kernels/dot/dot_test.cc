#include "kernels/dot/dot.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/arch/test_isa.h"
#include "kernels/arch/test_random.h"
#include "kernels/dot/test_case.h"

namespace mao {
namespace {

TEST(DotTest, MatchesDoubleWithinTheDerivedBound) {
  for (const WeightFormat weights : {WeightFormat::kF32, WeightFormat::kBF16}) {
    for (const DType compute : {DType::kF32, DType::kBF16}) {
      for (const int64_t m : {1, 3, 5, 16, 33}) {
        Case test(m, 37, 96, weights, 7);
        ForEachIsa([&](CpuIsa isa) {
          RunDot({&test.problem, 1}, compute);
          for (int64_t i = 0; i < m; ++i) {
            for (int64_t j = 0; j < 37; ++j) {
              double sum = 0;
              double magnitude = 0;
              for (int64_t k = 0; k < 96; ++k) {
                float a = test.a[static_cast<size_t>(i * 96 + k)];
                if (compute == DType::kBF16) a = ToFloat(ToBFloat16(a));
                const double product =
                    static_cast<double>(a) * test.w[static_cast<size_t>(j * 96 + k)];
                sum += product;
                magnitude += std::abs(product);
              }
              const double bound =
                  std::numeric_limits<float>::epsilon() * (96.0 / 32 + 18) * magnitude;
              ASSERT_NEAR(test.c[static_cast<size_t>(i * 37 + j)], sum, bound)
                  << CpuIsaName(isa) << " m=" << m << " i=" << i << " j=" << j;
            }
          }
        });
      }
    }
  }
}

TEST(DotTest, EveryInstructionSetAndRowCountGivesTheSameBits) {
  for (const WeightFormat weights : {WeightFormat::kF32, WeightFormat::kBF16}) {
    for (const DType compute : {DType::kF32, DType::kBF16}) {
      for (const int64_t n : {16, 50, 272}) {
        Case test(70, n, 320, weights, 3);
        std::vector<float> expected;
        ForEachIsa([&](CpuIsa isa) {
          RunDot({&test.problem, 1}, compute);
          if (expected.empty()) expected = test.c;
          ASSERT_EQ(test.c, expected) << CpuIsaName(isa);
          for (const int64_t m : {1, 2, 4, 5, 17, 31, 48}) {
            std::fill(test.c.begin(), test.c.end(), 0.0f);
            DotProblem part = test.problem;
            part.m = m;
            RunDot({&part, 1}, compute, 3);
            for (int64_t i = 0; i < m * n; ++i) {
              ASSERT_EQ(test.c[static_cast<size_t>(i)], expected[static_cast<size_t>(i)])
                  << CpuIsaName(isa) << " m=" << m;
            }
          }
        });
      }
    }
  }
}

TEST(DotTest, EpilogueAddsBiasActivatesAndAccumulates) {
  for (const Activation act : {Activation::kNone, Activation::kGelu, Activation::kQuickGelu}) {
    for (const int64_t m : {1, 20}) {
      Case test(m, 40, 64, WeightFormat::kBF16, 11);
      // Activations at and beyond the ends of their approximations.
      const std::vector<float> far = {-1000.0f, -6.0f, -5.374f, -3.0f, 3.0f, 5.374f, 6.0f, 1000.0f};
      std::copy(far.begin(), far.end(), test.bias.begin());
      RunDot({&test.problem, 1}, DType::kBF16);
      const std::vector<float> plain = test.c;
      std::vector<float> first;
      ForEachIsa([&](CpuIsa isa) {
        std::fill(test.c.begin(), test.c.end(), 2.0f);
        DotProblem problem = test.problem;
        problem.bias = test.bias.data();
        problem.act = act;
        problem.accumulate = true;
        RunDot({&problem, 1}, DType::kBF16);
        for (size_t i = 0; i < test.c.size(); ++i) {
          const double x = static_cast<double>(plain[i]) + test.bias[i % 40];
          double expected = x;
          if (act == Activation::kGelu) expected = 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
          if (act == Activation::kQuickGelu) expected = x / (1 + std::exp(-1.702 * x));
          // 3e-7 of Erf, a rounding of the sum with 2.0 and of x itself.
          ASSERT_NEAR(test.c[i], expected + 2.0, 1e-6 * (1 + std::abs(x))) << CpuIsaName(isa);
        }
        if (first.empty()) first = test.c;
        EXPECT_EQ(test.c, first) << CpuIsaName(isa);
      });
    }
  }
}

TEST(DotTest, GroupedProblemsWithGatheredRowsEqualSeparateOnes) {
  std::vector<Case*> cases;
  std::vector<DotProblem> problems;
  std::vector<int32_t> rows = {4, 0, 4, 2, 1, 3, 0};
  for (const int64_t m : {7, 0, 1, 6}) {
    cases.push_back(new Case(std::max<int64_t>(m, 5), 48, 128, WeightFormat::kBF16,
                             20 + static_cast<uint64_t>(m)));
    DotProblem problem = cases.back()->problem;
    problem.m = m;
    problem.a_rows = rows.data();
    problems.push_back(problem);
  }
  ForEachIsa([&](CpuIsa isa) {
    for (Case* test : cases) std::fill(test->c.begin(), test->c.end(), 0.0f);
    RunDot(problems, DType::kBF16, 3);
    for (size_t i = 0; i < cases.size(); ++i) {
      const std::vector<float> grouped = cases[i]->c;
      for (int64_t row = 0; row < problems[i].m; ++row) {
        DotProblem single = cases[i]->problem;
        single.m = 1;
        single.a = cases[i]->a.data() + rows[static_cast<size_t>(row)] * 128;
        RunDot({&single, 1}, DType::kBF16, 1);
        for (size_t j = 0; j < 48; ++j) {
          ASSERT_EQ(grouped[static_cast<size_t>(row) * 48 + j], cases[i]->c[j]) << CpuIsaName(isa);
        }
      }
    }
  });
  for (Case* test : cases) delete test;
}

// Large enough for outputs to go past the caches, and small.
TEST(DotTest, ChainedProductsEqualSeparateOnes) {
  for (const int64_t m : {1, 5, 37, 16400}) {
    for (const DType compute : {DType::kF32, DType::kBF16}) {
      if (m > 1000 && compute == DType::kF32) continue;
      const int64_t hidden_width = m > 1000 ? 128 : 96;
      Case first(m, hidden_width, 64, WeightFormat::kBF16, 31);
      Case second(m, 48, hidden_width, WeightFormat::kBF16, 32);
      ForEachIsa([&](CpuIsa isa) {
        if (m > 1000 && isa == CpuIsa::kGeneric) return;
        DotProblem plain = first.problem;
        plain.bias = first.bias.data();
        plain.act = Activation::kGelu;
        RunDot({&plain, 1}, compute);
        DotProblem next = second.problem;
        next.a = first.c.data();
        next.accumulate = true;
        std::fill(second.c.begin(), second.c.end(), 1.0f);
        RunDot({&next, 1}, compute);
        const std::vector<float> expected = second.c;

        AlignedBytes hidden(DotScratchBytes(m, hidden_width));
        DotProblem chained = plain;
        chained.c = nullptr;
        chained.c_prepared = hidden.data;
        RunDot({&chained, 1}, compute);
        next.a = nullptr;
        next.a_prepared = hidden.data;
        std::fill(second.c.begin(), second.c.end(), 1.0f);
        RunDot({&next, 1}, compute);
        EXPECT_TRUE(second.c == expected) << CpuIsaName(isa) << " m=" << m;
      });
    }
  }
}

TEST(DotTest, PackingInPiecesAndFromEveryTypeGivesTheSameWeights) {
  const int64_t n = 37;
  const int64_t k = 64;
  TestRandom random(5);
  std::vector<BFloat16> source(static_cast<size_t>(n * k));
  for (BFloat16& value : source) value = ToBFloat16(random.Float());
  std::vector<float> wide(source.size());
  for (size_t i = 0; i < source.size(); ++i) wide[i] = ToFloat(source[i]);
  for (const WeightFormat format :
       {WeightFormat::kBF16, WeightFormat::kF32, WeightFormat::kInt8, WeightFormat::kInt4}) {
    const size_t size = PackedWeightsBytes(format, n, k);
    AlignedBytes pieces(size);
    PackWeightRows(wide.data(), DType::kF32, k, 32, {format, n, k, pieces.data}, 0);
    PackWeightRows(wide.data() + 32 * k, DType::kF32, k, n - 32, {format, n, k, pieces.data}, 32);
    ForEachIsa([&](CpuIsa isa) {
      AlignedBytes whole(size);
      PackWeightRows(source.data(), DType::kBF16, k, n, {format, n, k, whole.data}, 0);
      EXPECT_TRUE(std::equal(whole.data, whole.data + size, pieces.data)) << CpuIsaName(isa);
    });
  }
}

}  // namespace
}  // namespace mao
