#include "layers/vit_block.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "layers/position_table.h"

namespace mao {

Result<RelativeTables> RelativeTables::Create(const FloatMatrix& rows, const FloatMatrix& cols,
                                              int64_t side) {
  RelativeTables tables;
  tables.side = side;
  MAO_ASSIGN_OR_RETURN(tables.rows, ResizeRowsLinear(rows, 2 * side - 1));
  MAO_ASSIGN_OR_RETURN(tables.cols, ResizeRowsLinear(cols, 2 * side - 1));
  return tables;
}

TokenGroups ConsecutiveGroups(int64_t first_token, int64_t num_groups, int64_t group_size) {
  TokenGroups groups = {num_groups, group_size,
                        std::vector<int32_t>(static_cast<size_t>(num_groups * group_size))};
  std::iota(groups.rows.begin(), groups.rows.end(), static_cast<int32_t>(first_token));
  return groups;
}

TokenGroups Windows(int64_t side, int64_t window) {
  const int64_t per_side = (side + window - 1) / window;
  TokenGroups groups = {per_side * per_side, window * window, {}};
  for (int64_t wy = 0; wy < per_side; ++wy) {
    for (int64_t wx = 0; wx < per_side; ++wx) {
      for (int64_t y = wy * window; y < (wy + 1) * window; ++y) {
        for (int64_t x = wx * window; x < (wx + 1) * window; ++x) {
          const bool inside = y < side && x < side;
          groups.rows.push_back(inside ? static_cast<int32_t>(y * side + x) : -1);
        }
      }
    }
  }
  return groups;
}

Status VitBlock::Workspace::Reserve(const VitBlock& block, int64_t tokens) {
  MAO_RETURN_IF_ERROR(norm.Reserve(tokens, block.width()));
  MAO_RETURN_IF_ERROR(qkv.Reserve(tokens, block.qkv.out_features()));
  MAO_RETURN_IF_ERROR(context.Reserve(tokens, block.width()));
  // Whole tiles of rows.
  return mlp.Reserve((tokens + 15) / 16 * 16, block.fc1.out_features());
}

size_t VitBlock::ScratchBytes(int64_t tokens, std::span<const TokenGroups> groups,
                              int64_t side) const {
  size_t bytes = DotScratchBytes(tokens, std::max(width(), fc2.in_features()));
  for (const TokenGroups& some : groups) {
    bytes = std::max(bytes, DenseAttentionScratchBytes(some.num_groups, some.group_size, num_heads,
                                                       head_dim(), side));
  }
  return bytes;
}

void VitBlock::Forward(ExecutionContext& ctx, std::span<const TokenGroups> groups,
                       const RelativePositions* relative, int64_t tokens, float* x,
                       Workspace& workspace) const {
  float* norm = workspace.norm.data();
  norm1.Forward(ctx, x, tokens, norm);
  qkv.Forward(ctx, norm, width(), tokens, workspace.qkv.data(), 3 * width());
  DenseAttentionArgs args;
  args.qkv = workspace.qkv.data();
  args.qkv_stride = 3 * width();
  args.padding = padding.data();
  args.num_heads = num_heads;
  args.head_dim = head_dim();
  args.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim())));
  args.compute = ctx.compute;
  args.relative = relative;
  args.out = workspace.context.data();
  args.out_stride = width();
  for (const TokenGroups& some : groups) {
    args.rows = some.rows.data();
    args.num_groups = some.num_groups;
    args.group_size = some.group_size;
    DenseAttention(args, ctx.scratch.bytes(), ctx.pool);
  }
  proj.Forward(ctx, workspace.context.data(), width(), tokens, x, width(), Activation::kNone,
               /*accumulate=*/true);
  norm2.Forward(ctx, x, tokens, norm);
  Linear::ForwardBoth(ctx, fc1, act, fc2, norm, tokens, x,
                      reinterpret_cast<std::byte*>(workspace.mlp.data()));
}

}  // namespace mao
