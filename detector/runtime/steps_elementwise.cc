// SPDX-License-Identifier: Apache-2.0
// Steps of operators that treat every element alike; see step_context.h.
#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

#include "detector/kernels/activation_f32.h"
#include "detector/kernels/add_n.h"
#include "detector/kernels/binary.h"
#include "detector/kernels/cast.h"
#include "detector/kernels/data_movement.h"
#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/per_channel_f32.h"
#include "detector/kernels/unary.h"
#include "detector/runtime/onednn_step.h"
#include "detector/runtime/step_context.h"

namespace cyto8 {
namespace {

template <typename Kernel>
struct Mapping {
  Op op;
  Kernel kernel;
};

template <typename Table>
auto Find(const Table& table, Op op)
    -> std::optional<decltype(table.front().kernel)> {
  const auto found = std::ranges::find(table, op, [](auto& m) { return m.op; });
  if (found == table.end()) return std::nullopt;
  return found->kernel;
}

constexpr auto kUnary = std::to_array<Mapping<UnaryOp>>({
    {Op::kRelu, UnaryOp::kRelu},
    {Op::kRelu6, UnaryOp::kRelu6},
    {Op::kLeakyRelu, UnaryOp::kLeakyRelu},
    {Op::kElu, UnaryOp::kElu},
    {Op::kSelu, UnaryOp::kSelu},
    {Op::kSigmoid, UnaryOp::kSigmoid},
    {Op::kTanh, UnaryOp::kTanh},
    {Op::kSoftplus, UnaryOp::kSoftplus},
    {Op::kSoftsign, UnaryOp::kSoftsign},
    {Op::kExp, UnaryOp::kExp},
    {Op::kLog, UnaryOp::kLog},
    {Op::kLog1p, UnaryOp::kLog1p},
    {Op::kSqrt, UnaryOp::kSqrt},
    {Op::kRsqrt, UnaryOp::kRsqrt},
    {Op::kSquare, UnaryOp::kSquare},
    {Op::kReciprocal, UnaryOp::kReciprocal},
    {Op::kNeg, UnaryOp::kNeg},
    {Op::kAbs, UnaryOp::kAbs},
    {Op::kFloor, UnaryOp::kFloor},
    {Op::kCeil, UnaryOp::kCeil},
    {Op::kRound, UnaryOp::kRound},
    {Op::kErf, UnaryOp::kErf},
    {Op::kSwish, UnaryOp::kSwish},
    {Op::kHardSwish, UnaryOp::kHardSwish},
    {Op::kMish, UnaryOp::kMish},
});

constexpr auto kBinary = std::to_array<Mapping<BinaryOp>>({
    {Op::kAdd, BinaryOp::kAdd},
    {Op::kSub, BinaryOp::kSub},
    {Op::kMul, BinaryOp::kMul},
    {Op::kDiv, BinaryOp::kDiv},
    {Op::kFloorDiv, BinaryOp::kFloorDiv},
    {Op::kFloorMod, BinaryOp::kFloorMod},
    {Op::kMaximum, BinaryOp::kMaximum},
    {Op::kMinimum, BinaryOp::kMinimum},
    {Op::kPow, BinaryOp::kPow},
    {Op::kSquaredDifference, BinaryOp::kSquaredDifference},
});

constexpr auto kCompare = std::to_array<Mapping<CompareOp>>({
    {Op::kGreater, CompareOp::kGreater},
    {Op::kGreaterEqual, CompareOp::kGreaterEqual},
    {Op::kLess, CompareOp::kLess},
    {Op::kLessEqual, CompareOp::kLessEqual},
    {Op::kEqual, CompareOp::kEqual},
    {Op::kNotEqual, CompareOp::kNotEqual},
});

// What has fast kernels, ours or oneDNN's.
constexpr auto kActivations = std::to_array<Mapping<Activation>>({
    {Op::kRelu, Activation::kRelu},
    {Op::kRelu6, Activation::kRelu6},
    {Op::kSigmoid, Activation::kSigmoid},
    {Op::kSwish, Activation::kSwish},
    {Op::kHardSwish, Activation::kHardSwish},
});

float Parameter(const Node& node) {
  if (node.op == Op::kLeakyRelu) return node.As<LeakyReluAttributes>().alpha;
  if (node.op == Op::kSwish) return node.As<SwishAttributes>().beta;
  return 0;
}

// NotMine() if the naive kernel shall do it.
MaybeStep FastUnary(const StepContext& context) {
  const Op op = context.node().op;
  const auto activation = Find(kActivations, op);
  const bool usable = context.engine() == Engine::kOneDnn && activation &&
                      context.src_count() > 0;
  if (!usable) return NotMine();
  const float parameter = Parameter(context.node());
  const Isa isa = context.isa();
  if (isa == Isa::kPlain || (op == Op::kSwish && parameter != 1)) {
    return OneDnnStep(
        OneDnnPrimitive::Eltwise(*activation, parameter, context.src_count()));
  }
  return StepThat({0}, [=](const StepBuffers& b) {
    return ActivateF32(isa, *activation, b.In<float>(0), b.Out<float>());
  });
}

MaybeStep MakeUnary(const StepContext& context, UnaryOp op) {
  return ForNumber(context.src_type(), [&](auto zero) -> MaybeStep {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, float>) {
      CYTO8_ASSIGN_OR_RETURN(const Step fast, FastUnary(context));
      if (fast.bind) return fast;
      const float parameter = Parameter(context.node());
      return StepThat({0}, [=](const StepBuffers& b) {
        return UnaryF32(op, parameter, b.In<T>(0), b.Out<T>());
      });
    } else {
      return StepThat({0}, [=](const StepBuffers& b) {
        return UnaryInt(op, b.In<T>(0), b.Out<T>());
      });
    }
  });
}

// The shapes of both operands, owned by the step.
struct OperandShapes {
  Shape a;
  Shape b;
  explicit OperandShapes(const StepContext& context)
      : a(context.src_shape(0)), b(context.src_shape(1)) {}
  BinaryShape View() const { return {.a = a, .b = b}; }
};

MaybeStep MakeBinary(const StepContext& context, BinaryOp op) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(context.src_type()));
  return ForNumber(context.src_type(), [&](auto zero) -> MaybeStep {
    using T = decltype(zero);
    return StepThat(
        {0, 1}, [op, shapes = OperandShapes(context)](const StepBuffers& b) {
          return Binary(op, shapes.View(), b.In<T>(0), b.In<T>(1), b.Out<T>());
        });
  });
}

