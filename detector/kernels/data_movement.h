// SPDX-License-Identifier: Apache-2.0
// Operators that move elements without looking at them: any type, told by its
// size in bytes. Operators that only rename a shape are not here. Tested by
// tests/detector/kernels/data_movement_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/slice_spec.h"
#include "base/status.h"

namespace cyto8 {

// All shapes are views that need to live during the call only. Every function
// returns kInvalidArgument if sizes do not fit. dst overlaps no source.
// Thread-safe.

// dst axis i is src axis permutation[i].
struct TransposeShape {
  std::span<const int64_t> src;
  std::span<const int64_t> permutation;
  int64_t element_bytes = 0;
};
Status Transpose(const TransposeShape& shape, std::span<const std::byte> src,
                 std::span<std::byte> dst);

// Concat along an axis, also Pack: `outer` is the product of the axes before
// it, so source i is `outer` pieces of src[i].size() / outer bytes.
Status Concat(int64_t outer, std::span<const std::span<const std::byte>> src,
              std::span<std::byte> dst);
// Its inverse: Split, SplitV, Unpack.
Status Split(int64_t outer, std::span<const std::byte> src,
             std::span<const std::span<std::byte>> dst);

// Slice and StridedSlice: `slice` by ResolveSlice or ResolveStridedSlice for
// this source shape, without unknown dimensions.
struct SliceShape {
  std::span<const int64_t> src;
  const SliceSpec& slice;
  int64_t element_bytes = 0;
};
Status Slice(const SliceShape& shape, std::span<const std::byte> src,
             std::span<std::byte> dst);

// Axis i is repeated multiples[i] >= 0 times.
struct TileShape {
  std::span<const int64_t> src;
  std::span<const int64_t> multiples;
  int64_t element_bytes = 0;
};
Status Tile(const TileShape& shape, std::span<const std::byte> src,
            std::span<std::byte> dst);

// paddings is [rank, 2]: before and after axis i, none negative. `value` is one
// element.
struct PadShape {
  std::span<const int64_t> src;
  std::span<const int64_t> paddings;
  std::span<const std::byte> value;
};
Status Pad(const PadShape& shape, std::span<const std::byte> src,
           std::span<std::byte> dst);

// GatherV2: params [batch, outer, axis, inner], indices [batch, count], dst
// [batch, outer, count, inner]:
//   dst[b, o, i, :] = params[b, o, indices[b, i], :].
// batch is the product of the first batch_dims axes, outer of those between
// them and the axis, inner_bytes what lies behind it. kInvalidArgument for an
// index outside [0, axis).
struct GatherShape {
  int64_t batch = 1;
  int64_t outer = 1;
  int64_t axis = 0;
  int64_t count = 0;
  int64_t inner_bytes = 0;
};
Status Gather(const GatherShape& shape, std::span<const std::byte> params,
              std::span<const int32_t> indices, std::span<std::byte> dst);
Status Gather(const GatherShape& shape, std::span<const std::byte> params,
              std::span<const int64_t> indices, std::span<std::byte> dst);

// Every element of dst becomes `value`, one element.
Status Fill(std::span<const std::byte> value, std::span<std::byte> dst);

// src broadcasts to dst by NumPy's rule.
struct BroadcastToShape {
  std::span<const int64_t> src;
  std::span<const int64_t> dst;
  int64_t element_bytes = 0;
};
Status BroadcastTo(const BroadcastToShape& shape,
                   std::span<const std::byte> src, std::span<std::byte> dst);

// SelectV2: dst = condition ? then : otherwise; the three shapes broadcast
// together. A condition of 0 is false, all else true.
struct SelectShape {
  std::span<const int64_t> condition;
  std::span<const int64_t> then;
  std::span<const int64_t> otherwise;
  int64_t element_bytes = 0;
};
Status Select(const SelectShape& shape, std::span<const uint8_t> condition,
              std::span<const std::byte> then,
              std::span<const std::byte> otherwise, std::span<std::byte> dst);

}  // namespace cyto8
