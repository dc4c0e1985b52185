// SPDX-License-Identifier: Apache-2.0
// The shape rules that shape inference is made of: pure arithmetic on shapes
// that may have unknown dimensions. Know no graph. Tested through
// tests/detector/graph/shape_inference_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/graph/tensor.h"

namespace cyto8 {

// Without a value not even the rank is known.
using MaybeShape = std::optional<Shape>;

// axis in [-rank, rank) to [0, rank).
StatusOr<int64_t> NormalizeAxis(int64_t axis, int64_t rank);

// NumPy broadcasting; an unknown dimension against one above 1 takes that one.
StatusOr<MaybeShape> BroadcastShapes(const MaybeShape& a, const MaybeShape& b);

// Two shapes that must be equal; known dimensions win over unknown ones.
StatusOr<MaybeShape> MergeShapes(const MaybeShape& a, const MaybeShape& b);

StatusOr<MaybeShape> ReshapedShape(const MaybeShape& x,
                                   const std::vector<int64_t>& wanted);
StatusOr<MaybeShape> SqueezedShape(const MaybeShape& x,
                                   const std::vector<int64_t>& axes);
StatusOr<MaybeShape> ReducedShape(const MaybeShape& x,
                                  const std::vector<int64_t>& axes,
                                  bool keep_dims);
StatusOr<MaybeShape> TransposedShape(const MaybeShape& x,
                                     const std::vector<int64_t>& permutation);
// One output of a split along an axis into equal parts.
StatusOr<MaybeShape> SplitShape(const MaybeShape& x, int64_t axis,
                                int64_t count);
// The outputs of a split into parts of the given sizes, which must add up to
// the dimension; one -1 takes what is left.
StatusOr<std::vector<MaybeShape>> UnevenSplitShapes(
    const MaybeShape& x, int64_t axis, const std::vector<int64_t>& sizes);
StatusOr<MaybeShape> SlicedShape(const MaybeShape& x,
                                 const std::vector<int64_t>& begin,
                                 const std::vector<int64_t>& size);
StatusOr<MaybeShape> StridedSliceShape(const MaybeShape& x,
                                       const std::vector<int64_t>& begin,
                                       const std::vector<int64_t>& end,
                                       const std::vector<int64_t>& strides,
                                       const StridedSliceAttributes& masks);
StatusOr<MaybeShape> TiledShape(const MaybeShape& x,
                                const std::vector<int64_t>& multiples);
// `paddings`: before, after of each axis in turn.
StatusOr<MaybeShape> PaddedShape(const MaybeShape& x,
                                 const std::vector<int64_t>& paddings);
StatusOr<MaybeShape> GatheredShape(const MaybeShape& x,
                                   const MaybeShape& indices, int64_t axis,
                                   int64_t batch_dims);

// Height and width of a window operator on an NHWC image of that shape.
struct WindowShape {
  std::array<int64_t, 2> kernel;  // y, x.
  std::array<int64_t, 2> strides;
  std::array<int64_t, 2> dilations = {1, 1};
  Padding padding;
};
StatusOr<MaybeShape> WindowedShape(const MaybeShape& image,
                                   const WindowShape& window,
                                   int64_t out_channels);

}  // namespace cyto8
