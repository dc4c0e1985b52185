// SPDX-License-Identifier: Apache-2.0
// Shapes of INT8 operators; see quantized_shapes.h.
#include "detector/graph/quantized_shapes.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "detector/graph/shape_rules.h"

namespace cyto8 {
namespace {

constexpr size_t kImageRank = 4;
constexpr int64_t kMaxCode = 255;
constexpr size_t kSegments = 32;  // of a table; kernels/requantize.h.

Status CheckInput(const Graph& graph, const Node& node, size_t i, DataType type,
                  size_t rank) {
  const TensorDesc& desc = graph.desc(node.inputs[i]);
  const std::string name = "input " + std::to_string(i);
  if (desc.type != type) {
    return InvalidArgument(name + " = " + std::string(DataTypeName(desc.type)) +
                           ": must be " + std::string(DataTypeName(type)));
  }
  if (desc.shape && desc.shape->size() != rank) {
    return InvalidArgument("shape of " + name + " = " +
                           ShapeToString(*desc.shape) + ": must have " +
                           std::to_string(rank) + " dimensions");
  }
  return OkStatus();
}

// Side `axis` of input `i`; the input has that rank.
int64_t SideOf(const Graph& graph, const Node& node, size_t i, size_t axis) {
  const MaybeShape& shape = graph.desc(node.inputs[i]).shape;
  return shape ? (*shape)[axis] : kUnknownDim;
}

Status CheckSide(const Graph& graph, const Node& node, size_t i, size_t axis,
                 int64_t wanted) {
  const int64_t side = SideOf(graph, node, i, axis);
  if (side == kUnknownDim || wanted == kUnknownDim) return OkStatus();
  return CheckRange(
      "side " + std::to_string(axis) + " of input " + std::to_string(i), side,
      wanted, wanted);
}

Status CheckCodes(const QuantParams& codes) {
  if (!std::isfinite(codes.scale) || codes.scale <= 0) {
    return InvalidArgument(
        "scale = " + FormatShortest(static_cast<double>(codes.scale)) +
        ": must be finite and above 0");
  }
  return CheckRange("zero point", codes.zero_point, 0, kMaxCode);
}

Status CheckWords(const char* name, const std::vector<int64_t>& words,
                  int64_t limit) {
  for (const int64_t word : words) {
    CYTO8_RETURN_IF_ERROR(CheckRange(name, word, -limit, limit - 1));
  }
  return OkStatus();
}

// What a table takes away from p stays in 16 bits, also where kernels do not
// saturate: p of a sum is in [-2^14, 2^14).
Status CheckTable(const RequantizeAttributes& requantize) {
  constexpr int64_t kReach = 1 << 14;
  for (size_t i = 0; i < kSegments; ++i) {
    const auto segment = static_cast<int64_t>(i);
    const bool last = i + 1 == kSegments;
    const int64_t begin = segment << requantize.segment_shift;
    const int64_t end =
        last ? kReach : (segment + 1) << requantize.segment_shift;
    for (const int64_t a : {begin, end}) {
      const int64_t even =
          requantize.intercepts[i] +
          ((requantize.slopes[i] * std::min(a, kReach) + kReach) >> 15);
      CYTO8_RETURN_IF_ERROR(
          CheckRange("value of the table", even, -kReach, kReach - 1));
    }
  }
  return CheckRange("last slope", requantize.slopes.back(), 0, 0);
}

Status CheckRequantize(const RequantizeAttributes& requantize) {
  CYTO8_RETURN_IF_ERROR(CheckCodes(requantize.dst));
  CYTO8_RETURN_IF_ERROR(CheckRange("left shift", requantize.left_shift, 0, 15));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("fraction bits", requantize.fraction_bits, 0, 5));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("segment shift", requantize.segment_shift, 0, 15));
  const size_t segments = requantize.intercepts.size();
  if (segments != requantize.slopes.size() ||
      (segments != 0 && segments != kSegments)) {
    return InvalidArgument("table = " + std::to_string(segments) + " and " +
                           std::to_string(requantize.slopes.size()) +
                           " numbers: must be 0 or 32 of each");
  }
  constexpr int64_t kIntercepts = 1 << 14;
  constexpr int64_t kSlopes = 1 << 15;
  CYTO8_RETURN_IF_ERROR(
      CheckWords("intercept", requantize.intercepts, kIntercepts));
  CYTO8_RETURN_IF_ERROR(CheckWords("slope", requantize.slopes, kSlopes));
  return segments == 0 ? OkStatus() : CheckTable(requantize);
}

void Set(TensorDesc& out, DataType type, MaybeShape shape) {
  out = {.type = type, .shape = std::move(shape), .quant = {}};
}

