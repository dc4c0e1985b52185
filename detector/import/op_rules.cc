// SPDX-License-Identifier: Apache-2.0
// The closed list of operators and how each is read; see op_rules.h.
#include "detector/import/op_rules.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "detector/import/fused_operators.h"
#include "detector/import/shared_attributes.h"
#include "detector/import/tensor_proto.h"

namespace cyto8 {
namespace {

// ---- Sources.

Status ConvertPlaceholder(Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(const std::optional<DataType> type,
                         ResultType(c.attributes(), "dtype"));
  if (!type) {
    c.MakeOpaque();
    return OkStatus();
  }
  TensorDesc desc{.type = *type};
  CYTO8_ASSIGN_OR_RETURN(const tf::TensorShapeProto* shape,
                         c.attributes().Shape("shape"));
  if (shape != nullptr) {
    CYTO8_ASSIGN_OR_RETURN(desc.shape, ToShape(*shape, c.limits()));
  }
  c.node().attributes = InputAttributes{desc};
  c.node().outputs[0] = desc;
  return OkStatus();
}

Status ConvertConst(Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(const tf::TensorProto* proto,
                         c.attributes().Tensor("value"));
  CYTO8_ASSIGN_OR_RETURN(const std::optional<DataType> type,
                         Annotate(ToDataType(proto->dtype()), "value"));
  CYTO8_ASSIGN_OR_RETURN(const tf::DataType declared,
                         c.attributes().Type("dtype", proto->dtype()));
  if (declared != proto->dtype()) {
    return InvalidArgument("attribute 'dtype' and the type of 'value' differ");
  }
  if (!type) {
    c.MakeOpaque();
    return OkStatus();
  }
  CYTO8_ASSIGN_OR_RETURN(std::shared_ptr<const Tensor> tensor,
                         Annotate(c.Decode(*proto), "value"));
  c.node().outputs[0] = {.type = tensor->type(), .shape = tensor->shape()};
  c.node().attributes = ConstAttributes{std::move(tensor)};
  return OkStatus();
}

Status ConvertIdentity(Conversion& c) {
  // Print and the like also take what they print.
  c.node().inputs.resize(std::min<size_t>(c.node().inputs.size(), 1));
  return OkStatus();
}

// ---- Convolution, pooling, matrix product.

Status ConvertConvolution(Conversion& c) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs", static_cast<int64_t>(c.node().inputs.size()), 2, 2));
  CYTO8_ASSIGN_OR_RETURN(c.node().attributes,
                         ConvolutionAttributes(c.attributes()));
  return OkStatus();
}

Status ConvertPool(Conversion& c) {
  const AttributeScope& attributes = c.attributes();
  CYTO8_RETURN_IF_ERROR(CheckChannelsLast(attributes));
  PoolAttributes pool;
  CYTO8_ASSIGN_OR_RETURN(pool.kernel, SpatialAttribute(attributes, "ksize"));
  CYTO8_ASSIGN_OR_RETURN(pool.strides, SpatialAttribute(attributes, "strides"));
  CYTO8_ASSIGN_OR_RETURN(pool.padding, PaddingAttribute(attributes));
  c.node().attributes = pool;
  return OkStatus();
}

// Window and strides are inputs.
Status ConvertMaxPoolV2(Conversion& c) {
  const std::vector<ValueRef> inputs = c.node().inputs;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs", static_cast<int64_t>(inputs.size()), 3, 3));
  CYTO8_RETURN_IF_ERROR(CheckChannelsLast(c.attributes()));
  CYTO8_ASSIGN_OR_RETURN(const auto kernel, c.ConstantInts(inputs[1]));
  CYTO8_ASSIGN_OR_RETURN(const auto strides, c.ConstantInts(inputs[2]));
  PoolAttributes pool;
  CYTO8_ASSIGN_OR_RETURN(pool.kernel, ToSpatial("ksize", kernel));
  CYTO8_ASSIGN_OR_RETURN(pool.strides, ToSpatial("strides", strides));
  CYTO8_ASSIGN_OR_RETURN(pool.padding, PaddingAttribute(c.attributes()));
  c.Finish(Op::kMaxPool, {inputs[0]}, pool);
  return OkStatus();
}

Status ConvertMatMul(Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(c.node().attributes, MatrixAttributes(c.attributes()));
  return OkStatus();
}

// ---- Per channel.

Status ConvertBiasAdd(Conversion& c) {
  return CheckChannelsLast(c.attributes());
}

Status ConvertFusedBatchNorm(Conversion& c) {
  CYTO8_RETURN_IF_ERROR(CheckOnlyFirstOutputRead(c));
  CYTO8_ASSIGN_OR_RETURN(c.node().attributes,
                         FusedBatchNormAttributes(c.attributes()));
  return OkStatus();
}

// x, mean, variance, beta, gamma.
Status ConvertGlobalBatchNorm(Conversion& c) {
  const std::vector<ValueRef> in = c.node().inputs;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs", static_cast<int64_t>(in.size()), 5, 5));
  BatchNormAttributes norm;
  CYTO8_ASSIGN_OR_RETURN(norm.epsilon,
                         c.attributes().Float("variance_epsilon"));
  CYTO8_ASSIGN_OR_RETURN(const bool scale,
                         c.attributes().Bool("scale_after_normalization"));
  const ValueRef gamma = scale ? in[4] : c.Add("ones", Op::kOnesLike, {in[3]});
  c.Finish(Op::kBatchNorm, {in[0], gamma, in[3], in[1], in[2]}, norm);
  return OkStatus();
}

// ---- Element-wise, data movement, reductions, resizing.

Status ConvertLeakyRelu(Conversion& c) {
  LeakyReluAttributes leaky;
  CYTO8_ASSIGN_OR_RETURN(leaky.alpha, c.attributes().Float("alpha", 0.2f));
  c.node().attributes = leaky;
  return OkStatus();
}

Status SetResultType(Conversion& c, const std::string& attribute,
                     std::optional<tf::DataType> fallback) {
  CYTO8_ASSIGN_OR_RETURN(const std::optional<DataType> type,
                         ResultType(c.attributes(), attribute, fallback));
  if (type) {
    c.node().attributes = CastAttributes{*type};
  } else {
    c.MakeOpaque();
  }
  return OkStatus();
}

// From half to float, say, which are computed alike, is no step. Without SrcT
// that is not known.
Status ConvertCast(Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(const std::optional<DataType> from,
                         ResultType(c.attributes(), "SrcT", tf::DT_STRING));
  CYTO8_RETURN_IF_ERROR(SetResultType(c, "DstT", {}));
  if (c.node().op == Op::kCast && c.node().As<CastAttributes>().to == from) {
    c.Finish(Op::kIdentity, c.node().inputs);
  }
  return OkStatus();
}

Status ConvertShape(Conversion& c) {
  return SetResultType(c, "out_type", tf::DT_INT32);
}
Status ConvertArgMax(Conversion& c) {
  return SetResultType(c, "output_type", tf::DT_INT64);
}

// Axes are within a rank, counted from either end.
Status CheckAxis(int64_t axis, const Limits& limits) {
  return CheckRange("axis", axis, -limits.max_rank - 1, limits.max_rank);
}

Status ConvertSqueeze(Conversion& c) {
  AxesAttributes squeeze;
  CYTO8_ASSIGN_OR_RETURN(
      squeeze.axes,
      c.attributes().Ints("squeeze_dims", std::vector<int64_t>()));
  for (const int64_t axis : squeeze.axes) {
    CYTO8_RETURN_IF_ERROR(CheckAxis(axis, c.limits()));
  }
  c.node().attributes = std::move(squeeze);
  return OkStatus();
}

// The axis comes first.
Status ConvertConcatV1(Conversion& c) {
  std::vector<ValueRef> inputs = c.node().inputs;
  if (!inputs.empty()) {
    std::rotate(inputs.begin(), inputs.begin() + 1, inputs.end());
  }
  c.Finish(Op::kConcat, std::move(inputs));
  return OkStatus();
}

Status ConvertPack(Conversion& c) {
  AxisAttributes pack;
  CYTO8_ASSIGN_OR_RETURN(pack.axis, c.attributes().Int("axis", 0));
  CYTO8_RETURN_IF_ERROR(CheckAxis(pack.axis, c.limits()));
  c.node().attributes = pack;
  return OkStatus();
}

Status SetOutputCount(Conversion& c, const std::string& attribute,
                      int64_t axis) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t count, c.attributes().Int(attribute));
  CYTO8_RETURN_IF_ERROR(CheckRange(attribute, count, 1, kMaxNodePorts));
  CYTO8_RETURN_IF_ERROR(CheckAxis(axis, c.limits()));
  c.node().attributes = UnpackAttributes{.axis = axis, .count = count};
  c.node().outputs.resize(static_cast<size_t>(count));
  return OkStatus();
}

