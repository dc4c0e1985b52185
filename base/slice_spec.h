// SPDX-License-Identifier: Apache-2.0
// What Slice and StridedSlice of TensorFlow mean, as begin, stride and count
// per axis. Pure arithmetic: moves no data. Tested by
// tests/base/slice_spec_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// The highest rank of a source or a result.
inline constexpr int64_t kMaxSliceRank = 8;

// TensorFlow's masks: bit i speaks of entry i of begin, end and strides.
struct SliceMasks {
  int64_t begin = 0;        // begin[i] is ignored: from the first element.
  int64_t end = 0;          // end[i] is ignored: to the last element.
  int64_t ellipsis = 0;     // entry i stands for all axes not named.
  int64_t new_axis = 0;     // entry i makes an axis of size 1.
  int64_t shrink_axis = 0;  // entry i picks one element and drops the axis.
};

// Element j of axis a of the slice is element begin[a] + j * stride[a] of axis
// a of the source, for j in [0, count[a]). Reading the source that way, row
// major, gives the elements of the result in order.
struct SliceSpec {
  int64_t rank = 0;  // of the source.
  std::array<int64_t, kMaxSliceRank> begin = {};
  std::array<int64_t, kMaxSliceRank> stride = {};
  std::array<int64_t, kMaxSliceRank> count = {};
  int64_t result_rank = 0;  // new axes added, shrunk axes dropped.
  std::array<int64_t, kMaxSliceRank> result_shape = {};

  std::span<const int64_t> ResultShape() const {
    return {result_shape.data(), static_cast<size_t>(result_rank)};
  }
};

// Begin, end and strides have one length, at most kMaxSliceRank. A dimension of
// -1 is unknown: its count is -1 (unless the axis is shrunk) and its begin has
// no meaning. kInvalidArgument for a zero stride, a shrunk index out of range,
// more entries than axes, several ellipses or a rank above kMaxSliceRank.
StatusOr<SliceSpec> ResolveStridedSlice(std::span<const int64_t> shape,
                                        std::span<const int64_t> begin,
                                        std::span<const int64_t> end,
                                        std::span<const int64_t> strides,
                                        const SliceMasks& masks);

// Slice: begin and size have one entry per axis; size -1 means to the end.
// kInvalidArgument if the slice leaves the source. A dimension of -1 is
// unknown: the count is the size, or -1.
StatusOr<SliceSpec> ResolveSlice(std::span<const int64_t> shape,
                                 std::span<const int64_t> begin,
                                 std::span<const int64_t> size);

}  // namespace cyto8