Status CheckKernel(const Graph& graph, const Node& node,
                   const QuantizedConvAttributes& conv) {
  constexpr int64_t kMaxSide = 1 << 16;
  for (const int64_t side : conv.kernel) {
    CYTO8_RETURN_IF_ERROR(CheckRange("kernel", side, 1, kMaxSide));
  }
  CYTO8_RETURN_IF_ERROR(CheckCodes(conv.src));
  const int64_t channels = conv.kernel[2];
  const MaybeShape& image = graph.desc(node.inputs[0]).shape;
  if (image && image->back() != kUnknownDim) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("channels of input 0", image->back(), channels, channels));
  }
  if (!conv.pad.empty()) {
    CYTO8_RETURN_IF_ERROR(CheckRange("number of pad codes",
                                     std::ssize(conv.pad), channels, channels));
  }
  for (const int64_t code : conv.pad) {
    CYTO8_RETURN_IF_ERROR(CheckRange("pad code", code, 0, kMaxCode));
  }
  return CheckRange("addend multiplier", conv.addend_multiplier, -32768, 32767);
}

Status Convolution(const Graph& graph, Node& node) {
  const auto& conv = node.As<QuantizedConvAttributes>();
  CYTO8_RETURN_IF_ERROR(
      CheckInput(graph, node, 0, DataType::kUint8, kImageRank));
  CYTO8_RETURN_IF_ERROR(CheckKernel(graph, node, conv));
  const bool is_float = node.op == Op::kQuantizedConv2DFloat;
  const bool is_depthwise = node.op == Op::kQuantizedDepthwiseConv2D;
  if (!is_float) CYTO8_RETURN_IF_ERROR(CheckRequantize(conv.requantize));
  if (is_depthwise) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("channel multiplier", conv.kernel[3], 1, 1));
  }
  const MaybeShape& image = graph.desc(node.inputs[0]).shape;
  const int64_t channels = is_depthwise ? conv.kernel[2] : conv.kernel[3];
  CYTO8_ASSIGN_OR_RETURN(
      MaybeShape result,
      WindowedShape(image,
                    {.kernel = {conv.kernel[0], conv.kernel[1]},
                     .strides = conv.conv.strides,
                     .dilations = conv.conv.dilations,
                     .padding = conv.conv.padding},
                    channels));
  if (is_depthwise) {
    node.outputs.resize(2);
    Set(node.outputs[1], DataType::kInt32,
        Shape{image ? image->front() : kUnknownDim, channels});
  }
  Set(node.outputs[0], is_float ? DataType::kFloat32 : DataType::kUint8,
      std::move(result));
  return OkStatus();
}

// The addend is the last input of operators that may have one.
Status CheckAddend(const Graph& graph, const Node& node, size_t others) {
  if (node.inputs.size() == others) return OkStatus();
  CYTO8_RETURN_IF_ERROR(
      CheckInput(graph, node, others, DataType::kUint8, kImageRank));
  return MergeShapes(node.outputs[0].shape,
                     graph.desc(node.inputs[others]).shape)
      .status();
}

Status QuantizedConv(const Graph& graph, Node& node) {
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 1, DataType::kInt8, 1));
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 2, DataType::kInt32, 2));
  CYTO8_RETURN_IF_ERROR(Convolution(graph, node));
  return CheckAddend(graph, node, 3);
}

Status FloatConv(const Graph& graph, Node& node) {
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 1, DataType::kInt8, 1));
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 2, DataType::kInt32, 1));
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 3, DataType::kFloat32, 2));
  return Convolution(graph, node);
}

Status GatedConv(const Graph& graph, Node& node) {
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 1, DataType::kInt16, 1));
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 2, DataType::kFloat32, 2));
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 3, DataType::kFloat32, 2));
  CYTO8_RETURN_IF_ERROR(Convolution(graph, node));
  const auto& conv = node.As<QuantizedConvAttributes>();
  CYTO8_RETURN_IF_ERROR(
      CheckSide(graph, node, 3, 0, SideOf(graph, node, 0, 0)));
  CYTO8_RETURN_IF_ERROR(CheckSide(graph, node, 3, 1, conv.kernel[2]));
  if (!std::isfinite(conv.addend_offset_codes)) {
    return InvalidArgument(
        "addend offset = " +
        FormatShortest(static_cast<double>(conv.addend_offset_codes)) +
        ": must be finite");
  }
  return CheckAddend(graph, node, 4);
}

Status DepthwiseConv(const Graph& graph, Node& node) {
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 1, DataType::kInt8, 3));
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 2, DataType::kInt32, 2));
  return Convolution(graph, node);
}