Status ConvertUnpack(Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t axis, c.attributes().Int("axis", 0));
  return SetOutputCount(c, "num", axis);
}

Status ConvertSplit(Conversion& c) {
  return SetOutputCount(c, "num_split", /*axis=*/0);
}

Status ConvertStridedSlice(Conversion& c) {
  const AttributeScope& attributes = c.attributes();
  StridedSliceAttributes slice;
  CYTO8_ASSIGN_OR_RETURN(slice.begin_mask, attributes.Int("begin_mask", 0));
  CYTO8_ASSIGN_OR_RETURN(slice.end_mask, attributes.Int("end_mask", 0));
  CYTO8_ASSIGN_OR_RETURN(slice.ellipsis_mask,
                         attributes.Int("ellipsis_mask", 0));
  CYTO8_ASSIGN_OR_RETURN(slice.new_axis_mask,
                         attributes.Int("new_axis_mask", 0));
  CYTO8_ASSIGN_OR_RETURN(slice.shrink_axis_mask,
                         attributes.Int("shrink_axis_mask", 0));
  c.node().attributes = slice;
  return OkStatus();
}

// Gather has no axis input: it is 0.
Status ConvertGatherV1(Conversion& c) {
  std::vector<ValueRef> inputs = c.node().inputs;
  auto zero = std::make_shared<const Tensor>(Tensor::FromInts({}, {0}));
  inputs.push_back(c.Add("axis", Op::kConst, {}, ConstAttributes{zero}));
  c.Finish(Op::kGather, std::move(inputs), GatherAttributes{});
  return OkStatus();
}

