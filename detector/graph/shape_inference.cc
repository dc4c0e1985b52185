// SPDX-License-Identifier: Apache-2.0
// Shape inference; see shape_inference.h.
#include "detector/graph/shape_inference.h"

#include <utility>

#include "base/checked_math.h"
#include "detector/graph/quantized_shapes.h"
#include "detector/graph/shape_rules.h"

namespace cyto8 {
namespace {

constexpr size_t kImageRank = 4;

// One node under inference: what is known of its inputs, where to write.
class Inference {
 public:
  Inference(Graph& graph, int64_t node)
      : graph_(graph), node_(graph.nodes[static_cast<size_t>(node)]) {}

  Status Run();

 private:
  const TensorDesc& In(size_t i) const { return graph_.desc(node_.inputs[i]); }
  const MaybeShape& ShapeOf(size_t i) const { return In(i).shape; }
  size_t InputCount() const { return node_.inputs.size(); }
  TensorDesc& Out() { return node_.outputs[0]; }

  // The values of an integer constant, or nothing if it is no constant.
  StatusOr<std::optional<std::vector<int64_t>>> Ints(size_t i) const;
  Status CheckRank(size_t i, size_t rank) const;
  Status CheckVector(size_t i, int64_t length) const;

  Status Set(DataType type, MaybeShape shape);
  Status Set(DataType type, StatusOr<MaybeShape> shape);
  Status SameAsInput(size_t i) { return Set(In(i).type, ShapeOf(i)); }

  // A rule that needs one integer constant: `rule(values)` gives the shape.
  template <typename Rule>
  Status FromInts(size_t i, DataType type, const Rule& rule);

  Status Convolution(bool depthwise);
  Status Pool();
  Status MatMul();
  Status PerChannel();
  Status Broadcast(bool comparison);
  Status AddN();
  Status Select();
  Status ShapeOperator();
  Status ExpandDims();
  Status Concat();
  Status Pack();
  Status Unpack();
  Status Split();
  Status SplitV();
  Status Slice();
  Status StridedSlice();
  Status Pad();
  Status Gather();
  Status Range();
  Status Reduce();
  Status ArgMax();
  Status Resize();
  Status Upsample();
  Status WeightedSum();
  Status SqueezeExcite();
  Status Normalize();
  Status ShapesAndSlices();
  Status ReductionsAndFused();

