// SPDX-License-Identifier: Apache-2.0
// The intermediate representation of a network: a directed acyclic graph of
// operators over tensors. A plain value: passes take one and return another.
// Constant tensors are shared, so copies are cheap. Says what an operator
// computes, never how. Tested by tests/detector/graph/graph_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/activation.h"
#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/tensor.h"

namespace cyto8 {

// The closed operator list. Names and semantics are TensorFlow's unless noted;
// image tensors are NHWC, Conv2D kernels HWIO, depthwise kernels HWC1.
// Axes, shapes, sizes, paddings and slice bounds are inputs, as in TensorFlow;
// they must be constant when a graph is compiled.
enum class Op {
  // Sources.
  kInput,   // InputAttributes; no inputs.
  kConst,   // ConstAttributes; no inputs.
  kOpaque,  // an operator outside this list (see Node::source_op); may only
            // stand in parts of a graph that are cut off before compiling.
  // Convolution and pooling.
  kConv2D,           // x, kernel[, bias]; ConvAttributes.
  kDepthwiseConv2D,  // x, kernel[, bias]; ConvAttributes.
  kMaxPool,          // x; PoolAttributes. Padding never wins.
  kAvgPool,          // x; PoolAttributes. Padding is not counted.
  kMatMul,           // a, b; MatMulAttributes.
  // Per channel (the last axis).
  kBiasAdd,    // x, bias [C].
  kBatchNorm,  // x, gamma, beta, mean, variance, all [C];
               // BatchNormAttributes.
  // Element-wise with NumPy broadcasting: two inputs.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDiv,
  kFloorMod,
  kMaximum,
  kMinimum,
  kPow,
  kSquaredDifference,
  kGreater,
  kGreaterEqual,
  kLess,
  kLessEqual,
  kEqual,
  kNotEqual,
  kLogicalAnd,
  kLogicalOr,
  kAddN,    // one or more inputs of one shape.
  kSelect,  // condition, then, else; broadcasting (SelectV2).
  // Element-wise: one input.
  kIdentity,  // also StopGradient, CheckNumerics, Print, ...
  kRelu,
  kRelu6,
  kLeakyRelu /* LeakyReluAttributes */,
  kElu,
  kSelu,
  kSigmoid,
  kTanh,
  kSoftplus,
  kSoftsign,
  kExp,
  kLog,
  kLog1p,
  kSqrt,
  kRsqrt,
  kSquare,
  kReciprocal,
  kNeg,
  kAbs,
  kFloor,
  kCeil,
  kRound,
  kErf,
  kLogicalNot,
  kOnesLike,
  kZerosLike,
  kCast,  // CastAttributes.
  // Shape and data movement.
  kShape,         // x; CastAttributes says int32 or int64.
  kReshape,       // x, shape (one -1 allowed).
  kSqueeze,       // x; AxesAttributes (none: all ones).
  kExpandDims,    // x, axis.
  kTranspose,     // x, permutation.
  kConcat,        // x..., axis (the last input).
  kPack,          // x...; AxisAttributes.
  kUnpack,        // x; UnpackAttributes; several outputs.
  kSplit,         // axis, x; UnpackAttributes{count}; several outputs.
  kSplitV,        // x, sizes, axis; UnpackAttributes{count}.
  kSlice,         // x, begin, size (-1: to the end).
  kStridedSlice,  // x, begin, end, strides; StridedSliceAttributes.
  kTile,          // x, multiples.
  kPad,           // x, paddings [rank,2][, value].
  kGather,        // x, indices, axis; GatherAttributes.
  kFill,          // shape, value.
  kRange,         // start, limit, delta.
  kBroadcastTo,   // x, shape.
  // Reductions: x, axes; ReduceAttributes.
  kMean,
  kSum,
  kMax,
  kMin,
  kProd,
  kAll,
  kAny,
  kArgMax,   // x, axis; CastAttributes says int32 or int64.
  kSoftmax,  // over the last axis.
  // Resizing: x, size [2] (height, width); ResizeAttributes.
  kResizeNearest,
  kResizeBilinear,
  // Fused operators, made by passes only.
  kSwish,            // x * sigmoid(beta * x); SwishAttributes.
  kHardSwish,        // x * relu6(x + 3) / 6.
  kMish,             // x * tanh(softplus(x)).
  kUpsampleNearest,  // x; UpsampleAttributes: every pixel repeated.
  kWeightedSum,      // x_0 .. x_{n-1}, weights [n] or [n,C]:
                     // sum over i of weights[i] * x_i, all x of one shape.
  kSqueezeExcite,    // x, reduce kernel [C,R], reduce bias [R], expand kernel
                     // [R,C], expand bias [C]: x * gate(expand(activation(
                     // reduce(mean of x over height and width))));
                     // SqueezeExciteAttributes.
  kNormalize,        // u8 NHWC -> float: (x - mean) / deviation;
                     // NormalizeAttributes.
  // INT8 operators, made by quantization only. Codes are uint8; the attributes
  // say what they stand for. kernels/requantize.h is their arithmetic.
  kQuantize,         // x float -> codes; CodeAttributes.
  kDequantize,       // codes -> float; CodeAttributes.
  kQuantizedConv2D,  // codes, wei int8 in packed order, factors int32 [3, P]
                     // (bias, shift, multiplier; P packed outputs)[, addend
                     // codes]; QuantizedConvAttributes; -> codes.
  kQuantizedConv2DFloat,  // codes, wei, bias int32 [P], scale and offset float
                          // [2, P]; QuantizedConvAttributes; -> float.
  kGatedConv2D,  // codes, wei int16 in packed order, scale and bias float [2,
                 // O], gate float [N, C][, addend codes]; 1x1;
                 // QuantizedConvAttributes; -> codes.
  kQuantizedDepthwiseConv2D,  // codes, wei int8 [kh, kw, C], factors int32
                              // [3, C]; QuantizedConvAttributes; -> codes, sum
                              // of each channel's codes int32 [N, C].
  kQuantizedGate,  // sums int32 [N, C], the codes that were summed (for their
                   // shape only), and the four weights of kSqueezeExcite;
                   // QuantizedGateAttributes; -> gate float [N, C].
  kQuantizedWeightedSum,  // codes..., start and multipliers int16 [1 + n, C];
                          // QuantizedSumAttributes; -> codes.
};

std::string_view OpName(Op op);  // "Conv2D", ...

// True for the INT8 operators, which follow kQuantize.
inline bool IsQuantized(Op op) { return op >= Op::kQuantize; }

enum class PaddingKind { kValid, kSame, kExplicit };

struct Padding {
  PaddingKind kind = PaddingKind::kValid;
  // Only for kExplicit, in pixels.
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

struct InputAttributes {
  TensorDesc desc = {};
};
struct ConstAttributes {
  std::shared_ptr<const Tensor> value = {};
};
struct ConvAttributes {
  std::array<int64_t, 2> strides = {1, 1};    // y, x.
  std::array<int64_t, 2> dilations = {1, 1};  // y, x.
  Padding padding = {};
  Activation activation = Activation::kNone;
};
struct PoolAttributes {
  std::array<int64_t, 2> kernel = {1, 1};   // y, x.
  std::array<int64_t, 2> strides = {1, 1};  // y, x.
  Padding padding = {};
};
struct MatMulAttributes {
  bool transpose_a = false;
  bool transpose_b = false;
};
struct BatchNormAttributes {
  float epsilon = 1e-3f;
};
struct LeakyReluAttributes {
  float alpha = 0.2f;
};
struct CastAttributes {
  DataType to = DataType::kFloat32;
};
struct AxisAttributes {
  int64_t axis = 0;
};
struct AxesAttributes {
  std::vector<int64_t> axes = {};
};
struct UnpackAttributes {
  int64_t axis = 0;
  int64_t count = 1;
};
struct StridedSliceAttributes {
  int64_t begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0,
          shrink_axis_mask = 0;
};
struct GatherAttributes {
  int64_t batch_dims = 0;
};
struct ReduceAttributes {
  bool keep_dims = false;
};
struct ResizeAttributes {
  bool align_corners = false;
  bool half_pixel_centers = false;
};
struct SwishAttributes {
  float beta = 1;
};
struct UpsampleAttributes {
  int64_t factor_y = 1;
  int64_t factor_x = 1;
};
struct SqueezeExciteAttributes {
  Activation activation = Activation::kSwish;  // between the two layers.
};
struct NormalizeAttributes {
  std::array<float, 3> mean = {0, 0, 0};       // levels of 0..255.
  std::array<float, 3> deviation = {1, 1, 1};  // likewise, > 0.
};

// What codes stand for.
struct CodeAttributes {
  QuantParams codes = {};
};
// How results become codes; see kernels/requantize.h.
struct RequantizeAttributes {
  QuantParams dst = {};
  int64_t left_shift = 0;
  int64_t fraction_bits = 0;
  // Of the activation; both empty if it needs none.
  int64_t segment_shift = 0;
  std::vector<int64_t> intercepts = {};
  std::vector<int64_t> slopes = {};
};
struct QuantizedConvAttributes {
  ConvAttributes conv = {};
  std::array<int64_t, 4> kernel = {1, 1, 1, 1};  // HWIO; depthwise HWC1.
  QuantParams src = {};
  // Code of each input channel outside of the image; empty: src.zero_point.
  std::vector<int64_t> pad = {};
  RequantizeAttributes requantize = {};  // .dst alone for float results.
  int64_t addend_multiplier = 0;         // if there is an addend.
  // kGatedConv2D: added to results before they are codes; an addend's part.
  float addend_offset_codes = 0;
};
struct QuantizedGateAttributes {
  SqueezeExciteAttributes gate = {};
  QuantParams src = {};
};
// How a source of a sum gets the size of the others: one of the two, or none.
struct SourceResize {
  UpsampleAttributes upsample = {};
  std::optional<PoolAttributes> pool = {};  // a maximum.
};
struct QuantizedSumAttributes {
  std::vector<SourceResize> sources = {};
  Activation activation = Activation::kNone;  // for readers; the table counts.
  RequantizeAttributes requantize = {};       // without left_shift.
};

using Attributes = std::variant<
    std::monostate, InputAttributes, ConstAttributes, ConvAttributes,
    PoolAttributes, MatMulAttributes, BatchNormAttributes, LeakyReluAttributes,
    CastAttributes, AxisAttributes, AxesAttributes, UnpackAttributes,
    StridedSliceAttributes, GatherAttributes, ReduceAttributes,
    ResizeAttributes, SwishAttributes, UpsampleAttributes,
    SqueezeExciteAttributes, NormalizeAttributes, CodeAttributes,
    QuantizedConvAttributes, QuantizedGateAttributes, QuantizedSumAttributes>;

// Output `port` of node number `node` in Graph::nodes.
struct ValueRef {
  int64_t node = -1;
  int64_t port = 0;
  friend bool operator==(const ValueRef&, const ValueRef&) = default;
  friend auto operator<=>(const ValueRef&, const ValueRef&) = default;
};

struct Node {
  std::string name;  // unique within the graph.
  Op op = Op::kOpaque;
  std::string source_op = {};  // the operator's name in the model file.
  std::vector<ValueRef> inputs = {};
  Attributes attributes = {};
  // One per output; at least one. Types and shapes as far as InferShapes()
  // knows them.
  std::vector<TensorDesc> outputs = std::vector<TensorDesc>(1);