// Kernels rely on these.
Status CheckGateSides(const Graph& graph, const Node& node) {
  const int64_t channels = SideOf(graph, node, 0, 1);
  const int64_t reduced = SideOf(graph, node, 2, 1);
  struct Side {
    size_t input, axis;
    int64_t wanted;
  };
  for (const Side& side :
       {Side{1, 0, SideOf(graph, node, 0, 0)}, Side{1, 3, channels},
        Side{2, 0, channels}, Side{3, 0, reduced}, Side{4, 0, reduced},
        Side{4, 1, channels}, Side{5, 0, channels}}) {
    CYTO8_RETURN_IF_ERROR(
        CheckSide(graph, node, side.input, side.axis, side.wanted));
  }
  return OkStatus();
}

Status Gate(const Graph& graph, Node& node) {
  CYTO8_RETURN_IF_ERROR(CheckInput(graph, node, 0, DataType::kInt32, 2));
  CYTO8_RETURN_IF_ERROR(
      CheckInput(graph, node, 1, DataType::kUint8, kImageRank));
  for (const size_t matrix : {size_t{2}, size_t{4}}) {
    CYTO8_RETURN_IF_ERROR(
        CheckInput(graph, node, matrix, DataType::kFloat32, 2));
    CYTO8_RETURN_IF_ERROR(
        CheckInput(graph, node, matrix + 1, DataType::kFloat32, 1));
  }
  CYTO8_RETURN_IF_ERROR(CheckGateSides(graph, node));
  CYTO8_RETURN_IF_ERROR(CheckCodes(node.As<QuantizedGateAttributes>().src));
  Set(node.outputs[0], DataType::kFloat32, graph.desc(node.inputs[0]).shape);
  return OkStatus();
}

StatusOr<MaybeShape> Resized(const MaybeShape& x, const SourceResize& resize) {
  if (!resize.pool) {
    return TiledShape(
        x, {1, resize.upsample.factor_y, resize.upsample.factor_x, 1});
  }
  return WindowedShape(x,
                       {.kernel = resize.pool->kernel,
                        .strides = resize.pool->strides,
                        .padding = resize.pool->padding},
                       x ? x->back() : kUnknownDim);
}

Status WeightedSum(const Graph& graph, Node& node) {
  const auto& sum = node.As<QuantizedSumAttributes>();
  const auto sources = std::ssize(node.inputs) - 1;
  CYTO8_RETURN_IF_ERROR(CheckRange("number of resizes", std::ssize(sum.sources),
                                   sources, sources));
  CYTO8_RETURN_IF_ERROR(CheckRequantize(sum.requantize));
  MaybeShape merged;
  for (size_t i = 0; i < sum.sources.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(
        CheckInput(graph, node, i, DataType::kUint8, kImageRank));
    const UpsampleAttributes& up = sum.sources[i].upsample;
    constexpr int64_t kMaxFactor = 1 << 10;
    CYTO8_RETURN_IF_ERROR(CheckRange("factor", up.factor_y, 1, kMaxFactor));
    CYTO8_RETURN_IF_ERROR(CheckRange("factor", up.factor_x, 1, kMaxFactor));
    CYTO8_ASSIGN_OR_RETURN(
        const MaybeShape resized,
        Resized(graph.desc(node.inputs[i]).shape, sum.sources[i]));
    CYTO8_ASSIGN_OR_RETURN(merged, MergeShapes(merged, resized));
  }
  CYTO8_RETURN_IF_ERROR(
      CheckInput(graph, node, sum.sources.size(), DataType::kInt16, 2));
  Set(node.outputs[0], DataType::kUint8, std::move(merged));
  return OkStatus();
}

Status Convert(const Graph& graph, Node& node, DataType from, DataType to) {
  const TensorDesc& src = graph.desc(node.inputs[0]);
  if (src.type != from) {
    return InvalidArgument("input 0 must be " +
                           std::string(DataTypeName(from)));
  }
  CYTO8_RETURN_IF_ERROR(CheckCodes(node.As<CodeAttributes>().codes));
  Set(node.outputs[0], to, src.shape);
  return OkStatus();
}

}  // namespace

Status InferQuantizedShapes(const Graph& graph, Node& node) {
  switch (node.op) {
    case Op::kQuantize:
      return Convert(graph, node, DataType::kFloat32, DataType::kUint8);
    case Op::kDequantize:
      return Convert(graph, node, DataType::kUint8, DataType::kFloat32);
    case Op::kQuantizedConv2D:
      return QuantizedConv(graph, node);
    case Op::kQuantizedConv2DFloat:
      return FloatConv(graph, node);
    case Op::kGatedConv2D:
      return GatedConv(graph, node);
    case Op::kQuantizedDepthwiseConv2D:
      return DepthwiseConv(graph, node);
    case Op::kQuantizedGate:
      return Gate(graph, node);
    case Op::kQuantizedWeightedSum:
      return WeightedSum(graph, node);
    default:
      return Internal("not an INT8 operator");
  }
}

}  // namespace cyto8
