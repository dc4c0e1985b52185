// SPDX-License-Identifier: Apache-2.0
// Steps of operators that sum or compare along axes: reductions, ArgMax,
// softmax, matrix product. See step_context.h.
#include "base/checked_math.h"
#include "detector/kernels/matmul_f32.h"
#include "detector/kernels/reduce.h"
#include "detector/kernels/softmax_f32.h"
#include "detector/runtime/step_context.h"

namespace cyto8 {
namespace {

MaybeStep MakeReduce(const StepContext& context, ReduceOp op) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> axes,
                         context.Constant(1, "axes"));
  return ForNumber(context.src_type(), [&](auto zero) -> MaybeStep {
    using T = decltype(zero);
    return StepThat(
        {0}, [op, src = context.src_shape(), axes](const StepBuffers& b) {
          return Reduce(op, {.src = src, .axes = axes}, b.In<T>(0), b.Out<T>());
        });
  });
}

MaybeStep MakeLogicalReduce(const StepContext& context, LogicalReduceOp op) {
  CYTO8_RETURN_IF_ERROR(context.CheckTypes(0, 1, DataType::kBool));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> axes,
                         context.Constant(1, "axes"));
  return StepThat({0},
                  [op, src = context.src_shape(), axes](const StepBuffers& b) {
                    return LogicalReduce(op, {.src = src, .axes = axes},
                                         b.In<uint8_t>(0), b.Out<uint8_t>());
                  });
}

MaybeStep MakeArgMax(const StepContext& context) {
  const Shape& src = context.src_shape();
  CYTO8_ASSIGN_OR_RETURN(const int64_t at,
                         context.Axis(1, static_cast<int64_t>(src.size())));
  const auto axis = static_cast<size_t>(at);
  const ArgMaxShape shape = {.outer = Product(src, 0, axis),
                             .axis = src[axis],
                             .inner = Product(src, axis + 1, src.size())};
  const bool wide = context.dst_type() == DataType::kInt64;
  return ForNumber(context.src_type(), [&](auto zero) -> MaybeStep {
    using T = decltype(zero);
    return StepThat({0}, [=](const StepBuffers& b) {
      return wide ? ArgMax(shape, b.In<T>(0), b.Out<int64_t>())
                  : ArgMax(shape, b.In<T>(0), b.Out<int32_t>());
    });
  });
}

MaybeStep MakeSoftmax(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  const Shape& src = context.src_shape();
  CYTO8_RETURN_IF_ERROR(
      CheckRange("rank of input 0", static_cast<int64_t>(src.size()), 1, 8));
  const SoftmaxShape shape = {.rows = Product(src, 0, src.size() - 1),
                              .columns = src.back()};
  return StepThat({0}, [shape](const StepBuffers& b) {
    return SoftmaxF32(shape, b.In<float>(0), b.Out<float>());
  });
}

MaybeStep MakeMatMul(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  const auto& matmul = context.node().As<MatMulAttributes>();
  const MatMulShape shape = {
      .rows = context.dst_shape()[0],
      .inner = context.src_shape(0)[matmul.transpose_a ? 0 : 1],
      .columns = context.dst_shape()[1],
      .transpose_a = matmul.transpose_a,
      .transpose_b = matmul.transpose_b};
  return StepThat({0, 1}, [shape](const StepBuffers& b) {
    return MatMulF32(shape, b.In<float>(0), b.In<float>(1), b.Out<float>());
  });
}

}  // namespace

MaybeStep MakeReductionStep(const StepContext& context) {
  switch (context.node().op) {
    case Op::kMean:
      return MakeReduce(context, ReduceOp::kMean);
    case Op::kSum:
      return MakeReduce(context, ReduceOp::kSum);
    case Op::kMax:
      return MakeReduce(context, ReduceOp::kMax);
    case Op::kMin:
      return MakeReduce(context, ReduceOp::kMin);
    case Op::kProd:
      return MakeReduce(context, ReduceOp::kProd);
    case Op::kAll:
      return MakeLogicalReduce(context, LogicalReduceOp::kAll);
    case Op::kAny:
      return MakeLogicalReduce(context, LogicalReduceOp::kAny);
    case Op::kArgMax:
      return MakeArgMax(context);
    case Op::kSoftmax:
      return MakeSoftmax(context);
    case Op::kMatMul:
      return MakeMatMul(context);
    default:
      return NotMine();
  }
}

}  // namespace cyto8