  // The attributes of the kind that `op` has (see the list above).
  template <typename T>
  const T& As() const {
    return std::get<T>(attributes);
  }
  template <typename T>
  T& As() {
    return std::get<T>(attributes);
  }
};

// A result of the network under the name by which the outside asks for it: the
// tensor's name in the model file, without ":0". Passes keep names and order.
struct GraphOutput {
  std::string name;
  ValueRef value;
};

struct Graph {
  std::vector<Node> nodes;
  std::vector<GraphOutput> outputs;

  const Node& node(ValueRef value) const {
    return nodes[static_cast<size_t>(value.node)];
  }
  Node& node(ValueRef value) { return nodes[static_cast<size_t>(value.node)]; }
  const TensorDesc& desc(ValueRef value) const {
    return node(value).outputs[static_cast<size_t>(value.port)];
  }
  // Appends a node and returns its first output.
  ValueRef Add(Node node);
  ValueRef AddConst(std::string name, Tensor value);
};

// The constant that a value is, or null.
const Tensor* ConstantOf(const Graph& graph, ValueRef value);

// The index of the node of that name, if any.
std::optional<int64_t> FindNode(const Graph& graph, std::string_view name);
std::vector<int64_t> InputNodes(const Graph& graph);  // in graph order.

// "name" for port 0, "name:port" for the others.
std::string ValueName(const Graph& graph, ValueRef value);

// For each node the nodes that read one of its outputs, each reader once per
// edge, in graph order. Graph outputs are not readers.
std::vector<std::vector<int64_t>> ReadersOf(const Graph& graph);

// Every reader and graph output of `from` now reads `to`, but `except` (a
// node, -1 for none) keeps its inputs.
void ReplaceUses(Graph& graph, ValueRef from, ValueRef to, int64_t except = -1);

// Without the nodes that no output and no kept input needs; the rest in
// topological order (stable: file order where edges allow). Input nodes stay.
// kInvalidArgument on a cycle; the message names its nodes.
StatusOr<Graph> RemoveDeadNodes(Graph graph);
StatusOr<Graph> SortTopologically(Graph graph);

// Names unique, references in range, topological order, input counts and
// attribute kinds as the operator list says, ranks and constant sizes within
// the limits. Every error names the node.
Status ValidateGraph(const Graph& graph, const Limits& limits = {});

// One kUnimplemented error that names the first kOpaque node, its operator, its
// inputs, and how many more there are; OK if there is none.
Status CheckSupported(const Graph& graph);

// A name that no node has: `base`, else base_2, base_3, ...
std::string UniqueName(const Graph& graph, const std::string& base);

}  // namespace cyto8
