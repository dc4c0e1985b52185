// SPDX-License-Identifier: Apache-2.0
// Slices resolved; see slice_spec.h.
//
// TensorFlow reads begin, end and strides entry by entry. An entry names the
// next axis of the source, unless it is an ellipsis, which skips as many axes
// as the entries behind it leave, or a new axis, which names none. Axes that no
// entry names are taken whole.
#include "base/slice_spec.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kUnknown = -1;

bool HasBit(int64_t mask, size_t bit) { return (mask >> bit & 1) != 0; }

size_t Index(int64_t i) { return static_cast<size_t>(i); }

// Builds a spec axis by axis.
class SliceBuilder {
 public:
  explicit SliceBuilder(std::span<const int64_t> shape) : shape_(shape) {}

  int64_t dim() const { return shape_[Index(spec_.rank)]; }
  int64_t axes_left() const {
    return static_cast<int64_t>(shape_.size()) - spec_.rank;
  }

  Status AddResultAxis(int64_t size) {
    CYTO8_RETURN_IF_ERROR(CheckRange("rank of the slice", spec_.result_rank + 1,
                                     0, kMaxSliceRank));
    spec_.result_shape[Index(spec_.result_rank++)] = size;
    return OkStatus();
  }

  // The next axis of the source; axes_left() > 0.
  void AddSourceAxis(int64_t begin, int64_t stride, int64_t count) {
    spec_.begin[Index(spec_.rank)] = begin;
    spec_.stride[Index(spec_.rank)] = stride;
    spec_.count[Index(spec_.rank)] = count;
    ++spec_.rank;
  }

  Status AddKeptAxis(int64_t begin, int64_t stride, int64_t count) {
    AddSourceAxis(begin, stride, count);
    return AddResultAxis(count);
  }

  // The next axes, whole, until `left` are left.
  Status AddWholeAxes(int64_t left) {
    while (axes_left() > left) {
      CYTO8_RETURN_IF_ERROR(AddKeptAxis(/*begin=*/0, /*stride=*/1, dim()));
    }
    return OkStatus();
  }

  const SliceSpec& spec() const { return spec_; }

 private:
  std::span<const int64_t> shape_;
  SliceSpec spec_;
};

// One entry that names an axis.
struct Entry {
  size_t number = 0;
  int64_t begin = 0;
  int64_t end = 0;
  int64_t stride = 1;
};

std::string EntryName(std::string_view field, const Entry& entry) {
  return std::string(field) + "[" + std::to_string(entry.number) + "]";
}

// Negative bounds count from the end; all are clamped to where a walk in the
// direction of the stride may stand.
int64_t ClampBound(int64_t bound, int64_t dim, int64_t stride) {
  const int64_t from_start = bound < 0 ? dim + bound : bound;
  return stride > 0 ? std::clamp(from_start, int64_t{0}, dim)
                    : std::clamp(from_start, int64_t{-1}, dim - 1);
}

Status AddShrunkAxis(const Entry& entry, SliceBuilder& builder) {
  if (entry.stride < 0) {
    return InvalidArgument(EntryName("strides", entry) + " = " +
                           std::to_string(entry.stride) +
                           ": must be positive where the axis is shrunk");
  }
  const int64_t dim = builder.dim();
  if (dim == kUnknown) {
    builder.AddSourceAxis(entry.begin, entry.stride, /*count=*/1);
    return OkStatus();
  }
  CYTO8_RETURN_IF_ERROR(
      CheckRange(EntryName("begin", entry), entry.begin, -dim, dim - 1));
  const int64_t begin = entry.begin < 0 ? dim + entry.begin : entry.begin;
  builder.AddSourceAxis(begin, entry.stride, /*count=*/1);
  return OkStatus();
}

Status AddRange(const Entry& entry, const SliceMasks& masks,
                SliceBuilder& builder) {
  const int64_t dim = builder.dim();
  const int64_t stride = entry.stride;
  if (dim == kUnknown) return builder.AddKeptAxis(0, stride, kUnknown);
  const int64_t first = stride > 0 ? 0 : dim - 1;
  const int64_t behind_last = stride > 0 ? dim : -1;
  const int64_t begin = HasBit(masks.begin, entry.number)
                            ? first
                            : ClampBound(entry.begin, dim, stride);
  const int64_t end = HasBit(masks.end, entry.number)
                          ? behind_last
                          : ClampBound(entry.end, dim, stride);
  const int64_t distance = end - begin;
  if (distance == 0 || (distance < 0) != (stride < 0)) {
    return builder.AddKeptAxis(begin, stride, /*count=*/0);
  }
  const int64_t count = distance / stride + (distance % stride != 0 ? 1 : 0);
  return builder.AddKeptAxis(begin, stride, count);
}

