#include "kernels/attention/attention.h"

#include <cmath>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "kernels/arch/test_isa.h"
#include "kernels/arch/test_random.h"

namespace mao {
namespace {

// Attention of one query in double.
std::vector<double> Reference(const float* q, const std::vector<const float*>& keys,
                              const std::vector<const float*>& values, int64_t head_dim,
                              double scale, const std::vector<double>& bias = {}) {
  std::vector<double> logits(keys.size());
  double max = -1e300;
  for (size_t k = 0; k < keys.size(); ++k) {
    for (int64_t d = 0; d < head_dim; ++d) logits[k] += static_cast<double>(q[d]) * keys[k][d];
    logits[k] = logits[k] * scale + (bias.empty() ? 0.0 : bias[k]);
    max = std::max(max, logits[k]);
  }
  double sum = 0;
  std::vector<double> out(static_cast<size_t>(head_dim));
  for (size_t k = 0; k < keys.size(); ++k) {
    const double weight = std::exp(logits[k] - max);
    sum += weight;
    for (int64_t d = 0; d < head_dim; ++d) out[static_cast<size_t>(d)] += weight * values[k][d];
  }
  for (double& x : out) x /= sum;
  return out;
}

// Logits up to about 10 carry errors of 10 eps * head_dim; weights and values below 1.
constexpr double kTolerance = 2e-5;
// Rounding a weight to bfloat16 moves it by up to 2^-9 of itself, and so the mean of values below 1.
constexpr double kRoundedTolerance = kTolerance + 0x1p-9;

struct PagedCase {
  PagedCase(DType dtype, int64_t block_size, int64_t num_tokens, int64_t heads, int64_t kv_heads,
            int64_t dim)
      : layout{dtype, block_size, kv_heads, dim}, num_heads(heads) {
    TestRandom random(77);
    q = random.Floats(static_cast<size_t>(num_tokens * heads * dim), 2.0f);
    k = random.Floats(static_cast<size_t>(num_tokens * kv_heads * dim), 2.0f);
    v = random.Floats(static_cast<size_t>(num_tokens * kv_heads * dim));
    if (dtype == DType::kBF16) {
      for (auto* floats : {&q, &k, &v}) {
        for (float& x : *floats) x = ToFloat(ToBFloat16(x));
      }
    }
    const int64_t num_blocks = (num_tokens + block_size - 1) / block_size + 3;
    // Blocks out of order, and memory that no one wrote is NaN.
    for (int64_t i = 0; i < num_blocks - 3; ++i) {
      blocks.push_back(static_cast<uint32_t>((i * 2 + 1) % (num_blocks - 1)));
    }
    if ((num_blocks - 1) % 2 == 0) {
      std::iota(blocks.begin(), blocks.end(), 1u);
      std::reverse(blocks.begin(), blocks.end());
    }
    keys.assign(layout.BlockBytes() * static_cast<size_t>(num_blocks), std::byte{0xFF});
    values = keys;
    std::vector<int64_t> slots;
    for (int64_t t = 0; t < num_tokens; ++t) {
      slots.push_back(static_cast<int64_t>(blocks[static_cast<size_t>(t / block_size)]) *
                          block_size +
                      t % block_size);
    }
    ThreadPool pool(2);
    StoreKeys(k.data(), kv_heads * dim, num_tokens, slots.data(), layout, keys.data(), pool);
    StoreValues(v.data(), kv_heads * dim, num_tokens, slots.data(), layout, values.data(), pool);
  }

  std::vector<float> Run(const std::vector<std::pair<int64_t, int64_t>>& pieces) {
    const int64_t stride = num_heads * layout.head_dim;
    std::vector<float> out(q.size(), -1.0f);
    std::vector<PagedSequence> sequences;
    for (const auto& [first, count] : pieces) {
      sequences.push_back(
          {q.data() + first * stride, out.data() + first * stride, count, first, blocks.data()});
    }
    ThreadPool pool(2);
    PagedAttention(sequences, stride, stride, num_heads, 0.125f, layout, keys.data(), values.data(),
                   pool);
    return out;
  }

