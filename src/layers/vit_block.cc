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

TokenGroups OneGroup(int64_t num_tokens) {
  TokenGroups groups = {1, num_tokens, std::vector<int32_t>(static_cast<size_t>(num_tokens))};
  std::iota(groups.rows.begin(), groups.rows.end(), 0);
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

size_t VitBlock::ScratchBytes(int64_t tokens, const TokenGroups& groups, int64_t side) const {
  const int64_t depth = std::max(width(), fc2.in_features());
  return std::max(DotScratchBytes(tokens, depth),
                  DenseAttentionScratchBytes(groups.num_groups, groups.group_size, num_heads,
                                             head_dim(), side));
}

void VitBlock::Forward(ExecutionContext& ctx, const TokenGroups& groups,
                       const RelativePositions* relative, int64_t tokens, float* x,
                       Workspace& workspace) const {
  float* norm = workspace.norm.data();
  norm1.Forward(ctx, x, tokens, norm);
  qkv.Forward(ctx, norm, width(), tokens, workspace.qkv.data(), 3 * width());
  DenseAttentionArgs args;
  args.qkv = workspace.qkv.data();
  args.qkv_stride = 3 * width();
  args.rows = groups.rows.data();
  args.padding = padding.data();
  args.num_groups = groups.num_groups;
  args.group_size = groups.group_size;
  args.num_heads = num_heads;
  args.head_dim = head_dim();
  args.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim())));
  args.compute = ctx.compute;
  args.relative = relative;
  args.out = workspace.context.data();
  args.out_stride = width();
  DenseAttention(args, ctx.scratch.bytes(), ctx.pool);
  proj.Forward(ctx, workspace.context.data(), width(), tokens, x, width(), Activation::kNone,
               /*accumulate=*/true);
  norm2.Forward(ctx, x, tokens, norm);
  Linear::ForwardBoth(ctx, fc1, act, fc2, norm, tokens, x,
                      reinterpret_cast<std::byte*>(workspace.mlp.data()));
}

}  // namespace mao