template <typename T>
Step CompareStep(const StepContext& context, CompareOp op) {
  return StepThat({0, 1}, [op, shapes = OperandShapes(context)](
                              const StepBuffers& b) {
    return Compare(op, shapes.View(), b.In<T>(0), b.In<T>(1), b.Out<uint8_t>());
  });
}

MaybeStep MakeCompare(const StepContext& context, CompareOp op) {
  const DataType type = context.src_type();
  CYTO8_RETURN_IF_ERROR(context.CheckType(type));
  if (type == DataType::kBool || type == DataType::kUint8) {
    return CompareStep<uint8_t>(context, op);
  }
  return ForNumber(type, [&](auto zero) -> MaybeStep {
    return CompareStep<decltype(zero)>(context, op);
  });
}

MaybeStep MakeLogical(const StepContext& context, LogicalOp op) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kBool));
  return StepThat({0, 1},
                  [op, shapes = OperandShapes(context)](const StepBuffers& b) {
                    return Logical(op, shapes.View(), b.In<uint8_t>(0),
                                   b.In<uint8_t>(1), b.Out<uint8_t>());
                  });
}

MaybeStep MakeLogicalNot(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kBool));
  return StepThat({0}, [](const StepBuffers& b) {
    return LogicalNot(b.In<uint8_t>(0), b.Out<uint8_t>());
  });
}

// The first `count` sources as elements; made once per request.
template <typename T>
std::vector<std::span<const T>> Sources(const StepBuffers& buffers,
                                        size_t count) {
  std::vector<std::span<const T>> sources;
  for (size_t i = 0; i < count; ++i) sources.push_back(buffers.In<T>(i));
  return sources;
}

MaybeStep MakeAddN(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(context.src_type()));
  const size_t count = context.input_count();
  return ForNumber(context.src_type(), [&](auto zero) -> MaybeStep {
    using T = decltype(zero);
    return Step{
        .reads = FirstInputs(count),
        .bind = [count](StepBuffers b) -> StatusOr<StepCall> {
          return StepCall([src = Sources<T>(b, count), dst = b.Out<T>()](
                              ParallelFor&) { return AddN(src, dst); });
        }};
  });
}

MaybeStep MakeWeightedSum(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  const size_t edges = context.input_count() - 1;
  const Shape& shape = context.dst_shape();
  const int64_t channels = shape.empty() ? 1 : shape.back();
  return Step{.reads = FirstInputs(edges + 1),
              .bind = [=](StepBuffers b) -> StatusOr<StepCall> {
                return StepCall([=, src = Sources<float>(b, edges),
                                 weights = b.In<float>(edges),
                                 dst = b.Out<float>()](ParallelFor&) {
                  return WeightedSumF32(channels, weights, src, dst);
                });
              }};
}