  Graph& graph_;
  Node& node_;
};

StatusOr<std::optional<std::vector<int64_t>>> Inference::Ints(size_t i) const {
  const Tensor* constant = ConstantOf(graph_, node_.inputs[i]);
  if (constant == nullptr) return std::optional<std::vector<int64_t>>();
  CYTO8_ASSIGN_OR_RETURN(
      std::vector<int64_t> values,
      Annotate(constant->ToInt64s(), "input " + std::to_string(i)));
  return std::optional(std::move(values));
}

Status Inference::CheckRank(size_t i, size_t rank) const {
  const MaybeShape& shape = ShapeOf(i);
  if (!shape || shape->size() == rank) return OkStatus();
  return InvalidArgument("shape of input " + std::to_string(i) + " = " +
                         ShapeToString(*shape) + ": must have " +
                         std::to_string(rank) + " dimensions");
}

Status Inference::CheckVector(size_t i, int64_t length) const {
  CYTO8_RETURN_IF_ERROR(CheckRank(i, 1));
  const MaybeShape& shape = ShapeOf(i);
  if (!shape || length == kUnknownDim || (*shape)[0] == kUnknownDim) {
    return OkStatus();
  }
  return CheckRange("length of input " + std::to_string(i), (*shape)[0], length,
                    length);
}

Status Inference::Set(DataType type, MaybeShape shape) {
  Out() = {.type = type, .shape = std::move(shape)};
  return OkStatus();
}

Status Inference::Set(DataType type, StatusOr<MaybeShape> shape) {
  CYTO8_RETURN_IF_ERROR(shape.status());
  return Set(type, *std::move(shape));
}

template <typename Rule>
Status Inference::FromInts(size_t i, DataType type, const Rule& rule) {
  CYTO8_ASSIGN_OR_RETURN(const auto values, Ints(i));
  if (!values) return Set(type, MaybeShape());
  return Set(type, StatusOr<MaybeShape>(rule(*values)));
}

Status Inference::Convolution(bool depthwise) {
  CYTO8_RETURN_IF_ERROR(CheckRank(0, kImageRank));
  CYTO8_RETURN_IF_ERROR(CheckRank(1, kImageRank));
  const MaybeShape& kernel = ShapeOf(1);
  if (!kernel || !IsStatic(*kernel)) {
    return InvalidArgument("kernel must have a known shape");
  }
  const int64_t in_channels = (*kernel)[2];
  if (ShapeOf(0) && ShapeOf(0)->back() != kUnknownDim) {
    CYTO8_RETURN_IF_ERROR(CheckRange("channels of input 0", ShapeOf(0)->back(),
                                     in_channels, in_channels));
  }
  if (depthwise) {
    CYTO8_RETURN_IF_ERROR(CheckRange("channel multiplier", (*kernel)[3], 1, 1));
  }
  const int64_t out_channels = depthwise ? in_channels : (*kernel)[3];
  if (InputCount() > 2) CYTO8_RETURN_IF_ERROR(CheckVector(2, out_channels));
  const auto& conv = node_.As<ConvAttributes>();
  return Set(DataType::kFloat32,
             WindowedShape(ShapeOf(0),
                           {.kernel = {(*kernel)[0], (*kernel)[1]},
                            .strides = conv.strides,
                            .dilations = conv.dilations,
                            .padding = conv.padding},
                           out_channels));
}

Status Inference::Pool() {
  CYTO8_RETURN_IF_ERROR(CheckRank(0, kImageRank));
  const auto& pool = node_.As<PoolAttributes>();
  const int64_t channels = ShapeOf(0) ? ShapeOf(0)->back() : kUnknownDim;
  return Set(In(0).type, WindowedShape(ShapeOf(0),
                                       {.kernel = pool.kernel,
                                        .strides = pool.strides,
                                        .padding = pool.padding},
                                       channels));
}

Status Inference::MatMul() {
  CYTO8_RETURN_IF_ERROR(CheckRank(0, 2));
  CYTO8_RETURN_IF_ERROR(CheckRank(1, 2));
  if (!ShapeOf(0) || !ShapeOf(1)) return Set(In(0).type, MaybeShape());
  const auto& attributes = node_.As<MatMulAttributes>();
  const size_t row = attributes.transpose_a ? 1 : 0;
  const size_t column = attributes.transpose_b ? 0 : 1;
  const int64_t inner_a = (*ShapeOf(0))[1 - row];
  const int64_t inner_b = (*ShapeOf(1))[1 - column];
  if (inner_a != kUnknownDim && inner_b != kUnknownDim) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("inner dimension of input 1", inner_b, inner_a, inner_a));
  }
  return Set(In(0).type,
             MaybeShape(Shape{(*ShapeOf(0))[row], (*ShapeOf(1))[column]}));
}

Status Inference::PerChannel() {
  const MaybeShape& x = ShapeOf(0);
  if (x && x->empty()) return InvalidArgument("input 0 must not be a scalar");
  for (size_t i = 1; i < InputCount(); ++i) {
    CYTO8_RETURN_IF_ERROR(CheckVector(i, x ? x->back() : kUnknownDim));
  }
  return SameAsInput(0);
}

Status Inference::Broadcast(bool comparison) {
  if (In(0).type != In(1).type) {
    return InvalidArgument(
        "types of inputs are " + std::string(DataTypeName(In(0).type)) +
        " and " + std::string(DataTypeName(In(1).type)) + ": must be equal");
  }
  return Set(comparison ? DataType::kBool : In(0).type,
             BroadcastShapes(ShapeOf(0), ShapeOf(1)));
}

