// SPDX-License-Identifier: Apache-2.0
// Checks of data movement, and each operator as a walk or as copies of pieces;
// see data_movement.h.
#include "detector/kernels/data_movement.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "base/checked_math.h"
#include "detector/kernels/broadcast.h"
#include "detector/kernels/index_walk.h"
#include "detector/kernels/kernel_checks.h"
#include "detector/kernels/strided_copy.h"

namespace cyto8 {
namespace {

using Axes = std::array<int64_t, kMaxRank>;

// Above any element type.
constexpr int64_t kMaxElementBytes = 16;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

// A valid shape, an element size, and as many bytes as both say.
Status CheckTensor(std::string_view name, std::span<const int64_t> shape,
                   int64_t element_bytes, size_t bytes) {
  CYTO8_RETURN_IF_ERROR(CheckShape(name, shape));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("element_bytes", element_bytes, 1, kMaxElementBytes));
  CYTO8_ASSIGN_OR_RETURN(const int64_t count, CheckedProduct(shape));
  return CheckBytes(name, bytes, {count, element_bytes});
}

// One entry per axis.
Status CheckEntries(std::string_view name, size_t entries, size_t expected) {
  return CheckSize(name, entries, {static_cast<int64_t>(expected)});
}

// Elements between neighbours along each axis of a dense array.
Axes DenseStrides(std::span<const int64_t> shape) {
  Axes strides = {};
  int64_t stride = 1;
  for (size_t a = shape.size(); a-- > 0;) {
    strides[a] = stride;
    stride *= shape[a];
  }
  return strides;
}

// `count` pieces of `bytes`, dense in a part, `whole_step` bytes apart in the
// whole.
struct Pieces {
  int64_t count = 0;
  int64_t bytes = 0;
  int64_t whole_step = 0;
};

// The parts together are the whole, and each is made of `outer` equal pieces.
template <typename Span>
Status CheckParts(int64_t outer, std::span<const Span> parts, size_t whole) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("outer", outer, 0, std::numeric_limits<int64_t>::max()));
  int64_t bytes = 0;
  for (const Span part : parts) {
    const auto size = static_cast<int64_t>(part.size());
    const int64_t rest = outer == 0 ? size : size % outer;
    CYTO8_RETURN_IF_ERROR(CheckRange("part bytes modulo outer", rest, 0, 0));
    CYTO8_ASSIGN_OR_RETURN(bytes, CheckedAdd(bytes, size));
  }
  return CheckBytes("whole", whole, {bytes});
}

// A copy between dense pieces of a part and spaced pieces of the whole.
IndexWalk<2> PieceWalk(const Pieces& pieces, bool to_whole) {
  IndexWalk<2> walk;
  const int64_t spaced = pieces.whole_step;
  const int64_t dense = pieces.bytes;
  walk.AddInner(
      {.size = pieces.count,
       .stride = {to_whole ? spaced : dense, to_whole ? dense : spaced}});
  walk.AddInner({.size = pieces.bytes, .stride = {1, 1}});
  return walk;
}

// Every axis once.
Status CheckPermutation(std::span<const int64_t> permutation, size_t axes) {
  CYTO8_RETURN_IF_ERROR(CheckEntries("permutation", permutation.size(), axes));
  const auto rank = static_cast<int64_t>(axes);
  std::array<bool, kMaxRank> seen = {};
  for (const int64_t axis : permutation) {
    CYTO8_RETURN_IF_ERROR(CheckRange("permutation", axis, 0, rank - 1));
    if (seen[Index(axis)]) {
      return InvalidArgument("permutation: axis " + std::to_string(axis) +
                             " twice");
    }
    seen[Index(axis)] = true;
  }
  return OkStatus();
}

StatusOr<Axes> TiledShape(const TileShape& shape) {
  CYTO8_RETURN_IF_ERROR(
      CheckEntries("multiples", shape.multiples.size(), shape.src.size()));
  Axes dst_shape = {};
  for (size_t a = 0; a < shape.src.size(); ++a) {
    CYTO8_ASSIGN_OR_RETURN(dst_shape[a],
                           CheckedMul(shape.src[a], shape.multiples[a]));
  }
  return dst_shape;
}

