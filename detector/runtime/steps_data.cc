// SPDX-License-Identifier: Apache-2.0
// Steps of operators that make or move elements without computing with them.
// See step_context.h.
#include <algorithm>

#include "base/slice_spec.h"
#include "detector/kernels/data_movement.h"
#include "detector/kernels/range.h"
#include "detector/runtime/step_context.h"

namespace cyto8 {
namespace {

int64_t ElementBytes(const StepContext& context) {
  return ByteSize(context.dst_type());
}

template <typename T>
Step ShapeStep(const Shape& shape) {
  return StepThat({}, [shape](const StepBuffers& b) {
    std::ranges::transform(shape, b.Out<T>().begin(),
                           [](int64_t dim) { return static_cast<T>(dim); });
    return OkStatus();
  });
}

MaybeStep MakeShape(const StepContext& context) {
  const Shape& shape = context.src_shape();
  if (context.dst_type() == DataType::kInt64) return ShapeStep<int64_t>(shape);
  return ShapeStep<int32_t>(shape);
}

MaybeStep MakeTranspose(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> permutation,
                         context.Constant(1, "permutation"));
  const auto rank = static_cast<int64_t>(context.src_shape().size());
  for (int64_t& axis : permutation) {
    if (axis < 0) axis += rank;
  }
  return StepThat(
      {0}, [src = context.src_shape(), permutation = std::move(permutation),
            bytes = ElementBytes(context)](const StepBuffers& b) {
        return Transpose(
            {.src = src, .permutation = permutation, .element_bytes = bytes},
            b.src[0], b.dst[0]);
      });
}

// The first `parts` sources, `outer` pieces of each in turn.
Step JoinStep(size_t parts, int64_t outer) {
  auto bind = [=](StepBuffers b) -> StatusOr<StepCall> {
    b.src.resize(parts);
    return StepCall([outer, b = std::move(b)](ParallelFor&) {
      return Concat(outer, b.src, b.dst[0]);
    });
  };
  return {.reads = FirstInputs(parts), .bind = std::move(bind)};
}

MaybeStep MakeConcat(const StepContext& context) {
  const size_t parts = context.input_count() - 1;
  CYTO8_RETURN_IF_ERROR(context.CheckTypes(1, parts, context.src_type()));
  const auto rank = static_cast<int64_t>(context.dst_shape().size());
  CYTO8_ASSIGN_OR_RETURN(const int64_t axis, context.Axis(parts, rank));
  return JoinStep(parts,
                  Product(context.dst_shape(), 0, static_cast<size_t>(axis)));
}

MaybeStep MakePack(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(context.src_type()));
  const Shape& dst = context.dst_shape();
  const int64_t axis = context.node().As<AxisAttributes>().axis;
  const auto rank = static_cast<int64_t>(dst.size());
  const int64_t from_front = axis < 0 ? axis + rank : axis;
  return JoinStep(context.input_count(),
                  Product(dst, 0, static_cast<size_t>(from_front)));
}

// Input `data` into the outputs along an axis in [0, rank).
Step SeparateStep(const StepContext& context, size_t data, int64_t axis) {
  const int64_t outer =
      Product(context.src_shape(data), 0, static_cast<size_t>(axis));
  return StepThat({data}, [=](const StepBuffers& b) {
    return Split(outer, b.src[data], b.dst);
  });
}

MaybeStep MakeUnpack(const StepContext& context) {
  const int64_t axis = context.node().As<UnpackAttributes>().axis;
  const auto rank = static_cast<int64_t>(context.src_shape().size());
  return SeparateStep(context, /*data=*/0, axis < 0 ? axis + rank : axis);
}

MaybeStep MakeSplit(const StepContext& context, size_t data, size_t axis) {
  const auto rank = static_cast<int64_t>(context.src_shape(data).size());
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, context.Axis(axis, rank));
  return SeparateStep(context, data, at);
}

Step SliceStep(const StepContext& context, const SliceSpec& slice) {
  return StepThat({0}, [src = context.src_shape(), slice,
                        bytes = ElementBytes(context)](const StepBuffers& b) {
    return Slice({.src = src, .slice = slice, .element_bytes = bytes}, b.src[0],
                 b.dst[0]);
  });
}

MaybeStep MakeSlice(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(const auto begin, context.Constant(1, "begin"));
  CYTO8_ASSIGN_OR_RETURN(const auto size, context.Constant(2, "size"));
  CYTO8_ASSIGN_OR_RETURN(const SliceSpec slice,
                         ResolveSlice(context.src_shape(), begin, size));
  return SliceStep(context, slice);
}

MaybeStep MakeStridedSlice(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(const auto begin, context.Constant(1, "begin"));
  CYTO8_ASSIGN_OR_RETURN(const auto end, context.Constant(2, "end"));
  CYTO8_ASSIGN_OR_RETURN(const auto strides, context.Constant(3, "strides"));
  const auto& masks = context.node().As<StridedSliceAttributes>();
  CYTO8_ASSIGN_OR_RETURN(
      const SliceSpec slice,
      ResolveStridedSlice(context.src_shape(), begin, end, strides,
                          {.begin = masks.begin_mask,
                           .end = masks.end_mask,
                           .ellipsis = masks.ellipsis_mask,
                           .new_axis = masks.new_axis_mask,
                           .shrink_axis = masks.shrink_axis_mask}));
  return SliceStep(context, slice);
}