Status Inference::AddN() {
  MaybeShape merged = ShapeOf(0);
  for (size_t i = 1; i < InputCount(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(merged, MergeShapes(merged, ShapeOf(i)));
  }
  return Set(In(0).type, std::move(merged));
}

Status Inference::Select() {
  CYTO8_ASSIGN_OR_RETURN(const MaybeShape values,
                         BroadcastShapes(ShapeOf(1), ShapeOf(2)));
  return Set(In(1).type, BroadcastShapes(ShapeOf(0), values));
}

Status Inference::ShapeOperator() {
  const MaybeShape& x = ShapeOf(0);
  const int64_t rank = x ? static_cast<int64_t>(x->size()) : kUnknownDim;
  return Set(node_.As<CastAttributes>().to, MaybeShape(Shape{rank}));
}

Status Inference::ExpandDims() {
  return FromInts(1, In(0).type, [&](const std::vector<int64_t>& axis) {
    StatusOr<MaybeShape> unknown = MaybeShape();
    if (!ShapeOf(0) || axis.size() != 1) return unknown;
    Shape result = *ShapeOf(0);
    const auto rank = static_cast<int64_t>(result.size());
    const StatusOr<int64_t> at = NormalizeAxis(axis[0], rank + 1);
    if (!at.ok()) return StatusOr<MaybeShape>(at.status());
    result.insert(result.begin() + *at, 1);
    return StatusOr<MaybeShape>(MaybeShape(std::move(result)));
  });
}

Status Inference::Concat() {
  const size_t parts = InputCount() - 1;
  CYTO8_ASSIGN_OR_RETURN(const auto axis, Ints(parts));
  if (!axis || axis->size() != 1 || !ShapeOf(0)) {
    return Set(In(0).type, MaybeShape());
  }
  const auto rank = static_cast<int64_t>(ShapeOf(0)->size());
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, NormalizeAxis((*axis)[0], rank));
  MaybeShape merged;
  int64_t total = 0;
  for (size_t i = 0; i < parts; ++i) {
    if (!ShapeOf(i)) return Set(In(0).type, MaybeShape());
    CYTO8_RETURN_IF_ERROR(CheckRank(i, static_cast<size_t>(rank)));
    Shape part = *ShapeOf(i);
    const int64_t side = std::exchange(part[static_cast<size_t>(at)], 0);
    const bool known = total != kUnknownDim && side != kUnknownDim;
    total = known ? total + side : kUnknownDim;
    CYTO8_ASSIGN_OR_RETURN(merged, MergeShapes(merged, part));
  }
  (*merged)[static_cast<size_t>(at)] = total;
  return Set(In(0).type, std::move(merged));
}

Status Inference::Pack() {
  CYTO8_RETURN_IF_ERROR(AddN());  // the inputs have one shape.
  MaybeShape& shape = Out().shape;
  if (!shape) return OkStatus();
  const auto rank = static_cast<int64_t>(shape->size());
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t at,
      NormalizeAxis(node_.As<AxisAttributes>().axis, rank + 1));
  shape->insert(shape->begin() + at, static_cast<int64_t>(InputCount()));
  return OkStatus();
}

Status Inference::Unpack() {
  const auto& unpack = node_.As<UnpackAttributes>();
  MaybeShape shape = ShapeOf(0);
  if (shape) {
    const auto rank = static_cast<int64_t>(shape->size());
    CYTO8_ASSIGN_OR_RETURN(const int64_t at, NormalizeAxis(unpack.axis, rank));
    const int64_t dim = (*shape)[static_cast<size_t>(at)];
    if (dim != kUnknownDim) {
      CYTO8_RETURN_IF_ERROR(
          CheckRange("number of outputs", unpack.count, dim, dim));
    }
    shape->erase(shape->begin() + at);
  }
  node_.outputs.assign(node_.outputs.size(),
                       {.type = In(0).type, .shape = shape});
  return OkStatus();
}