StatusOr<Axes> PaddedShape(const PadShape& shape) {
  CYTO8_RETURN_IF_ERROR(
      CheckEntries("paddings", shape.paddings.size(), 2 * shape.src.size()));
  Axes dst_shape = {};
  for (size_t a = 0; a < shape.src.size(); ++a) {
    const int64_t before = shape.paddings[2 * a];
    const int64_t after = shape.paddings[2 * a + 1];
    CYTO8_RETURN_IF_ERROR(CheckRange("padding", std::min(before, after), 0,
                                     std::numeric_limits<int64_t>::max()));
    CYTO8_ASSIGN_OR_RETURN(const int64_t both, CheckedAdd(before, after));
    CYTO8_ASSIGN_OR_RETURN(dst_shape[a], CheckedAdd(shape.src[a], both));
  }
  return dst_shape;
}

// The slice stays inside the source.
Status CheckSlice(const SliceSpec& slice, std::span<const int64_t> src) {
  CYTO8_RETURN_IF_ERROR(CheckRange("rank of slice", slice.rank,
                                   static_cast<int64_t>(src.size()),
                                   static_cast<int64_t>(src.size())));
  for (size_t a = 0; a < src.size(); ++a) {
    const int64_t count = slice.count[a];
    CYTO8_RETURN_IF_ERROR(CheckRange("slice count", count, 0, src[a]));
    if (count == 0) continue;
    CYTO8_ASSIGN_OR_RETURN(const int64_t distance,
                           CheckedMul(count - 1, slice.stride[a]));
    CYTO8_RETURN_IF_ERROR(
        CheckRange("slice begin", slice.begin[a], 0, src[a] - 1));
    CYTO8_ASSIGN_OR_RETURN(const int64_t last,
                           CheckedAdd(slice.begin[a], distance));
    CYTO8_RETURN_IF_ERROR(CheckRange("slice end", last, 0, src[a] - 1));
  }
  return OkStatus();
}

template <typename I>
Status CheckIndices(std::span<const I> indices, int64_t axis) {
  for (const I index : indices) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("index", static_cast<int64_t>(index), 0, axis - 1));
  }
  return OkStatus();
}

template <typename I>
void GatherPieces(const GatherShape& shape, const std::byte* params,
                  const I* indices, std::byte* dst) {
  const int64_t piece = shape.inner_bytes;
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t o = 0; o < shape.outer; ++o) {
      for (int64_t i = 0; i < shape.count; ++i) {
        std::memcpy(dst, params + int64_t{indices[i]} * piece, Index(piece));
        dst += piece;
      }
      params += shape.axis * piece;
    }
    indices += shape.count;
  }
}

template <typename I>
Status GatherOf(const GatherShape& shape, std::span<const std::byte> params,
                std::span<const I> indices, std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckBytes("params", params.size(),
                 {shape.batch, shape.outer, shape.axis, shape.inner_bytes}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("indices", indices.size(), {shape.batch, shape.count}));
  CYTO8_RETURN_IF_ERROR(
      CheckBytes("dst", dst.size(),
                 {shape.batch, shape.outer, shape.count, shape.inner_bytes}));
  if (dst.empty()) return OkStatus();
  CYTO8_RETURN_IF_ERROR(CheckIndices(indices, shape.axis));
  GatherPieces(shape, params.data(), indices.data(), dst.data());
  return OkStatus();
}

}  // namespace

Status Transpose(const TransposeShape& shape, std::span<const std::byte> src,
                 std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("src", shape.src, shape.element_bytes, src.size()));
  CYTO8_RETURN_IF_ERROR(CheckPermutation(shape.permutation, shape.src.size()));
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("dst", shape.src, shape.element_bytes, dst.size()));
  if (dst.empty()) return OkStatus();
  Axes dst_shape = {};
  for (size_t a = 0; a < shape.src.size(); ++a) {
    dst_shape[a] = shape.src[Index(shape.permutation[a])];
  }
  const Axes src_strides = DenseStrides(shape.src);
  const Axes dst_strides =
      DenseStrides(std::span(dst_shape).first(shape.src.size()));
  IndexWalk<2> walk;
  for (size_t a = 0; a < shape.src.size(); ++a) {
    walk.AddInner(
        {.size = dst_shape[a],
         .stride = {dst_strides[a], src_strides[Index(shape.permutation[a])]}});
  }
  StridedCopy(walk, shape.element_bytes, src.data(), dst.data());
  return OkStatus();
}