  KvLayout layout;
  int64_t num_heads;
  std::vector<float> q, k, v;
  std::vector<uint32_t> blocks;
  std::vector<std::byte> keys, values;
};

TEST(AttentionTest, PagedMatchesDouble) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const int64_t n = 150, heads = 4, kv_heads = 2, dim = 64;
    const double tolerance = dtype == DType::kBF16 ? kRoundedTolerance : kTolerance;
    PagedCase test(dtype, 32, n, heads, kv_heads, dim);
    ForEachIsa([&](CpuIsa isa) {
      const auto out = test.Run({{0, n}});
      for (const int64_t t : {0L, 1L, 15L, 16L, 127L, 128L, 149L}) {
        for (int64_t h = 0; h < heads; ++h) {
          std::vector<const float*> keys, values;
          for (int64_t j = 0; j <= t; ++j) {
            keys.push_back(&test.k[static_cast<size_t>((j * kv_heads + h / 2) * dim)]);
            values.push_back(&test.v[static_cast<size_t>((j * kv_heads + h / 2) * dim)]);
          }
          const size_t at = static_cast<size_t>((t * heads + h) * dim);
          const auto expected = Reference(&test.q[at], keys, values, dim, 0.125);
          for (size_t d = 0; d < expected.size(); ++d) {
            ASSERT_NEAR(out[at + d], expected[d], tolerance) << CpuIsaName(isa) << " t=" << t;
          }
        }
      }
    });
  }
}

// 48 channels are half a block of the products too many, for which there are no tiles.
class PagedAttentionTest : public testing::TestWithParam<std::tuple<DType, int64_t>> {};

TEST_P(PagedAttentionTest, ChunkingBlockSizeAndInstructionSetDoNotChangeABit) {
  // Not a structured binding: clang 14 lets no lambda refer to one.
  const DType dtype = std::get<0>(GetParam());
  const int64_t dim = std::get<1>(GetParam());
  const int64_t n = 300;
  std::vector<float> first;
  for (const int64_t block_size : {16, 32, 48, 128}) {
    PagedCase test(dtype, block_size, n, 4, 2, dim);
    ForEachIsa([&](CpuIsa isa) {
      const auto whole = test.Run({{0, n}});
      if (first.empty()) first = whole;
      ASSERT_EQ(whole, first) << CpuIsaName(isa) << " block_size=" << block_size;
      std::vector<std::pair<int64_t, int64_t>> single;
      for (int64_t t = 0; t < n; ++t) single.push_back({t, 1});
      ASSERT_EQ(test.Run(single), first) << CpuIsaName(isa);
      ASSERT_EQ(test.Run({{0, 7}, {7, 130}, {137, 163}}), first) << CpuIsaName(isa);
    });
  }
}

// 48 channels are half a block of the products too many: computed as floats.
class DenseAttentionTest : public testing::TestWithParam<std::tuple<DType, int64_t>> {};