Status Inference::Split() {
  CYTO8_ASSIGN_OR_RETURN(const auto axis, Ints(0));
  MaybeShape shape;
  if (axis && axis->size() == 1) {
    CYTO8_ASSIGN_OR_RETURN(
        shape,
        SplitShape(ShapeOf(1), (*axis)[0], node_.As<UnpackAttributes>().count));
  }
  node_.outputs.assign(node_.outputs.size(),
                       {.type = In(1).type, .shape = shape});
  return OkStatus();
}

Status Inference::SplitV() {
  CYTO8_ASSIGN_OR_RETURN(const auto sizes, Ints(1));
  CYTO8_ASSIGN_OR_RETURN(const auto axis, Ints(2));
  std::vector<MaybeShape> shapes(node_.outputs.size());
  if (sizes && axis && axis->size() == 1) {
    CYTO8_ASSIGN_OR_RETURN(shapes,
                           UnevenSplitShapes(ShapeOf(0), (*axis)[0], *sizes));
    const auto parts = static_cast<int64_t>(shapes.size());
    CYTO8_RETURN_IF_ERROR(CheckRange("number of outputs",
                                     static_cast<int64_t>(node_.outputs.size()),
                                     parts, parts));
  }
  for (size_t i = 0; i < node_.outputs.size(); ++i) {
    node_.outputs[i] = {.type = In(0).type, .shape = std::move(shapes[i])};
  }
  return OkStatus();
}

Status Inference::Slice() {
  CYTO8_ASSIGN_OR_RETURN(const auto begin, Ints(1));
  CYTO8_ASSIGN_OR_RETURN(const auto size, Ints(2));
  if (!begin || !size) return Set(In(0).type, MaybeShape());
  return Set(In(0).type, SlicedShape(ShapeOf(0), *begin, *size));
}

Status Inference::StridedSlice() {
  CYTO8_ASSIGN_OR_RETURN(const auto begin, Ints(1));
  CYTO8_ASSIGN_OR_RETURN(const auto end, Ints(2));
  CYTO8_ASSIGN_OR_RETURN(const auto strides, Ints(3));
  if (!begin || !end || !strides) return Set(In(0).type, MaybeShape());
  return Set(In(0).type, StridedSliceShape(ShapeOf(0), *begin, *end, *strides,
                                           node_.As<StridedSliceAttributes>()));
}

Status Inference::Gather() {
  return FromInts(2, In(0).type, [&](const std::vector<int64_t>& axis) {
    return GatheredShape(ShapeOf(0), ShapeOf(1), axis.empty() ? 0 : axis[0],
                         node_.As<GatherAttributes>().batch_dims);
  });
}

Status Inference::Range() {
  if (In(0).type == DataType::kFloat32) {
    return Set(In(0).type, MaybeShape(Shape{kUnknownDim}));
  }
  CYTO8_ASSIGN_OR_RETURN(const auto start, Ints(0));
  CYTO8_ASSIGN_OR_RETURN(const auto limit, Ints(1));
  CYTO8_ASSIGN_OR_RETURN(const auto delta, Ints(2));
  const bool known = start && limit && delta && start->size() == 1 &&
                     limit->size() == 1 && delta->size() == 1;
  if (!known) return Set(In(0).type, MaybeShape(Shape{kUnknownDim}));
  const int64_t step = (*delta)[0];
  if (step == 0) return InvalidArgument("delta = 0: must not be 0");
  CYTO8_ASSIGN_OR_RETURN(const int64_t span,
                         CheckedAdd((*limit)[0], -(*start)[0]));
  const bool empty = (span > 0) != (step > 0) || span == 0;
  const int64_t whole = empty ? 0 : span / step;
  return Set(In(0).type,
             MaybeShape(Shape{whole + (!empty && span % step != 0 ? 1 : 0)}));
}

