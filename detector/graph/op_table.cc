// SPDX-License-Identifier: Apache-2.0
// The operator table; see op_table.h.
#include "detector/graph/op_table.h"

#include <algorithm>
#include <iterator>
#include <type_traits>

namespace cyto8 {
namespace {

template <typename T, size_t kIndex = 0>
constexpr size_t IndexOf() {
  if constexpr (std::is_same_v<
                    T, std::variant_alternative_t<kIndex, Attributes>>) {
    return kIndex;
  } else {
    return IndexOf<T, kIndex + 1>();
  }
}

constexpr size_t kNone = 0;

constexpr OpInfo kTable[] = {
    {Op::kInput, "Input", 0, 0, IndexOf<InputAttributes>()},
    {Op::kConst, "Const", 0, 0, IndexOf<ConstAttributes>()},
    {Op::kOpaque, "Opaque", 0, kAnyNumber, kNone, true},
    {Op::kConv2D, "Conv2D", 2, 3, IndexOf<ConvAttributes>()},
    {Op::kDepthwiseConv2D, "DepthwiseConv2D", 2, 3, IndexOf<ConvAttributes>()},
    {Op::kMaxPool, "MaxPool", 1, 1, IndexOf<PoolAttributes>()},
    {Op::kAvgPool, "AvgPool", 1, 1, IndexOf<PoolAttributes>()},
    {Op::kMatMul, "MatMul", 2, 2, IndexOf<MatMulAttributes>()},
    {Op::kBiasAdd, "BiasAdd", 2, 2, kNone},
    {Op::kBatchNorm, "BatchNorm", 5, 5, IndexOf<BatchNormAttributes>()},
    {Op::kAdd, "Add", 2, 2, kNone},
    {Op::kSub, "Sub", 2, 2, kNone},
    {Op::kMul, "Mul", 2, 2, kNone},
    {Op::kDiv, "Div", 2, 2, kNone},
    {Op::kFloorDiv, "FloorDiv", 2, 2, kNone},
    {Op::kFloorMod, "FloorMod", 2, 2, kNone},
    {Op::kMaximum, "Maximum", 2, 2, kNone},
    {Op::kMinimum, "Minimum", 2, 2, kNone},
    {Op::kPow, "Pow", 2, 2, kNone},
    {Op::kSquaredDifference, "SquaredDifference", 2, 2, kNone},
    {Op::kGreater, "Greater", 2, 2, kNone},
    {Op::kGreaterEqual, "GreaterEqual", 2, 2, kNone},
    {Op::kLess, "Less", 2, 2, kNone},
    {Op::kLessEqual, "LessEqual", 2, 2, kNone},
    {Op::kEqual, "Equal", 2, 2, kNone},
    {Op::kNotEqual, "NotEqual", 2, 2, kNone},
    {Op::kLogicalAnd, "LogicalAnd", 2, 2, kNone},
    {Op::kLogicalOr, "LogicalOr", 2, 2, kNone},
    {Op::kAddN, "AddN", 1, kAnyNumber, kNone},
    {Op::kSelect, "Select", 3, 3, kNone},
    {Op::kIdentity, "Identity", 1, 1, kNone},
    {Op::kRelu, "Relu", 1, 1, kNone},
    {Op::kRelu6, "Relu6", 1, 1, kNone},
    {Op::kLeakyRelu, "LeakyRelu", 1, 1, IndexOf<LeakyReluAttributes>()},
    {Op::kElu, "Elu", 1, 1, kNone},
    {Op::kSelu, "Selu", 1, 1, kNone},
    {Op::kSigmoid, "Sigmoid", 1, 1, kNone},
    {Op::kTanh, "Tanh", 1, 1, kNone},
    {Op::kSoftplus, "Softplus", 1, 1, kNone},
    {Op::kSoftsign, "Softsign", 1, 1, kNone},
    {Op::kExp, "Exp", 1, 1, kNone},
    {Op::kLog, "Log", 1, 1, kNone},
    {Op::kLog1p, "Log1p", 1, 1, kNone},
    {Op::kSqrt, "Sqrt", 1, 1, kNone},
    {Op::kRsqrt, "Rsqrt", 1, 1, kNone},
    {Op::kSquare, "Square", 1, 1, kNone},
    {Op::kReciprocal, "Reciprocal", 1, 1, kNone},
    {Op::kNeg, "Neg", 1, 1, kNone},
    {Op::kAbs, "Abs", 1, 1, kNone},
    {Op::kFloor, "Floor", 1, 1, kNone},
    {Op::kCeil, "Ceil", 1, 1, kNone},
    {Op::kRound, "Round", 1, 1, kNone},
    {Op::kErf, "Erf", 1, 1, kNone},
    {Op::kLogicalNot, "LogicalNot", 1, 1, kNone},
    {Op::kOnesLike, "OnesLike", 1, 1, kNone},
    {Op::kZerosLike, "ZerosLike", 1, 1, kNone},
    {Op::kCast, "Cast", 1, 1, IndexOf<CastAttributes>()},
    {Op::kShape, "Shape", 1, 1, IndexOf<CastAttributes>()},
    {Op::kReshape, "Reshape", 2, 2, kNone},
    {Op::kSqueeze, "Squeeze", 1, 1, IndexOf<AxesAttributes>()},
    {Op::kExpandDims, "ExpandDims", 2, 2, kNone},
    {Op::kTranspose, "Transpose", 2, 2, kNone},
    {Op::kConcat, "Concat", 2, kAnyNumber, kNone},
    {Op::kPack, "Pack", 1, kAnyNumber, IndexOf<AxisAttributes>()},
    {Op::kUnpack, "Unpack", 1, 1, IndexOf<UnpackAttributes>(), true},
    {Op::kSplit, "Split", 2, 2, IndexOf<UnpackAttributes>(), true},
    {Op::kSplitV, "SplitV", 3, 3, IndexOf<UnpackAttributes>(), true},
    {Op::kSlice, "Slice", 3, 3, kNone},
    {Op::kStridedSlice, "StridedSlice", 4, 4,
     IndexOf<StridedSliceAttributes>()},
    {Op::kTile, "Tile", 2, 2, kNone},
    {Op::kPad, "Pad", 2, 3, kNone},
    {Op::kGather, "Gather", 3, 3, IndexOf<GatherAttributes>()},
    {Op::kFill, "Fill", 2, 2, kNone},
    {Op::kRange, "Range", 3, 3, kNone},
    {Op::kBroadcastTo, "BroadcastTo", 2, 2, kNone},
    {Op::kMean, "Mean", 2, 2, IndexOf<ReduceAttributes>()},
    {Op::kSum, "Sum", 2, 2, IndexOf<ReduceAttributes>()},
    {Op::kMax, "Max", 2, 2, IndexOf<ReduceAttributes>()},
    {Op::kMin, "Min", 2, 2, IndexOf<ReduceAttributes>()},
    {Op::kProd, "Prod", 2, 2, IndexOf<ReduceAttributes>()},
    {Op::kAll, "All", 2, 2, IndexOf<ReduceAttributes>()},
    {Op::kAny, "Any", 2, 2, IndexOf<ReduceAttributes>()},
    {Op::kArgMax, "ArgMax", 2, 2, IndexOf<CastAttributes>()},
    {Op::kSoftmax, "Softmax", 1, 1, kNone},
    {Op::kResizeNearest, "ResizeNearest", 2, 2, IndexOf<ResizeAttributes>()},
    {Op::kResizeBilinear, "ResizeBilinear", 2, 2, IndexOf<ResizeAttributes>()},
    {Op::kSwish, "Swish", 1, 1, IndexOf<SwishAttributes>()},
    {Op::kHardSwish, "HardSwish", 1, 1, kNone},
    {Op::kMish, "Mish", 1, 1, kNone},
    {Op::kUpsampleNearest, "UpsampleNearest", 1, 1,
     IndexOf<UpsampleAttributes>()},
    {Op::kWeightedSum, "WeightedSum", 2, kAnyNumber, kNone},
    {Op::kSqueezeExcite, "SqueezeExcite", 5, 5,
     IndexOf<SqueezeExciteAttributes>()},
    {Op::kNormalize, "Normalize", 1, 1, IndexOf<NormalizeAttributes>()},
    {Op::kQuantize, "Quantize", 1, 1, IndexOf<CodeAttributes>()},
    {Op::kDequantize, "Dequantize", 1, 1, IndexOf<CodeAttributes>()},
    {Op::kQuantizedConv2D, "QuantizedConv2D", 3, 4,
     IndexOf<QuantizedConvAttributes>()},
    {Op::kQuantizedConv2DFloat, "QuantizedConv2DFloat", 4, 4,
     IndexOf<QuantizedConvAttributes>()},
    {Op::kGatedConv2D, "GatedConv2D", 4, 5, IndexOf<QuantizedConvAttributes>()},
    {Op::kQuantizedDepthwiseConv2D, "QuantizedDepthwiseConv2D", 3, 3,
     IndexOf<QuantizedConvAttributes>(), true},
    {Op::kQuantizedGate, "QuantizedGate", 6, 6,
     IndexOf<QuantizedGateAttributes>()},
    {Op::kQuantizedWeightedSum, "QuantizedWeightedSum", 2, kAnyNumber,
     IndexOf<QuantizedSumAttributes>()},
};

constexpr bool InEnumOrder() {
  for (size_t i = 0; i < std::size(kTable); ++i) {
    if (static_cast<size_t>(kTable[i].op) != i) return false;
  }
  return true;
}
static_assert(InEnumOrder(), "InfoOf() indexes the table by the enumerator");
static_assert(std::size(kTable) ==
              static_cast<size_t>(Op::kQuantizedWeightedSum) + 1);

}  // namespace

const OpInfo& InfoOf(Op op) { return kTable[static_cast<size_t>(op)]; }

std::string_view OpName(Op op) { return InfoOf(op).name; }

}  // namespace cyto8
