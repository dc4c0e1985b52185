// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of reductions; see reduce.h. The loops are in
// reduce_naive.h.
#include "detector/kernels/reduce.h"

#include <array>
#include <limits>
#include <string>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"
#include "detector/kernels/reduce_naive.h"

namespace cyto8 {
namespace {

using AxisSet = std::array<bool, kMaxRank>;

StatusOr<AxisSet> ReducedAxes(const ReduceShape& shape) {
  CYTO8_RETURN_IF_ERROR(CheckShape("src", shape.src));
  const auto rank = static_cast<int64_t>(shape.src.size());
  AxisSet reduced = {};
  for (const int64_t axis : shape.axes) {
    CYTO8_RETURN_IF_ERROR(CheckRange("axis", axis, -rank, rank - 1));
    bool& entry = reduced[static_cast<size_t>(axis < 0 ? axis + rank : axis)];
    if (entry) {
      return InvalidArgument("axis = " + std::to_string(axis) +
                             ": named twice");
    }
    entry = true;
  }
  return reduced;
}

StatusOr<ReduceWalk> CheckedWalk(const ReduceShape& shape, size_t src,
                                 size_t dst) {
  CYTO8_ASSIGN_OR_RETURN(const AxisSet reduced, ReducedAxes(shape));
  CYTO8_RETURN_IF_ERROR(CheckSize("src", src, shape.src));
  std::array<int64_t, kMaxRank> kept_stride = {};
  std::array<int64_t, kMaxRank> src_stride = {};
  int64_t src_count = 1;
  ReduceWalk walk;
  for (size_t a = shape.src.size(); a-- > 0;) {
    src_stride[a] = src_count;
    kept_stride[a] = walk.kept_count;
    src_count *= shape.src[a];
    int64_t& count = reduced[a] ? walk.reduced_count : walk.kept_count;
    count *= shape.src[a];
  }
  for (size_t a = 0; a < shape.src.size(); ++a) {
    if (reduced[a]) {
      walk.reduced.AddInner({.size = shape.src[a], .stride = {src_stride[a]}});
    } else {
      walk.kept.AddInner(
          {.size = shape.src[a], .stride = {kept_stride[a], src_stride[a]}});
    }
  }
  CYTO8_RETURN_IF_ERROR(CheckSize("dst", dst, {walk.kept_count}));
  return walk;
}

template <typename T>
Status ReduceOf(ReduceOp op, const ReduceShape& shape, std::span<const T> src,
                std::span<T> dst) {
  CYTO8_ASSIGN_OR_RETURN(const ReduceWalk walk,
                         CheckedWalk(shape, src.size(), dst.size()));
  if (!dst.empty()) ReduceNaive(op, walk, src.data(), dst.data());
  return OkStatus();
}

template <typename T, typename I>
Status ArgMaxOf(const ArgMaxShape& shape, std::span<const T> src,
                std::span<I> dst) {
  CYTO8_RETURN_IF_ERROR(CheckRange("axis size", shape.axis, 1,
                                   std::numeric_limits<int32_t>::max()));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("src", src.size(), {shape.outer, shape.axis, shape.inner}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(), {shape.outer, shape.inner}));
  ArgMaxNaive(shape, src.data(), dst.data());
  return OkStatus();
}

}  // namespace

std::string_view ReduceOpName(ReduceOp op) {
  switch (op) {
    case ReduceOp::kMean:
      return "mean";
    case ReduceOp::kSum:
      return "sum";
    case ReduceOp::kMax:
      return "max";
    case ReduceOp::kMin:
      return "min";
    case ReduceOp::kProd:
      return "prod";
  }
  return "unknown";
}

Status Reduce(ReduceOp op, const ReduceShape& shape, std::span<const float> src,
              std::span<float> dst) {
  return ReduceOf(op, shape, src, dst);
}

Status Reduce(ReduceOp op, const ReduceShape& shape,
              std::span<const int32_t> src, std::span<int32_t> dst) {
  return ReduceOf(op, shape, src, dst);
}

Status Reduce(ReduceOp op, const ReduceShape& shape,
              std::span<const int64_t> src, std::span<int64_t> dst) {
  return ReduceOf(op, shape, src, dst);
}

Status LogicalReduce(LogicalReduceOp op, const ReduceShape& shape,
                     std::span<const uint8_t> src, std::span<uint8_t> dst) {
  CYTO8_ASSIGN_OR_RETURN(const ReduceWalk walk,
                         CheckedWalk(shape, src.size(), dst.size()));
  if (!dst.empty()) LogicalReduceNaive(op, walk, src.data(), dst.data());
  return OkStatus();
}

Status ArgMax(const ArgMaxShape& shape, std::span<const float> src,
              std::span<int32_t> dst) {
  return ArgMaxOf(shape, src, dst);
}

Status ArgMax(const ArgMaxShape& shape, std::span<const float> src,
              std::span<int64_t> dst) {
  return ArgMaxOf(shape, src, dst);
}

Status ArgMax(const ArgMaxShape& shape, std::span<const int32_t> src,
              std::span<int32_t> dst) {
  return ArgMaxOf(shape, src, dst);
}

Status ArgMax(const ArgMaxShape& shape, std::span<const int32_t> src,
              std::span<int64_t> dst) {
  return ArgMaxOf(shape, src, dst);
}

Status ArgMax(const ArgMaxShape& shape, std::span<const int64_t> src,
              std::span<int32_t> dst) {
  return ArgMaxOf(shape, src, dst);
}

Status ArgMax(const ArgMaxShape& shape, std::span<const int64_t> src,
              std::span<int64_t> dst) {
  return ArgMaxOf(shape, src, dst);
}

}  // namespace cyto8