Status Inference::Reduce() {
  return FromInts(1, In(0).type, [&](const std::vector<int64_t>& axes) {
    return ReducedShape(ShapeOf(0), axes,
                        node_.As<ReduceAttributes>().keep_dims);
  });
}

Status Inference::ArgMax() {
  return FromInts(1, node_.As<CastAttributes>().to,
                  [&](const std::vector<int64_t>& axis) {
                    return ReducedShape(ShapeOf(0), axis, /*keep_dims=*/false);
                  });
}

Status Inference::Resize() {
  CYTO8_RETURN_IF_ERROR(CheckRank(0, kImageRank));
  const MaybeShape& x = ShapeOf(0);
  const DataType type =
      node_.op == Op::kResizeBilinear ? DataType::kFloat32 : In(0).type;
  Shape result = x ? *x : Shape(kImageRank, kUnknownDim);
  result[1] = result[2] = kUnknownDim;
  CYTO8_ASSIGN_OR_RETURN(const auto size, Ints(1));
  if (size) {
    CYTO8_RETURN_IF_ERROR(CheckVector(1, 2));
    for (size_t i = 0; i < 2; ++i) {
      CYTO8_RETURN_IF_ERROR(CheckRange("size", (*size)[i], 1, INT32_MAX));
      result[i + 1] = (*size)[i];
    }
  }
  return Set(type, MaybeShape(std::move(result)));
}

Status Inference::Upsample() {
  CYTO8_RETURN_IF_ERROR(CheckRank(0, kImageRank));
  const auto& upsample = node_.As<UpsampleAttributes>();
  return Set(In(0).type, TiledShape(ShapeOf(0), {1, upsample.factor_y,
                                                 upsample.factor_x, 1}));
}

Status Inference::WeightedSum() {
  const size_t edges = InputCount() - 1;
  MaybeShape merged;
  for (size_t i = 0; i < edges; ++i) {
    CYTO8_ASSIGN_OR_RETURN(merged, MergeShapes(merged, ShapeOf(i)));
  }
  const MaybeShape& weights = ShapeOf(edges);
  if (!weights || weights->empty() || weights->size() > 2) {
    return InvalidArgument("weights must have shape [n] or [n,C]");
  }
  const auto count = static_cast<int64_t>(edges);
  CYTO8_RETURN_IF_ERROR(
      CheckRange("number of weights", (*weights)[0], count, count));
  return Set(In(0).type, std::move(merged));
}

Status Inference::SqueezeExcite() {
  CYTO8_RETURN_IF_ERROR(CheckRank(0, kImageRank));
  CYTO8_RETURN_IF_ERROR(CheckRank(1, 2));
  CYTO8_RETURN_IF_ERROR(CheckRank(3, 2));
  if (!ShapeOf(0) || !ShapeOf(1) || !ShapeOf(3)) return SameAsInput(0);
  const int64_t channels = (*ShapeOf(1))[0];
  const int64_t reduced = (*ShapeOf(1))[1];
  CYTO8_RETURN_IF_ERROR(CheckRange("channels of input 0", ShapeOf(0)->back(),
                                   channels, channels));
  CYTO8_RETURN_IF_ERROR(CheckVector(2, reduced));
  CYTO8_RETURN_IF_ERROR(CheckRange("rows of the expand kernel",
                                   (*ShapeOf(3))[0], reduced, reduced));
  CYTO8_RETURN_IF_ERROR(CheckRange("columns of the expand kernel",
                                   (*ShapeOf(3))[1], channels, channels));
  CYTO8_RETURN_IF_ERROR(CheckVector(4, channels));
  return SameAsInput(0);
}

Status Inference::Normalize() {
  CYTO8_RETURN_IF_ERROR(CheckRank(0, kImageRank));
  if (In(0).type != DataType::kUint8) {
    return InvalidArgument("input 0 must be uint8");
  }
  return Set(DataType::kFloat32, ShapeOf(0));
}