Status Concat(int64_t outer, std::span<const std::span<const std::byte>> src,
              std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(CheckParts(outer, src, dst.size()));
  if (dst.empty()) return OkStatus();
  Pieces pieces = {
      .count = outer,
      .whole_step = static_cast<int64_t>(dst.size()) / outer,
  };
  std::byte* out = dst.data();
  for (const std::span<const std::byte> part : src) {
    if (part.empty()) continue;
    pieces.bytes = static_cast<int64_t>(part.size()) / outer;
    StridedCopy(PieceWalk(pieces, /*to_whole=*/true), /*element_bytes=*/1,
                part.data(), out);
    out += pieces.bytes;
  }
  return OkStatus();
}

Status Split(int64_t outer, std::span<const std::byte> src,
             std::span<const std::span<std::byte>> dst) {
  CYTO8_RETURN_IF_ERROR(CheckParts(outer, dst, src.size()));
  if (src.empty()) return OkStatus();
  Pieces pieces = {
      .count = outer,
      .whole_step = static_cast<int64_t>(src.size()) / outer,
  };
  const std::byte* in = src.data();
  for (const std::span<std::byte> part : dst) {
    if (part.empty()) continue;
    pieces.bytes = static_cast<int64_t>(part.size()) / outer;
    StridedCopy(PieceWalk(pieces, /*to_whole=*/false), /*element_bytes=*/1, in,
                part.data());
    in += pieces.bytes;
  }
  return OkStatus();
}

Status Slice(const SliceShape& shape, std::span<const std::byte> src,
             std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("src", shape.src, shape.element_bytes, src.size()));
  CYTO8_RETURN_IF_ERROR(CheckSlice(shape.slice, shape.src));
  const std::span count = std::span(shape.slice.count).first(shape.src.size());
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("dst", count, shape.element_bytes, dst.size()));
  if (dst.empty()) return OkStatus();
  const Axes src_strides = DenseStrides(shape.src);
  const Axes dst_strides = DenseStrides(count);
  int64_t first = 0;
  IndexWalk<2> walk;
  for (size_t a = 0; a < shape.src.size(); ++a) {
    first += shape.slice.begin[a] * src_strides[a];
    // One element takes no step; its stride may be anything.
    const int64_t stride = count[a] == 1 ? 0 : shape.slice.stride[a];
    walk.AddInner({.size = count[a],
                   .stride = {dst_strides[a], stride * src_strides[a]}});
  }
  StridedCopy(walk, shape.element_bytes,
              src.data() + first * shape.element_bytes, dst.data());
  return OkStatus();
}

Status Tile(const TileShape& shape, std::span<const std::byte> src,
            std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("src", shape.src, shape.element_bytes, src.size()));
  CYTO8_ASSIGN_OR_RETURN(const Axes dst_shape, TiledShape(shape));
  const std::span dst_span = std::span(dst_shape).first(shape.src.size());
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("dst", dst_span, shape.element_bytes, dst.size()));
  if (dst.empty()) return OkStatus();
  const Axes src_strides = DenseStrides(shape.src);
  const Axes dst_strides = DenseStrides(dst_span);
  IndexWalk<2> walk;  // repetitions are an axis on which the source rests.
  for (size_t a = 0; a < shape.src.size(); ++a) {
    walk.AddInner({.size = shape.multiples[a],
                   .stride = {dst_strides[a] * shape.src[a], 0}});
    walk.AddInner(
        {.size = shape.src[a], .stride = {dst_strides[a], src_strides[a]}});
  }
  StridedCopy(walk, shape.element_bytes, src.data(), dst.data());
  return OkStatus();
}

Status Pad(const PadShape& shape, std::span<const std::byte> src,
           std::span<std::byte> dst) {
  const auto element_bytes = static_cast<int64_t>(shape.value.size());
  const size_t rank = shape.src.size();
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("src", shape.src, element_bytes, src.size()));
  CYTO8_ASSIGN_OR_RETURN(const Axes dst_shape, PaddedShape(shape));
  const std::span dst_span = std::span(dst_shape).first(rank);
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("dst", dst_span, element_bytes, dst.size()));
  CYTO8_RETURN_IF_ERROR(Fill(shape.value, dst));
  if (src.empty()) return OkStatus();
  const Axes src_strides = DenseStrides(shape.src);
  const Axes dst_strides = DenseStrides(dst_span);
  int64_t first = 0;
  IndexWalk<2> walk;
  for (size_t a = 0; a < rank; ++a) {
    first += shape.paddings[2 * a] * dst_strides[a];
    walk.AddInner(
        {.size = shape.src[a], .stride = {dst_strides[a], src_strides[a]}});
  }
  StridedCopy(walk, element_bytes, src.data(),
              dst.data() + first * element_bytes);
  return OkStatus();
}