MaybeStep MakeTile(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> multiples,
                         context.Constant(1, "multiples"));
  return StepThat({0}, [src = context.src_shape(),
                        multiples = std::move(multiples),
                        bytes = ElementBytes(context)](const StepBuffers& b) {
    return Tile({.src = src, .multiples = multiples, .element_bytes = bytes},
                b.src[0], b.dst[0]);
  });
}

MaybeStep MakePad(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> paddings,
                         context.Constant(1, "paddings"));
  const bool has_value = context.input_count() > 2;
  if (has_value) {
    CYTO8_RETURN_IF_ERROR(context.CheckTypes(2, 3, context.src_type()));
  }
  std::vector<size_t> reads = {0};
  if (has_value) reads.push_back(2);
  const std::vector<std::byte> zero(static_cast<size_t>(ElementBytes(context)));
  return StepThat(std::move(reads), [src = context.src_shape(), paddings, zero,
                                     has_value](const StepBuffers& b) {
    const std::span<const std::byte> value =
        has_value ? b.src[2] : std::span<const std::byte>(zero);
    return Pad({.src = src, .paddings = paddings, .value = value}, b.src[0],
               b.dst[0]);
  });
}

StatusOr<GatherShape> ShapeOfGather(const StepContext& context) {
  const Shape& params = context.src_shape(0);
  const Shape& indices = context.src_shape(1);
  const auto rank = static_cast<int64_t>(params.size());
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, context.Axis(2, rank));
  const int64_t dims = context.node().As<GatherAttributes>().batch_dims;
  const auto indices_rank = static_cast<int64_t>(indices.size());
  const auto batch_dims =
      static_cast<size_t>(dims < 0 ? dims + indices_rank : dims);
  const auto axis = static_cast<size_t>(at);
  const int64_t inner = Product(params, axis + 1, params.size());
  return GatherShape{.batch = Product(params, 0, batch_dims),
                     .outer = Product(params, batch_dims, axis),
                     .axis = params[axis],
                     .count = Product(indices, batch_dims, indices.size()),
                     .inner_bytes = inner * ElementBytes(context)};
}

MaybeStep MakeGather(const StepContext& context) {
  CYTO8_ASSIGN_OR_RETURN(const GatherShape shape, ShapeOfGather(context));
  if (context.src_type(1) == DataType::kInt64) {
    return StepThat({0, 1}, [shape](const StepBuffers& b) {
      return Gather(shape, b.src[0], b.In<int64_t>(1), b.dst[0]);
    });
  }
  CYTO8_RETURN_IF_ERROR(context.CheckTypes(1, 2, DataType::kInt32));
  return StepThat({0, 1}, [shape](const StepBuffers& b) {
    return Gather(shape, b.src[0], b.In<int32_t>(1), b.dst[0]);
  });
}

MaybeStep MakeFill() {
  return StepThat(
      {1}, [](const StepBuffers& b) { return Fill(b.src[1], b.dst[0]); });
}

MaybeStep MakeRange(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(context.src_type()));
  return ForNumber(context.src_type(), [](auto zero) -> MaybeStep {
    using T = decltype(zero);
    return StepThat({0, 2}, [](const StepBuffers& b) {
      Range(b.In<T>(0)[0], b.In<T>(2)[0], b.Out<T>());
      return OkStatus();
    });
  });
}

MaybeStep MakeBroadcastTo(const StepContext& context) {
  return StepThat({0}, [src = context.src_shape(), dst = context.dst_shape(),
                        bytes = ElementBytes(context)](const StepBuffers& b) {
    return BroadcastTo({.src = src, .dst = dst, .element_bytes = bytes},
                       b.src[0], b.dst[0]);
  });
}

}  // namespace

MaybeStep MakeDataStep(const StepContext& context) {
  const Op op = context.node().op;
  if (OnlyRenames(op)) return CopyStep();
  switch (op) {
    case Op::kShape:
      return MakeShape(context);
    case Op::kTranspose:
      return MakeTranspose(context);
    case Op::kConcat:
      return MakeConcat(context);
    case Op::kPack:
      return MakePack(context);
    case Op::kUnpack:
      return MakeUnpack(context);
    case Op::kSplit:
      return MakeSplit(context, /*data=*/1, /*axis=*/0);
    case Op::kSplitV:
      return MakeSplit(context, /*data=*/0, /*axis=*/2);
    case Op::kSlice:
      return MakeSlice(context);
    case Op::kStridedSlice:
      return MakeStridedSlice(context);
    case Op::kTile:
      return MakeTile(context);
    case Op::kPad:
      return MakePad(context);
    case Op::kGather:
      return MakeGather(context);
    case Op::kFill:
      return MakeFill();
    case Op::kRange:
      return MakeRange(context);
    case Op::kBroadcastTo:
      return MakeBroadcastTo(context);
    default:
      return NotMine();
  }
}

}  // namespace cyto8