Status Inference::Pad() {
  return FromInts(1, In(0).type, [&](const std::vector<int64_t>& paddings) {
    return PaddedShape(ShapeOf(0), paddings);
  });
}

Status Inference::ShapesAndSlices() {
  const DataType type = InputCount() > 0 ? In(0).type : DataType::kFloat32;
  const auto rule = [&](auto function) {
    return FromInts(1, type, [&, function](const std::vector<int64_t>& values) {
      return function(ShapeOf(0), values);
    });
  };
  switch (node_.op) {
    case Op::kShape:
      return ShapeOperator();
    case Op::kReshape:
      return rule(ReshapedShape);
    case Op::kSqueeze:
      return Set(type,
                 SqueezedShape(ShapeOf(0), node_.As<AxesAttributes>().axes));
    case Op::kExpandDims:
      return ExpandDims();
    case Op::kTranspose:
      return rule(TransposedShape);
    case Op::kConcat:
      return Concat();
    case Op::kPack:
      return Pack();
    case Op::kUnpack:
      return Unpack();
    case Op::kSplit:
      return Split();
    case Op::kSplitV:
      return SplitV();
    case Op::kSlice:
      return Slice();
    case Op::kStridedSlice:
      return StridedSlice();
    case Op::kTile:
      return rule(TiledShape);
    case Op::kPad:
      return Pad();
    case Op::kGather:
      return Gather();
    case Op::kFill:
      return FromInts(0, In(1).type, [](const std::vector<int64_t>& shape) {
        return StatusOr<MaybeShape>(MaybeShape(shape));
      });
    case Op::kRange:
      return Range();
    case Op::kBroadcastTo:
      return rule([](const MaybeShape& x, const std::vector<int64_t>& shape) {
        return BroadcastShapes(x, shape);
      });
    default:
      return ReductionsAndFused();
  }
}

Status Inference::ReductionsAndFused() {
  switch (node_.op) {
    case Op::kMean:
    case Op::kSum:
    case Op::kMax:
    case Op::kMin:
    case Op::kProd:
    case Op::kAll:
    case Op::kAny:
      return Reduce();
    case Op::kArgMax:
      return ArgMax();
    case Op::kResizeNearest:
    case Op::kResizeBilinear:
      return Resize();
    case Op::kUpsampleNearest:
      return Upsample();
    case Op::kWeightedSum:
      return WeightedSum();
    case Op::kSqueezeExcite:
      return SqueezeExcite();
    case Op::kNormalize:
      return Normalize();
    default:
      return SameAsInput(0);  // element-wise with one input.
  }
}

Status Inference::Run() {
  if (IsQuantized(node_.op)) return InferQuantizedShapes(graph_, node_);
  switch (node_.op) {
    case Op::kInput:
      Out() = node_.As<InputAttributes>().desc;
      return OkStatus();
    case Op::kConst: {
      const Tensor& value = *node_.As<ConstAttributes>().value;
      return Set(value.type(), MaybeShape(value.shape()));
    }
    case Op::kOpaque:
      return OkStatus();  // nothing is known of its outputs.
    case Op::kConv2D:
    case Op::kDepthwiseConv2D:
      return Convolution(node_.op == Op::kDepthwiseConv2D);
    case Op::kMaxPool:
    case Op::kAvgPool:
      return Pool();
    case Op::kMatMul:
      return MatMul();
    case Op::kBiasAdd:
    case Op::kBatchNorm:
      return PerChannel();
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
    case Op::kFloorDiv:
    case Op::kFloorMod:
    case Op::kMaximum:
    case Op::kMinimum:
    case Op::kPow:
    case Op::kSquaredDifference:
      return Broadcast(/*comparison=*/false);
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLogicalAnd:
    case Op::kLogicalOr:
      return Broadcast(/*comparison=*/true);
    case Op::kAddN:
      return AddN();
    case Op::kSelect:
      return Select();
    case Op::kCast:
      return Set(node_.As<CastAttributes>().to, ShapeOf(0));
    default:
      return ShapesAndSlices();
  }
}

