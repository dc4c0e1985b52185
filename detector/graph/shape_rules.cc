// SPDX-License-Identifier: Apache-2.0
// The shape rules; see shape_rules.h.
#include "detector/graph/shape_rules.h"

#include <algorithm>
#include <string>

#include "base/checked_math.h"
#include "base/slice_spec.h"
#include "detector/graph/shape_inference.h"

namespace cyto8 {
namespace {

int64_t Rank(const Shape& shape) { return static_cast<int64_t>(shape.size()); }

Status ShapeMismatch(const Shape& a, const Shape& b) {
  return InvalidArgument("shapes " + ShapeToString(a) + " and " +
                         ShapeToString(b) + " do not fit together");
}

// The broadcast of two dimensions, or nothing if they contradict each other.
std::optional<int64_t> BroadcastDim(int64_t a, int64_t b) {
  if (a == b || b == 1) return a;
  if (a == 1) return b;
  if (a == kUnknownDim) return b;
  if (b == kUnknownDim) return a;
  return std::nullopt;
}

StatusOr<std::vector<bool>> AxisSet(const std::vector<int64_t>& axes,
                                    int64_t rank) {
  std::vector<bool> set(static_cast<size_t>(rank), false);
  for (const int64_t axis : axes) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t i, NormalizeAxis(axis, rank));
    set[static_cast<size_t>(i)] = true;
  }
  return set;
}

Status CheckLength(const char* name, const std::vector<int64_t>& values,
                   int64_t length) {
  return CheckRange(std::string("length of ") + name,
                    static_cast<int64_t>(values.size()), length, length);
}

}  // namespace

StatusOr<int64_t> NormalizeAxis(int64_t axis, int64_t rank) {
  CYTO8_RETURN_IF_ERROR(CheckRange("axis", axis, -rank, rank - 1));
  return axis < 0 ? axis + rank : axis;
}