Status Gather(const GatherShape& shape, std::span<const std::byte> params,
              std::span<const int32_t> indices, std::span<std::byte> dst) {
  return GatherOf(shape, params, indices, dst);
}

Status Gather(const GatherShape& shape, std::span<const std::byte> params,
              std::span<const int64_t> indices, std::span<std::byte> dst) {
  return GatherOf(shape, params, indices, dst);
}

Status Fill(std::span<const std::byte> value, std::span<std::byte> dst) {
  const auto element_bytes = static_cast<int64_t>(value.size());
  CYTO8_RETURN_IF_ERROR(
      CheckRange("element_bytes", element_bytes, 1, kMaxElementBytes));
  const int64_t count = static_cast<int64_t>(dst.size()) / element_bytes;
  CYTO8_RETURN_IF_ERROR(CheckBytes("dst", dst.size(), {count, element_bytes}));
  if (dst.empty()) return OkStatus();
  IndexWalk<2> walk;
  walk.AddInner({.size = count, .stride = {1, 0}});
  StridedCopy(walk, element_bytes, value.data(), dst.data());
  return OkStatus();
}

Status BroadcastTo(const BroadcastToShape& shape,
                   std::span<const std::byte> src, std::span<std::byte> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("src", shape.src, shape.element_bytes, src.size()));
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("dst", shape.dst, shape.element_bytes, dst.size()));
  CYTO8_ASSIGN_OR_RETURN(const BroadcastPlan<2> plan,
                         PlanBroadcast<2>({shape.src, shape.dst}));
  if (!std::ranges::equal(plan.shape(), shape.dst)) {
    return InvalidArgument("src does not broadcast to the shape of dst");
  }
  if (dst.empty()) return OkStatus();
  const Axes dst_strides = DenseStrides(shape.dst);
  const Axes src_strides = DenseStrides(shape.src);
  const size_t extra = shape.dst.size() - shape.src.size();
  IndexWalk<2> walk;
  for (size_t a = 0; a < shape.dst.size(); ++a) {
    const bool rests = a < extra || shape.src[a - extra] == 1;
    walk.AddInner(
        {.size = shape.dst[a],
         .stride = {dst_strides[a], rests ? 0 : src_strides[a - extra]}});
  }
  StridedCopy(walk, shape.element_bytes, src.data(), dst.data());
  return OkStatus();
}

Status Select(const SelectShape& shape, std::span<const uint8_t> condition,
              std::span<const std::byte> then,
              std::span<const std::byte> otherwise, std::span<std::byte> dst) {
  const int64_t bytes = shape.element_bytes;
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("condition", shape.condition, 1, condition.size()));
  CYTO8_RETURN_IF_ERROR(CheckTensor("then", shape.then, bytes, then.size()));
  CYTO8_RETURN_IF_ERROR(
      CheckTensor("otherwise", shape.otherwise, bytes, otherwise.size()));
  CYTO8_ASSIGN_OR_RETURN(
      const BroadcastPlan<3> plan,
      PlanBroadcast<3>({shape.condition, shape.then, shape.otherwise}));
  CYTO8_RETURN_IF_ERROR(CheckTensor("dst", plan.shape(), bytes, dst.size()));
  if (dst.empty()) return OkStatus();
  const WalkAxis<4> inner = plan.walk.inner();
  plan.walk.ForEachRow([&](const std::array<int64_t, 4>& offsets) {
    for (int64_t i = 0; i < inner.size; ++i) {
      const auto at = [&](size_t k) {
        return offsets[k] + i * inner.stride[k];
      };
      const std::byte* from = condition[Index(at(1))] != 0
                                  ? then.data() + at(2) * bytes
                                  : otherwise.data() + at(3) * bytes;
      std::memcpy(dst.data() + at(0) * bytes, from, Index(bytes));
    }
  });
  return OkStatus();
}

}  // namespace cyto8