Status CheckSizes(const Node& node, const Limits& limits) {
  for (const TensorDesc& output : node.outputs) {
    if (!output.shape || !IsStatic(*output.shape)) continue;
    CYTO8_ASSIGN_OR_RETURN(const int64_t count, ElementCount(*output.shape));
    CYTO8_ASSIGN_OR_RETURN(const int64_t bytes,
                           CheckedMul(count, ByteSize(output.type)));
    CYTO8_RETURN_IF_ERROR(
        CheckRange("output bytes", bytes, 0, limits.max_tensor_bytes));
    CYTO8_RETURN_IF_ERROR(CheckRange("output rank",
                                     static_cast<int64_t>(output.shape->size()),
                                     0, limits.max_rank));
  }
  return OkStatus();
}

}  // namespace

StatusOr<WindowGeometry> ResolveWindow(int64_t in, int64_t kernel,
                                       int64_t stride, int64_t dilation,
                                       PaddingKind kind, int64_t before,
                                       int64_t after) {
  constexpr int64_t kMaxWindow = 1 << 20;
  CYTO8_RETURN_IF_ERROR(CheckRange("window input side", in, 0, INT32_MAX));
  CYTO8_RETURN_IF_ERROR(CheckRange("kernel side", kernel, 1, kMaxWindow));
  CYTO8_RETURN_IF_ERROR(CheckRange("stride", stride, 1, kMaxWindow));
  CYTO8_RETURN_IF_ERROR(CheckRange("dilation", dilation, 1, kMaxWindow));
  const int64_t reach = (kernel - 1) * dilation + 1;
  if (kind == PaddingKind::kSame) {
    const int64_t out = (in + stride - 1) / stride;
    const int64_t total = std::max<int64_t>((out - 1) * stride + reach - in, 0);
    return WindowGeometry{
        .out = out, .before = total / 2, .after = total - total / 2};
  }
  if (kind == PaddingKind::kValid) before = after = 0;
  CYTO8_RETURN_IF_ERROR(CheckRange("padding before", before, 0, kMaxWindow));
  CYTO8_RETURN_IF_ERROR(CheckRange("padding after", after, 0, kMaxWindow));
  const int64_t room = in + before + after - reach;
  return WindowGeometry{.out = room < 0 ? 0 : room / stride + 1,
                        .before = before,
                        .after = after};
}

StatusOr<Graph> BindInputShapes(Graph graph,
                                const std::map<std::string, Shape>& shapes) {
  for (const auto& [name, shape] : shapes) {
    const std::optional<int64_t> index = FindNode(graph, name);
    if (!index || graph.nodes[static_cast<size_t>(*index)].op != Op::kInput) {
      return InvalidArgument("input \"" + name +
                             "\": the graph has no input of that name");
    }
    Node& node = graph.nodes[static_cast<size_t>(*index)];
    TensorDesc& desc = node.As<InputAttributes>().desc;
    CYTO8_ASSIGN_OR_RETURN(desc.shape, Annotate(MergeShapes(desc.shape, shape),
                                                "input \"" + name + "\""));
    node.outputs[0] = desc;
  }
  return graph;
}

Status InferNode(Graph& graph, int64_t node, const Limits& limits) {
  const Node& inferred = graph.nodes[static_cast<size_t>(node)];
  Status status = Inference(graph, node).Run();
  if (status.ok()) status = CheckSizes(inferred, limits);
  return Annotate(status, "node \"" + inferred.name + "\" (" +
                              std::string(OpName(inferred.op)) + ")");
}

StatusOr<Graph> InferShapes(Graph graph, const Limits& limits) {
  const auto count = static_cast<int64_t>(graph.nodes.size());
  for (int64_t i = 0; i < count; ++i) {
    CYTO8_RETURN_IF_ERROR(InferNode(graph, i, limits));
  }
  return graph;
}

}  // namespace cyto8