TEST_P(DenseAttentionTest, WithRelativePositionsAndPaddingMatchesDouble) {
  // Rounding operands to bfloat16 moves logits of up to 10 by 2^-8 of their terms, weights by the
  // same, and so the mean of values below 1 by some 1e-2.
  // Not a structured binding: clang 14 lets no lambda refer to one.
  const DType dtype = std::get<0>(GetParam());
  const int64_t dim = std::get<1>(GetParam());
  const double tolerance = dtype == DType::kBF16 && dim % 32 == 0 ? 2e-2 : kTolerance;
  for (const int64_t side : {3, 14, 16, 20}) {
    const int64_t heads = 2, width = heads * dim, n = side * side, groups = 2;
    TestRandom random(static_cast<uint64_t>(side));
    const auto qkv = random.Floats(static_cast<size_t>((groups * n) * 3 * width));
    const auto padding = random.Floats(static_cast<size_t>(3 * width));
    const auto table_rows = random.Floats(static_cast<size_t>((2 * side - 1) * dim));
    const auto table_cols = random.Floats(static_cast<size_t>((2 * side - 1) * dim));
    const RelativePositions relative = {side, table_rows.data(), table_cols.data()};
    std::vector<int32_t> index(static_cast<size_t>(groups * n));
    std::iota(index.begin(), index.end(), 0);
    index[1] = index[static_cast<size_t>(n) + 2] = -1;
    std::vector<float> out(static_cast<size_t>(groups * n * width));
    DenseAttentionArgs args;
    args.qkv = qkv.data();
    args.qkv_stride = 3 * width;
    args.rows = index.data();
    args.padding = padding.data();
    args.num_groups = groups;
    args.group_size = n;
    args.num_heads = heads;
    args.head_dim = dim;
    args.scale = 0.2f;
    args.compute = dtype;
    args.relative = &relative;
    args.out = out.data();
    args.out_stride = width;
    struct alignas(64) Line {
      std::byte bytes[64];
    };
    std::vector<Line> scratch(
        DenseAttentionScratchBytes(groups, n, heads, dim, side) / sizeof(Line) + 1);
    std::vector<float> first;
    ForEachIsa([&](CpuIsa isa) {
      std::fill(out.begin(), out.end(), -7.0f);
      ThreadPool pool(2);
      DenseAttention(args, std::as_writable_bytes(std::span(scratch)), pool);
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t t = 0; t < n; t += 5) {
          const int32_t row = index[static_cast<size_t>(g * n + t)];
          for (int64_t h = 0; h < heads; ++h) {
            if (row < 0) continue;
            const float* q = &qkv[static_cast<size_t>(row * 3 * width + h * dim)];
            std::vector<const float*> keys, values;
            std::vector<double> bias;
            for (int64_t j = 0; j < n; ++j) {
              const int32_t key_row = index[static_cast<size_t>(g * n + j)];
              const float* token =
                  key_row < 0 ? padding.data() : &qkv[static_cast<size_t>(key_row * 3 * width)];
              keys.push_back(token + width + h * dim);
              values.push_back(token + 2 * width + h * dim);
              double b = 0;
              for (int64_t d = 0; d < dim; ++d) {
                const int64_t y = t / side - j / side + side - 1;
                const int64_t x = t % side - j % side + side - 1;
                b += static_cast<double>(q[d]) * (table_rows[static_cast<size_t>(y * dim + d)] +
                                                  table_cols[static_cast<size_t>(x * dim + d)]);
              }
              bias.push_back(b);
            }
            const auto expected = Reference(q, keys, values, dim, 0.2, bias);
            for (int64_t d = 0; d < dim; ++d) {
              ASSERT_NEAR(out[static_cast<size_t>(row * width + h * dim + d)],
                          expected[static_cast<size_t>(d)], tolerance)
                  << CpuIsaName(isa) << " side=" << side;
            }
          }
        }
      }
      EXPECT_EQ(out[static_cast<size_t>(width)], -7.0f);  // a padded token has no output
      if (first.empty()) first = out;
      EXPECT_EQ(out, first) << CpuIsaName(isa);
    });
  }
}

std::string CaseName(const testing::TestParamInfo<std::tuple<DType, int64_t>>& test) {
  return fmt::format("{}x{}", Name(std::get<0>(test.param)), std::get<1>(test.param));
}
const auto kFormats = testing::Values(DType::kF32, DType::kBF16);
INSTANTIATE_TEST_SUITE_P(Shapes, PagedAttentionTest,
                         testing::Combine(kFormats, testing::Values(48, 64, 128)), CaseName);
INSTANTIATE_TEST_SUITE_P(Shapes, DenseAttentionTest,
                         testing::Combine(kFormats, testing::Values(32, 48)), CaseName);

}  // namespace
}  // namespace mao