Status ConvertGather(Conversion& c) {
  GatherAttributes gather;
  CYTO8_ASSIGN_OR_RETURN(gather.batch_dims,
                         c.attributes().Int("batch_dims", 0));
  CYTO8_RETURN_IF_ERROR(CheckAxis(gather.batch_dims, c.limits()));
  c.node().attributes = gather;
  return OkStatus();
}

Status ConvertReduction(Conversion& c) {
  ReduceAttributes reduce;
  CYTO8_ASSIGN_OR_RETURN(reduce.keep_dims,
                         c.attributes().Bool("keep_dims", false));
  c.node().attributes = reduce;
  return OkStatus();
}

Status ConvertResize(Conversion& c) {
  ResizeAttributes resize;
  CYTO8_ASSIGN_OR_RETURN(resize.align_corners,
                         c.attributes().Bool("align_corners", false));
  CYTO8_ASSIGN_OR_RETURN(resize.half_pixel_centers,
                         c.attributes().Bool("half_pixel_centers", false));
  c.node().attributes = resize;
  return OkStatus();
}

constexpr Rule kRules[] = {
    {"Placeholder", Op::kInput, ConvertPlaceholder},
    {"Const", Op::kConst, ConvertConst},
    {"Conv2D", Op::kConv2D, ConvertConvolution},
    {"DepthwiseConv2dNative", Op::kDepthwiseConv2D, ConvertConvolution},
    {"_FusedConv2D", Op::kConv2D, ConvertFusedConv2D, false},
    {"_FusedDepthwiseConv2dNative", Op::kDepthwiseConv2D, ConvertFusedDepthwise,
     false},
    {"_FusedMatMul", Op::kMatMul, ConvertFusedMatMul, false},
    {"MaxPool", Op::kMaxPool, ConvertPool},
    {"MaxPoolV2", Op::kMaxPool, ConvertMaxPoolV2, false},
    {"AvgPool", Op::kAvgPool, ConvertPool},
    {"MatMul", Op::kMatMul, ConvertMatMul},
    {"BiasAdd", Op::kBiasAdd, ConvertBiasAdd},
    {"BiasAddV1", Op::kBiasAdd},
    {"FusedBatchNorm", Op::kBatchNorm, ConvertFusedBatchNorm},
    {"FusedBatchNormV2", Op::kBatchNorm, ConvertFusedBatchNorm},
    {"FusedBatchNormV3", Op::kBatchNorm, ConvertFusedBatchNorm},
    {"_FusedBatchNormEx", Op::kBatchNorm, ConvertFusedBatchNormEx, false},
    {"BatchNormWithGlobalNormalization", Op::kBatchNorm, ConvertGlobalBatchNorm,
     false},
    {"Add", Op::kAdd},
    {"AddV2", Op::kAdd},
    {"Sub", Op::kSub},
    {"Mul", Op::kMul},
    {"Div", Op::kDiv},
    {"RealDiv", Op::kDiv},
    {"FloorDiv", Op::kFloorDiv},
    {"FloorMod", Op::kFloorMod},
    {"Maximum", Op::kMaximum},
    {"Minimum", Op::kMinimum},
    {"Pow", Op::kPow},
    {"SquaredDifference", Op::kSquaredDifference},
    {"Greater", Op::kGreater},
    {"GreaterEqual", Op::kGreaterEqual},
    {"Less", Op::kLess},
    {"LessEqual", Op::kLessEqual},
    {"Equal", Op::kEqual},
    {"NotEqual", Op::kNotEqual},
    {"LogicalAnd", Op::kLogicalAnd},
    {"LogicalOr", Op::kLogicalOr},
    {"AddN", Op::kAddN},
    {"Select", Op::kSelect},
    {"SelectV2", Op::kSelect},
    {"Identity", Op::kIdentity, ConvertIdentity, false},
    {"RefIdentity", Op::kIdentity, ConvertIdentity, false},
    {"Snapshot", Op::kIdentity, ConvertIdentity, false},
    {"StopGradient", Op::kIdentity, ConvertIdentity, false},
    {"PreventGradient", Op::kIdentity, ConvertIdentity, false},
    {"CheckNumerics", Op::kIdentity, ConvertIdentity, false},
    {"CheckNumericsV2", Op::kIdentity, ConvertIdentity, false},
    {"EnsureShape", Op::kIdentity, ConvertIdentity, false},
    {"Print", Op::kIdentity, ConvertIdentity, false},
    {"PlaceholderWithDefault", Op::kIdentity, ConvertIdentity, false},
    {"Relu", Op::kRelu},
    {"Relu6", Op::kRelu6},
    {"LeakyRelu", Op::kLeakyRelu, ConvertLeakyRelu},
    {"Elu", Op::kElu},
    {"Selu", Op::kSelu},
    {"Sigmoid", Op::kSigmoid},
    {"Tanh", Op::kTanh},
    {"Softplus", Op::kSoftplus},
    {"Softsign", Op::kSoftsign},
    {"Exp", Op::kExp},
    {"Log", Op::kLog},
    {"Log1p", Op::kLog1p},
    {"Sqrt", Op::kSqrt},
    {"Rsqrt", Op::kRsqrt},
    {"Square", Op::kSquare},
    {"Reciprocal", Op::kReciprocal},
    {"Inv", Op::kReciprocal},
    {"Neg", Op::kNeg},
    {"Abs", Op::kAbs},
    {"Floor", Op::kFloor},
    {"Ceil", Op::kCeil},
    {"Round", Op::kRound},
    {"Erf", Op::kErf},
    {"LogicalNot", Op::kLogicalNot},
    {"OnesLike", Op::kOnesLike},
    {"ZerosLike", Op::kZerosLike},
    {"Cast", Op::kCast, ConvertCast},
    {"Shape", Op::kShape, ConvertShape},
    {"Reshape", Op::kReshape},
    {"Squeeze", Op::kSqueeze, ConvertSqueeze},
    {"ExpandDims", Op::kExpandDims},
    {"Transpose", Op::kTranspose},
    {"Concat", Op::kConcat, ConvertConcatV1},
    {"ConcatV2", Op::kConcat},
    {"Pack", Op::kPack, ConvertPack},
    {"Unpack", Op::kUnpack, ConvertUnpack},
    {"Split", Op::kSplit, ConvertSplit},
    {"SplitV", Op::kSplitV, ConvertSplit},
    {"Slice", Op::kSlice},
    {"StridedSlice", Op::kStridedSlice, ConvertStridedSlice},
    {"Tile", Op::kTile},
    {"Pad", Op::kPad},
    {"PadV2", Op::kPad},
    {"Gather", Op::kGather, ConvertGatherV1, false},
    {"GatherV2", Op::kGather, ConvertGather},
    {"Fill", Op::kFill},
    {"Range", Op::kRange},
    {"BroadcastTo", Op::kBroadcastTo},
    {"Mean", Op::kMean, ConvertReduction},
    {"Sum", Op::kSum, ConvertReduction},
    {"Max", Op::kMax, ConvertReduction},
    {"Min", Op::kMin, ConvertReduction},
    {"Prod", Op::kProd, ConvertReduction},
    {"All", Op::kAll, ConvertReduction},
    {"Any", Op::kAny, ConvertReduction},
    {"ArgMax", Op::kArgMax, ConvertArgMax},
    {"Softmax", Op::kSoftmax},
    {"ResizeNearestNeighbor", Op::kResizeNearest, ConvertResize},
    {"ResizeBilinear", Op::kResizeBilinear, ConvertResize},
};

}  // namespace

const Rule* FindRule(std::string_view op) {
  const auto found = std::ranges::find(kRules, op, &Rule::name);
  return found == std::end(kRules) ? nullptr : found;
}

}  // namespace cyto8