PerChannelShape ChannelShape(const StepContext& context) {
  const Shape& shape = context.src_shape();
  return {.rows = Product(shape, 0, shape.size() - 1),
          .channels = shape.back()};
}

MaybeStep MakeBiasAdd(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  return StepThat({0, 1}, [shape =
                               ChannelShape(context)](const StepBuffers& b) {
    return BiasAddF32(shape, b.In<float>(0), b.In<float>(1), b.Out<float>());
  });
}

MaybeStep MakeBatchNorm(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckType(DataType::kFloat32));
  const float epsilon = context.node().As<BatchNormAttributes>().epsilon;
  return StepThat(FirstInputs(5), [shape = ChannelShape(context),
                                   epsilon](const StepBuffers& b) {
    const BatchNormParameters parameters = {.gamma = b.In<float>(1),
                                            .beta = b.In<float>(2),
                                            .mean = b.In<float>(3),
                                            .variance = b.In<float>(4),
                                            .epsilon = epsilon};
    return BatchNormF32(shape, b.In<float>(0), parameters, b.Out<float>());
  });
}

MaybeStep MakeSelect(const StepContext& context) {
  CYTO8_RETURN_IF_ERROR(context.CheckTypes(0, 1, DataType::kBool));
  CYTO8_RETURN_IF_ERROR(context.CheckTypes(2, 3, context.src_type(1)));
  return StepThat(
      FirstInputs(3),
      [condition = context.src_shape(0), then = context.src_shape(1),
       otherwise = context.src_shape(2),
       bytes = ByteSize(context.dst_type())](const StepBuffers& b) {
        return Select({.condition = condition,
                       .then = then,
                       .otherwise = otherwise,
                       .element_bytes = bytes},
                      b.In<uint8_t>(0), b.src[1], b.src[2], b.dst[0]);
      });
}

MaybeStep MakeCast(const StepContext& context) {
  const DataType from = context.src_type();
  const DataType to = context.dst_type();
  return StepThat({0}, [=](const StepBuffers& b) {
    return Cast(from, b.src[0], to, b.dst[0]);
  });
}

// One element of that type.
StatusOr<Tensor> NumberOf(DataType type, uint8_t number) {
  CYTO8_ASSIGN_OR_RETURN(Tensor byte, Tensor::Create(DataType::kUint8, {1}));
  byte.mutable_data<uint8_t>()[0] = number;
  CYTO8_ASSIGN_OR_RETURN(Tensor result, Tensor::Create(type, {1}));
  CYTO8_RETURN_IF_ERROR(
      Cast(DataType::kUint8, byte.bytes(), type, result.mutable_bytes()));
  return result;
}

MaybeStep MakeFilled(const StepContext& context, uint8_t number) {
  CYTO8_ASSIGN_OR_RETURN(Tensor value, NumberOf(context.dst_type(), number));
  return StepThat({}, [value = std::move(value)](const StepBuffers& b) {
    return Fill(value.bytes(), b.dst[0]);
  });
}

}  // namespace

MaybeStep MakeElementwiseStep(const StepContext& context) {
  const Op op = context.node().op;
  if (const auto unary = Find(kUnary, op)) return MakeUnary(context, *unary);
  if (const auto binary = Find(kBinary, op)) {
    return MakeBinary(context, *binary);
  }
  if (const auto compare = Find(kCompare, op)) {
    return MakeCompare(context, *compare);
  }
  switch (op) {
    case Op::kLogicalAnd:
      return MakeLogical(context, LogicalOp::kAnd);
    case Op::kLogicalOr:
      return MakeLogical(context, LogicalOp::kOr);
    case Op::kLogicalNot:
      return MakeLogicalNot(context);
    case Op::kAddN:
      return MakeAddN(context);
    case Op::kWeightedSum:
      return MakeWeightedSum(context);
    case Op::kBiasAdd:
      return MakeBiasAdd(context);
    case Op::kBatchNorm:
      return MakeBatchNorm(context);
    case Op::kSelect:
      return MakeSelect(context);
    case Op::kCast:
      return MakeCast(context);
    case Op::kOnesLike:
      return MakeFilled(context, 1);
    case Op::kZerosLike:
      return MakeFilled(context, 0);
    default:
      return NotMine();
  }
}

}  // namespace cyto8
