#include "layers/moe.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "layers/test_tensor.h"

namespace mao {
namespace {

constexpr int64_t kHidden = 64;
constexpr int64_t kWidth = 32;
constexpr int64_t kExperts = 5;
constexpr int64_t kChosen = 2;

struct ExpertTensors {
  explicit ExpertTensors(TestRandom& random, int64_t width)
      : gate({width, kHidden}, random, 0.3f),
        up({width, kHidden}, random, 0.3f),
        down({kHidden, width}, random, 0.3f) {}

  Result<GatedMlp> Pack(ThreadPool& pool) const {
    GatedMlp mlp;
    MAO_ASSIGN_OR_RETURN(mlp.gate_up,
                         Linear::Pack({{gate.view(), up.view()}, {}}, WeightFormat::kF32, pool));
    MAO_ASSIGN_OR_RETURN(mlp.down, Linear::Pack({{down.view()}, {}}, WeightFormat::kF32, pool));
    return mlp;
  }

  void Add(const float* x, double weight, std::vector<double>& out) const {
    for (int64_t i = 0; i < gate.shape.dim(0); ++i) {
      double g = 0, u = 0;
      for (int64_t k = 0; k < kHidden; ++k) {
        g += static_cast<double>(gate.at(i, k)) * x[k];
        u += static_cast<double>(up.at(i, k)) * x[k];
      }
      const double h = g / (1 + std::exp(-g)) * u;
      for (int64_t o = 0; o < kHidden; ++o) {
        out[static_cast<size_t>(o)] += weight * h * down.at(o, i);
      }
    }
  }

  TestTensor gate, up, down;
};

class MoeTest : public testing::TestWithParam<bool> {
 protected:
  MoeTest() : pool_(2), random_(9), router_({kExperts, kHidden}, random_), shared_(random_, 96) {
    for (int64_t e = 0; e < kExperts; ++e) experts_.emplace_back(random_, kWidth);
  }

  MixtureOfExperts Make() {
    MixtureOfExperts moe;
    moe.router = std::move(Linear::Pack({{router_.view()}, {}}, WeightFormat::kF32, pool_)).value();
    for (const ExpertTensors& expert : experts_) {
      moe.experts.push_back(std::move(expert.Pack(pool_)).value());
    }
    moe.shared = std::move(shared_.Pack(pool_)).value();
    moe.experts_per_token = kChosen;
    moe.renormalize = GetParam();
    moe.routed_scaling_factor = 1.5f;
    return moe;
  }

  std::vector<float> Run(const MixtureOfExperts& moe, const float* x, int64_t rows) {
    ExecutionContext ctx = {pool_, DType::kF32, {}, {}};
    MixtureOfExperts::Workspace workspace;
    EXPECT_TRUE(workspace.Reserve(moe, rows).ok());
    EXPECT_TRUE(ctx.scratch.Reserve(moe.ScratchBytes(rows)).ok());
    std::vector<float> hidden(static_cast<size_t>(rows * kHidden), 1.0f);
    moe.Forward(ctx, x, rows, hidden.data(), workspace);
    return hidden;
  }

  ThreadPool pool_;
  TestRandom random_;
  TestTensor router_;
  std::vector<ExpertTensors> experts_;
  ExpertTensors shared_;
};

TEST_P(MoeTest, MatchesDouble) {
  const MixtureOfExperts moe = Make();
  const int64_t rows = 21;
  const auto x = random_.Floats(static_cast<size_t>(rows * kHidden));
  const auto hidden = Run(moe, x.data(), rows);
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x.data() + r * kHidden;
    std::vector<double> p(kExperts);
    double sum = 0;
    for (int64_t e = 0; e < kExperts; ++e) {
      double logit = 0;
      for (int64_t k = 0; k < kHidden; ++k) logit += static_cast<double>(router_.at(e, k)) * row[k];
      sum += p[static_cast<size_t>(e)] = std::exp(logit);
    }
    std::vector<size_t> order(kExperts);
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
    const double norm = GetParam() ? p[order[0]] + p[order[1]] : sum;
    std::vector<double> expected(kHidden, 1.0);
    for (size_t i = 0; i < kChosen; ++i) {
      experts_[order[i]].Add(row, 1.5 * p[order[i]] / norm, expected);
    }
    shared_.Add(row, 1.0, expected);
    for (int64_t d = 0; d < kHidden; ++d) {
      ASSERT_NEAR(hidden[static_cast<size_t>(r * kHidden + d)], expected[static_cast<size_t>(d)],
                  1e-4);
    }
  }
}

TEST_P(MoeTest, ATokenAloneGetsTheSameBitsAsInABatch) {
  const MixtureOfExperts moe = Make();
  const int64_t rows = 40;
  const auto x = random_.Floats(static_cast<size_t>(rows * kHidden));
  const auto together = Run(moe, x.data(), rows);
  for (int64_t r = 0; r < rows; ++r) {
    const auto alone = Run(moe, x.data() + r * kHidden, 1);
    for (int64_t d = 0; d < kHidden; ++d) {
      ASSERT_EQ(alone[static_cast<size_t>(d)], together[static_cast<size_t>(r * kHidden + d)]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Renormalize, MoeTest, testing::Bool());

}  // namespace
}  // namespace mao
