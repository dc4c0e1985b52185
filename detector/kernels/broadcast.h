// SPDX-License-Identifier: Apache-2.0
// NumPy's broadcasting rule as a walk over the result and its operands. Tested
// by tests/detector/kernels/broadcast_test.cc.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "base/checked_math.h"
#include "base/status.h"
#include "detector/kernels/index_walk.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {

// The common shape, and a walk whose array 0 is the result and whose array
// 1 + k is operand k; strides count elements.
template <size_t kOperands>
struct BroadcastPlan {
  int64_t rank = 0;
  std::array<int64_t, kMaxRank> dims = {};
  IndexWalk<kOperands + 1> walk;

  std::span<const int64_t> shape() const {
    return {dims.data(), static_cast<size_t>(rank)};
  }
};

// The size of the axis that is `from_end` places before the last; 1 if the
// shape is too short.
inline int64_t DimFromEnd(std::span<const int64_t> shape, int64_t from_end) {
  const auto rank = static_cast<int64_t>(shape.size());
  return from_end < rank ? shape[static_cast<size_t>(rank - 1 - from_end)] : 1;
}

// Merges one operand's size into that of the result.
inline Status BroadcastDim(int64_t size, int64_t from_end, int64_t& result) {
  if (size == result || size == 1) return OkStatus();
  if (result != 1) {
    return InvalidArgument("axis " + std::to_string(-1 - from_end) +
                           " of an operand = " + std::to_string(size) +
                           ": must be 1 or " + std::to_string(result));
  }
  result = size;
  return OkStatus();
}

// kInvalidArgument if the shapes do not broadcast, are not shapes, or the
// result has too many elements.
template <size_t kOperands>
StatusOr<BroadcastPlan<kOperands>> PlanBroadcast(
    const std::array<std::span<const int64_t>, kOperands>& shapes) {
  BroadcastPlan<kOperands> plan;
  for (const std::span<const int64_t> shape : shapes) {
    CYTO8_RETURN_IF_ERROR(CheckShape("operand", shape));
    plan.rank = std::max(plan.rank, static_cast<int64_t>(shape.size()));
  }
  std::array<WalkAxis<kOperands + 1>, kMaxRank> axes;  // from the last axis.
  std::array<int64_t, kOperands + 1> stride;
  stride.fill(1);
  for (int64_t i = 0; i < plan.rank; ++i) {
    int64_t& result = plan.dims[static_cast<size_t>(plan.rank - 1 - i)];
    result = 1;
    for (size_t k = 0; k < kOperands; ++k) {
      const int64_t size = DimFromEnd(shapes[k], i);
      CYTO8_RETURN_IF_ERROR(BroadcastDim(size, i, result));
      axes[static_cast<size_t>(i)].stride[k + 1] =
          size == 1 ? 0 : stride[k + 1];
      stride[k + 1] *= size;
    }
    axes[static_cast<size_t>(i)].size = result;
    axes[static_cast<size_t>(i)].stride[0] = stride[0];
    CYTO8_ASSIGN_OR_RETURN(stride[0], CheckedMul(stride[0], result));
  }
  for (int64_t i = plan.rank; i-- > 0;) {
    plan.walk.AddInner(axes[static_cast<size_t>(i)]);
  }
  return plan;
}

}  // namespace cyto8