StatusOr<MaybeShape> BroadcastShapes(const MaybeShape& a, const MaybeShape& b) {
  if (!a || !b) return MaybeShape();
  Shape result(std::max(a->size(), b->size()), 1);
  for (size_t i = 1; i <= result.size(); ++i) {
    const int64_t dim_a = i <= a->size() ? (*a)[a->size() - i] : 1;
    const int64_t dim_b = i <= b->size() ? (*b)[b->size() - i] : 1;
    const auto dim = BroadcastDim(dim_a, dim_b);
    if (!dim) return ShapeMismatch(*a, *b);
    result[result.size() - i] = *dim;
  }
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> MergeShapes(const MaybeShape& a, const MaybeShape& b) {
  if (!a) return b;
  if (!b) return a;
  if (a->size() != b->size()) return ShapeMismatch(*a, *b);
  Shape result = *a;
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == kUnknownDim) result[i] = (*b)[i];
    if ((*b)[i] != kUnknownDim && (*b)[i] != result[i]) {
      return ShapeMismatch(*a, *b);
    }
  }
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> ReshapedShape(const MaybeShape& x,
                                   const std::vector<int64_t>& wanted) {
  Shape result = wanted;
  const auto free = std::count(result.begin(), result.end(), kUnknownDim);
  CYTO8_RETURN_IF_ERROR(
      CheckRange("number of -1 in shape", static_cast<int64_t>(free), 0, 1));
  if (!x || !IsStatic(*x)) return MaybeShape(std::move(result));
  CYTO8_ASSIGN_OR_RETURN(const int64_t have, ElementCount(*x));
  const auto gap = std::find(result.begin(), result.end(), kUnknownDim);
  if (gap != result.end()) *gap = 1;
  CYTO8_ASSIGN_OR_RETURN(const int64_t want, ElementCount(result));
  if (gap == result.end()) {
    if (have == want) return MaybeShape(std::move(result));
    return ShapeMismatch(*x, wanted);
  }
  if (want == 0 || have % want != 0) return ShapeMismatch(*x, wanted);
  *gap = have / want;
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> SqueezedShape(const MaybeShape& x,
                                   const std::vector<int64_t>& axes) {
  if (!x) return MaybeShape();
  // Without axes an unknown dimension may be 1 or not.
  if (axes.empty() && !IsStatic(*x)) return MaybeShape();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<bool> named,
                         AxisSet(axes, Rank(*x)));
  Shape result;
  for (size_t i = 0; i < x->size(); ++i) {
    const int64_t dim = (*x)[i];
    if (named[i] && dim != 1 && dim != kUnknownDim) {
      return InvalidArgument("dimension " + std::to_string(i) + " of " +
                             ShapeToString(*x) + ": must be 1 to be squeezed");
    }
    if (named[i] || (axes.empty() && dim == 1)) continue;
    result.push_back(dim);
  }
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> ReducedShape(const MaybeShape& x,
                                  const std::vector<int64_t>& axes,
                                  bool keep_dims) {
  if (!x) return MaybeShape();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<bool> named,
                         AxisSet(axes, Rank(*x)));
  Shape result;
  for (size_t i = 0; i < x->size(); ++i) {
    if (!named[i]) {
      result.push_back((*x)[i]);
    } else if (keep_dims) {
      result.push_back(1);
    }
  }
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> TransposedShape(const MaybeShape& x,
                                     const std::vector<int64_t>& permutation) {
  if (!x) return MaybeShape();
  CYTO8_RETURN_IF_ERROR(CheckLength("permutation", permutation, Rank(*x)));
  std::vector<bool> seen(x->size(), false);
  Shape result;
  for (const int64_t entry : permutation) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t axis, NormalizeAxis(entry, Rank(*x)));
    if (seen[static_cast<size_t>(axis)]) {
      return InvalidArgument("permutation = " + ShapeToString(permutation) +
                             ": names axis " + std::to_string(axis) + " twice");
    }
    seen[static_cast<size_t>(axis)] = true;
    result.push_back((*x)[static_cast<size_t>(axis)]);
  }
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> SplitShape(const MaybeShape& x, int64_t axis,
                                int64_t count) {
  if (!x) return MaybeShape();
  CYTO8_ASSIGN_OR_RETURN(const int64_t i, NormalizeAxis(axis, Rank(*x)));
  Shape result = *x;
  int64_t& dim = result[static_cast<size_t>(i)];
  if (dim == kUnknownDim) return MaybeShape(std::move(result));
  if (count < 1 || dim % count != 0) {
    return InvalidArgument("dimension = " + std::to_string(dim) +
                           ": must be a multiple of the " +
                           std::to_string(count) + " parts");
  }
  dim /= count;
  return MaybeShape(std::move(result));
}

StatusOr<std::vector<MaybeShape>> UnevenSplitShapes(
    const MaybeShape& x, int64_t axis, const std::vector<int64_t>& sizes) {
  std::vector<MaybeShape> parts(sizes.size());
  if (!x) return parts;
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, NormalizeAxis(axis, Rank(*x)));
  const int64_t dim = (*x)[static_cast<size_t>(at)];
  const auto free = std::count(sizes.begin(), sizes.end(), kUnknownDim);
  CYTO8_RETURN_IF_ERROR(
      CheckRange("number of -1 in sizes", static_cast<int64_t>(free), 0, 1));
  int64_t rest = dim;
  for (const int64_t size : sizes) {
    if (size == kUnknownDim || dim == kUnknownDim) continue;
    CYTO8_RETURN_IF_ERROR(CheckRange("size", size, 0, rest));
    rest -= size;
  }
  if (dim != kUnknownDim && free == 0) {
    CYTO8_RETURN_IF_ERROR(CheckRange("rest of the dimension", rest, 0, 0));
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    Shape part = *x;
    const bool takes_rest = sizes[i] == kUnknownDim && dim != kUnknownDim;
    part[static_cast<size_t>(at)] = takes_rest ? rest : sizes[i];
    parts[i] = std::move(part);
  }
  return parts;
}

