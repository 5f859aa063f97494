// Integer weights: what packing stores, and products with it.
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/arch/test_isa.h"
#include "kernels/dot/test_case.h"

namespace mao {
namespace {

constexpr WeightFormat kIntegerFormats[] = {WeightFormat::kInt8, WeightFormat::kInt4};

// One stored weight, read as the comment of PackedWeights describes it.
struct StoredWeight {
  int value;  // -127..127 or 0..15
  float scale;
  float min;  // 0 for kInt8
};

StoredWeight ReadWeight(const PackedWeights& w, int64_t output, int64_t k) {
  const int64_t group_depth = GroupDepth(w.format);
  const std::byte* group = w.data + output / 16 * PanelBytes(w.format, w.k) +
                           k / group_depth * GroupBytes(w.format, group_depth);
  const int64_t depth = std::min(group_depth, IntDepth(w.k) - k / group_depth * group_depth);
  const std::byte* scales = group + GroupBytes(w.format, depth) - 64;
  const int64_t row = k % group_depth / 4;
  const int64_t at = output % 16 * 4 + k % 4;
  StoredWeight weight = {};
  if (w.format == WeightFormat::kInt8) {
    weight.value = reinterpret_cast<const int8_t*>(group)[row * 64 + at];
    weight.scale = reinterpret_cast<const float*>(scales)[output % 16];
  } else {
    const auto byte = static_cast<int>(group[row / 2 * 64 + at]);
    weight.value = row % 2 == 0 ? byte & 15 : byte >> 4;
    const auto* pair = reinterpret_cast<const BFloat16*>(scales) + output % 16 * 2;
    weight.scale = ToFloat(pair[0]);
    weight.min = ToFloat(pair[1]);
  }
  return weight;
}

TEST(DotIntTest, PackingRoundsToTheNearestStepOfTheGroup) {
  for (const WeightFormat format : kIntegerFormats) {
    for (const int64_t k : {32, 96, 192, 320}) {
      Case test(1, 37, k, format, 5);
      for (int64_t i = 0; i < 37; ++i) {
        for (int64_t j = 0; j < k; ++j) {
          const float exact = test.w[static_cast<size_t>(i * k + j)];
          const StoredWeight stored = ReadWeight(test.problem.w, i, j);
          const float value = stored.scale * static_cast<float>(stored.value) + stored.min;
          // Half a step; the scale and the minimum of kInt4 are themselves rounded to 8 bits, which
          // moves the ends of the range by at most 2^-8 of the minimum and 15 * 2^-8 of a step.
          const float slack =
              format == WeightFormat::kInt8 ? 1e-6f : (2.0f + 15 * stored.scale) / 256;
          // The ends of a kInt4 group may be clipped, by at most a tenth of its range (here 2).
          const bool is_end = stored.value == 0 || stored.value == 15;
          const float clipped = format == WeightFormat::kInt4 && is_end ? 0.2f : 0.0f;
          ASSERT_NEAR(value, exact, 0.5f * stored.scale + slack + clipped) << i << " " << j;
          if (format == WeightFormat::kInt8) {
            ASSERT_LE(std::abs(stored.value), 127);
            ASSERT_LE(stored.scale, 1.0f / 127);
          } else {
            ASSERT_LE(stored.scale, 2.0f / 15 * 1.01f);
          }
        }
      }
    }
  }
}

TEST(DotIntTest, GroupsOfZerosAndOfOneValueAreExact) {
  for (const WeightFormat format : kIntegerFormats) {
    for (const float constant : {0.0f, 0.75f}) {
      Case test(3, 16, 192, format, 6);
      std::fill(test.w.begin(), test.w.end(), constant);
      std::fill(test.packed.data, test.packed.data + test.packed.size_bytes, std::byte{0});
      ForEachIsa([&](CpuIsa isa) {
        PackWeightRows(test.w.data(), DType::kF32, 192, 16, test.problem.w, 0);
        for (int64_t j = 0; j < 192; ++j) {
          const StoredWeight stored = ReadWeight(test.problem.w, 7, j);
          EXPECT_FLOAT_EQ(stored.scale * static_cast<float>(stored.value) + stored.min, constant)
              << CpuIsaName(isa);
        }
      });
    }
  }
}

// A row of A rounded group by group, in double.
struct RoundedRow {
  std::vector<int> values;
  std::vector<float> scales;
};

RoundedRow Round(const float* a, int64_t k, int64_t group_depth) {
  RoundedRow row;
  for (int64_t first = 0; first < k; first += group_depth) {
    const int64_t last = std::min(k, first + group_depth);
    float max = 0;
    for (int64_t i = first; i < last; ++i) max = std::max(max, std::abs(a[i]));
    row.scales.push_back(max / 127.0f);
    const float inverse = max > 0 ? 127.0f / max : 0.0f;
    for (int64_t i = first; i < last; ++i) {
      row.values.push_back(static_cast<int>(std::nearbyint(a[i] * inverse)));
    }
  }
  return row;
}

TEST(DotIntTest, ProductsMatchDoubleWithinTheDerivedBound) {
  for (const WeightFormat format : kIntegerFormats) {
    for (const int64_t k : {32, 96, 320}) {
      for (const int64_t m : {1, 3, 4, 5, 16, 33}) {
        Case test(m, 37, k, format, 7);
        std::fill(test.a.begin(), test.a.begin() + std::min<int64_t>(k, 64), 0.0f);  // a zero group
        ForEachIsa([&](CpuIsa isa) {
          RunDot({&test.problem, 1}, DType::kBF16);
          const int64_t group_depth = GroupDepth(format);
          for (int64_t i = 0; i < m; ++i) {
            const RoundedRow row = Round(test.a.data() + i * k, k, group_depth);
            for (int64_t j = 0; j < 37; ++j) {
              double sum = 0;
              double magnitude = 0;
              for (int64_t first = 0; first < k; first += group_depth) {
                int64_t products = 0;
                int64_t values = 0;
                StoredWeight weight = {};
                for (int64_t x = first; x < std::min(k, first + group_depth); ++x) {
                  weight = ReadWeight(test.problem.w, j, x);
                  products += row.values[static_cast<size_t>(x)] * weight.value;
                  values += row.values[static_cast<size_t>(x)];
                }
                const double scale = row.scales[static_cast<size_t>(first / group_depth)];
                const double scaled = scale * weight.scale * static_cast<double>(products);
                const double offset = scale * weight.min * static_cast<double>(values);
                sum += scaled + offset;
                magnitude += std::abs(scaled) + std::abs(offset);
              }
              const auto groups = static_cast<double>(NumGroups(format, k));
              const double bound =
                  std::numeric_limits<float>::epsilon() * (2 * groups + 4) * magnitude;
              ASSERT_NEAR(test.c[static_cast<size_t>(i * 37 + j)], sum, bound)
                  << CpuIsaName(isa) << " k=" << k << " m=" << m << " i=" << i << " j=" << j;
            }
          }
        });
      }
    }
  }
}

TEST(DotIntTest, EveryInstructionSetRowCountAndThreadCountGivesTheSameBits) {
  for (const WeightFormat format : kIntegerFormats) {
    for (const int64_t n : {16, 50, 272}) {
      for (const int64_t k : {320, 416}) {
        Case test(300, n, k, format, 3);
        std::vector<float> expected;
        ForEachIsa([&](CpuIsa isa) {
          std::fill(test.packed.data, test.packed.data + test.packed.size_bytes, std::byte{0});
          PackWeightRows(test.w.data(), DType::kF32, k, n, test.problem.w, 0);
          RunDot({&test.problem, 1}, DType::kBF16);
          if (expected.empty()) expected = test.c;
          ASSERT_EQ(test.c, expected) << CpuIsaName(isa);
          for (const int64_t m : {1, 2, 4, 5, 17, 31, 48, 257}) {
            std::fill(test.c.begin(), test.c.end(), 0.0f);
            DotProblem part = test.problem;
            part.m = m;
            RunDot({&part, 1}, DType::kF32, 3);
            for (int64_t i = 0; i < m * n; ++i) {
              ASSERT_EQ(test.c[static_cast<size_t>(i)], expected[static_cast<size_t>(i)])
                  << CpuIsaName(isa) << " m=" << m << " i=" << i;
            }
          }
        });
      }
    }
  }
}

}  // namespace
}  // namespace mao