Status AddNamedAxis(const Entry& entry, const SliceMasks& masks,
                    SliceBuilder& builder) {
  if (entry.stride == 0) {
    return InvalidArgument(EntryName("strides", entry) + " = 0: must not be 0");
  }
  if (builder.axes_left() == 0) {
    return InvalidArgument(EntryName("begin", entry) +
                           " names an axis that the source does not have");
  }
  return HasBit(masks.shrink_axis, entry.number)
             ? AddShrunkAxis(entry, builder)
             : AddRange(entry, masks, builder);
}

// How many of the entries from `first` on name an axis.
int64_t NamedAxes(size_t first, size_t entries, const SliceMasks& masks) {
  int64_t named = 0;
  for (size_t i = first; i < entries; ++i) {
    if (!HasBit(masks.new_axis, i)) ++named;
  }
  return named;
}

Status CheckShape(std::span<const int64_t> shape) {
  const auto rank = static_cast<int64_t>(shape.size());
  CYTO8_RETURN_IF_ERROR(CheckRange("rank", rank, 0, kMaxSliceRank));
  for (const int64_t dim : shape) {
    CYTO8_RETURN_IF_ERROR(CheckRange("dimension", dim, kUnknown,
                                     std::numeric_limits<int64_t>::max()));
  }
  return OkStatus();
}

Status CheckEntryCount(std::string_view name, size_t entries, size_t expected) {
  return CheckRange(
      "entries of " + std::string(name), static_cast<int64_t>(entries),
      static_cast<int64_t>(expected), static_cast<int64_t>(expected));
}

}  // namespace

StatusOr<SliceSpec> ResolveStridedSlice(std::span<const int64_t> shape,
                                        std::span<const int64_t> begin,
                                        std::span<const int64_t> end,
                                        std::span<const int64_t> strides,
                                        const SliceMasks& masks) {
  CYTO8_RETURN_IF_ERROR(CheckShape(shape));
  CYTO8_RETURN_IF_ERROR(CheckRange("entries of begin",
                                   static_cast<int64_t>(begin.size()), 0,
                                   2 * kMaxSliceRank));
  CYTO8_RETURN_IF_ERROR(CheckEntryCount("end", end.size(), begin.size()));
  CYTO8_RETURN_IF_ERROR(
      CheckEntryCount("strides", strides.size(), begin.size()));
  SliceBuilder builder(shape);
  bool ellipsis_seen = false;
  for (size_t i = 0; i < begin.size(); ++i) {
    if (HasBit(masks.ellipsis, i)) {
      if (ellipsis_seen) {
        return InvalidArgument(
            "ellipsis_mask = " + std::to_string(masks.ellipsis) +
            ": must name at most one entry");
      }
      ellipsis_seen = true;
      CYTO8_RETURN_IF_ERROR(
          builder.AddWholeAxes(NamedAxes(i + 1, begin.size(), masks)));
    } else if (HasBit(masks.new_axis, i)) {
      CYTO8_RETURN_IF_ERROR(builder.AddResultAxis(1));
    } else {
      CYTO8_RETURN_IF_ERROR(AddNamedAxis(
          {.number = i, .begin = begin[i], .end = end[i], .stride = strides[i]},
          masks, builder));
    }
  }
  CYTO8_RETURN_IF_ERROR(builder.AddWholeAxes(/*left=*/0));
  return builder.spec();
}

StatusOr<SliceSpec> ResolveSlice(std::span<const int64_t> shape,
                                 std::span<const int64_t> begin,
                                 std::span<const int64_t> size) {
  CYTO8_RETURN_IF_ERROR(CheckShape(shape));
  CYTO8_RETURN_IF_ERROR(CheckEntryCount("begin", begin.size(), shape.size()));
  CYTO8_RETURN_IF_ERROR(CheckEntryCount("size", size.size(), shape.size()));
  SliceBuilder builder(shape);
  for (size_t i = 0; i < shape.size(); ++i) {
    const Entry entry = {.number = i, .begin = begin[i]};
    const bool known = shape[i] != kUnknown;
    const int64_t dim = known ? shape[i] : std::numeric_limits<int64_t>::max();
    CYTO8_RETURN_IF_ERROR(
        CheckRange(EntryName("begin", entry), begin[i], 0, dim));
    const int64_t left = dim - begin[i];
    CYTO8_RETURN_IF_ERROR(
        CheckRange(EntryName("size", entry), size[i], -1, left));
    const int64_t count = size[i] == -1 && known ? left : size[i];
    CYTO8_RETURN_IF_ERROR(builder.AddKeptAxis(begin[i], /*stride=*/1, count));
  }
  return builder.spec();
}

}  // namespace cyto8