StatusOr<MaybeShape> SlicedShape(const MaybeShape& x,
                                 const std::vector<int64_t>& begin,
                                 const std::vector<int64_t>& size) {
  if (!x) return MaybeShape();
  CYTO8_ASSIGN_OR_RETURN(const SliceSpec spec, ResolveSlice(*x, begin, size));
  const auto shape = spec.ResultShape();
  return MaybeShape(Shape(shape.begin(), shape.end()));
}

StatusOr<MaybeShape> StridedSliceShape(const MaybeShape& x,
                                       const std::vector<int64_t>& begin,
                                       const std::vector<int64_t>& end,
                                       const std::vector<int64_t>& strides,
                                       const StridedSliceAttributes& masks) {
  if (!x) return MaybeShape();
  CYTO8_ASSIGN_OR_RETURN(
      const SliceSpec spec,
      ResolveStridedSlice(*x, begin, end, strides,
                          {.begin = masks.begin_mask,
                           .end = masks.end_mask,
                           .ellipsis = masks.ellipsis_mask,
                           .new_axis = masks.new_axis_mask,
                           .shrink_axis = masks.shrink_axis_mask}));
  const auto shape = spec.ResultShape();
  return MaybeShape(Shape(shape.begin(), shape.end()));
}

StatusOr<MaybeShape> TiledShape(const MaybeShape& x,
                                const std::vector<int64_t>& multiples) {
  if (!x) return MaybeShape();
  CYTO8_RETURN_IF_ERROR(CheckLength("multiples", multiples, Rank(*x)));
  Shape result = *x;
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == kUnknownDim) continue;
    CYTO8_ASSIGN_OR_RETURN(result[i], CheckedMul(result[i], multiples[i]));
    CYTO8_RETURN_IF_ERROR(CheckRange("multiple", multiples[i], 0, INT64_MAX));
  }
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> PaddedShape(const MaybeShape& x,
                                 const std::vector<int64_t>& paddings) {
  if (!x) return MaybeShape();
  CYTO8_RETURN_IF_ERROR(CheckLength("paddings", paddings, 2 * Rank(*x)));
  Shape result = *x;
  for (size_t i = 0; i < paddings.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(CheckRange("padding", paddings[i], 0, INT32_MAX));
    int64_t& dim = result[i / 2];
    if (dim == kUnknownDim) continue;
    CYTO8_ASSIGN_OR_RETURN(dim, CheckedAdd(dim, paddings[i]));
  }
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> GatheredShape(const MaybeShape& x,
                                   const MaybeShape& indices, int64_t axis,
                                   int64_t batch_dims) {
  if (!x || !indices) return MaybeShape();
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, NormalizeAxis(axis, Rank(*x)));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("batch_dims", batch_dims, 0, std::min(at, Rank(*indices))));
  Shape result(x->begin(), x->begin() + at);
  result.insert(result.end(), indices->begin() + batch_dims, indices->end());
  result.insert(result.end(), x->begin() + at + 1, x->end());
  return MaybeShape(std::move(result));
}

StatusOr<MaybeShape> WindowedShape(const MaybeShape& image,
                                   const WindowShape& window,
                                   int64_t out_channels) {
  Shape result = {kUnknownDim, kUnknownDim, kUnknownDim, out_channels};
  if (!image) return MaybeShape(std::move(result));
  const Padding& padding = window.padding;
  const std::array<int64_t, 2> before = {padding.top, padding.left};
  const std::array<int64_t, 2> after = {padding.bottom, padding.right};
  result[0] = (*image)[0];
  for (size_t i = 0; i < 2; ++i) {
    const int64_t side = (*image)[i + 1];
    if (side == kUnknownDim) continue;
    CYTO8_ASSIGN_OR_RETURN(
        const WindowGeometry geometry,
        ResolveWindow(side, window.kernel[i], window.strides[i],
                      window.dilations[i], padding.kind, before[i], after[i]));
    result[i + 1] = geometry.out;
  }
  return MaybeShape(std::move(result));
}

}  // namespace cyto8
