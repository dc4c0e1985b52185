// SPDX-License-Identifier: Apache-2.0
// Reductions over any axes, and ArgMax over one. keep_dims changes no element,
// so kernels do not know it. Tested by tests/detector/kernels/reduce_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// What no element at all gives stands in brackets.
enum class ReduceOp {
  kMean,  // [NaN, of integers 0]; of integers rounded towards zero.
  kSum,   // [0]
  kMax,   // [-infinity, of integers the lowest]; NaN if one is.
  kMin,   // [+infinity, of integers the highest]; NaN if one is.
  kProd,  // [1]
};

std::string_view ReduceOpName(ReduceOp op);  // "mean", ...

// Views: they need to live during the call only. An axis is in [-rank, rank),
// none twice; no axes: dst is src. dst has the other axes in order.
struct ReduceShape {
  std::span<const int64_t> src;
  std::span<const int64_t> axes;
};

// Sums, means and products of floats are accumulated in double, in row-major
// order, and rounded once; integers wrap. dst overlaps no operand. Thread-safe.
Status Reduce(ReduceOp op, const ReduceShape& shape, std::span<const float> src,
              std::span<float> dst);
Status Reduce(ReduceOp op, const ReduceShape& shape,
              std::span<const int32_t> src, std::span<int32_t> dst);
Status Reduce(ReduceOp op, const ReduceShape& shape,
              std::span<const int64_t> src, std::span<int64_t> dst);

enum class LogicalReduceOp {
  kAll,  // [true]
  kAny,  // [false]
};
Status LogicalReduce(LogicalReduceOp op, const ReduceShape& shape,
                     std::span<const uint8_t> src, std::span<uint8_t> dst);

// src [outer, axis, inner], dst [outer, inner]: the first index of the largest
// value along the axis, at least one long. NaN never wins, but for index 0.
struct ArgMaxShape {
  int64_t outer = 1;
  int64_t axis = 0;
  int64_t inner = 1;
};
Status ArgMax(const ArgMaxShape& shape, std::span<const float> src,
              std::span<int32_t> dst);
Status ArgMax(const ArgMaxShape& shape, std::span<const float> src,
              std::span<int64_t> dst);
Status ArgMax(const ArgMaxShape& shape, std::span<const int32_t> src,
              std::span<int32_t> dst);
Status ArgMax(const ArgMaxShape& shape, std::span<const int32_t> src,
              std::span<int64_t> dst);
Status ArgMax(const ArgMaxShape& shape, std::span<const int64_t> src,
              std::span<int32_t> dst);
Status ArgMax(const ArgMaxShape& shape, std::span<const int64_t> src,
              std::span<int64_t> dst);

}  // namespace cyto8
