// SPDX-License-Identifier: Apache-2.0
// A graph with every kind of attributes, and every field of a graph as text.
// Helper of model_file_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/numbers.h"
#include "detector/graph/graph.h"
#include "detector/graph/shape_inference.h"

namespace cyto8 {

// ---- Every field of every kind of attributes as text. Structured bindings
// ---- make the compiler complain about a field that is not mentioned.

template <typename T, typename = std::enable_if_t<std::is_integral_v<T> ||
                                                  std::is_enum_v<T>>>
std::string Text(T value) {
  return std::to_string(static_cast<int64_t>(value));
}
inline std::string Text(float value) {
  return FormatShortest(static_cast<double>(value));
}
inline std::string Text(const QuantParams& codes);
inline std::string Text(const Padding& padding);
inline std::string Text(const PoolAttributes& pool);
inline std::string Text(const SourceResize& resize);
template <typename T>
std::string Text(const std::vector<T>& list);
template <typename T, size_t kSize>
std::string Text(const std::array<T, kSize>& list);
template <typename T>
std::string Text(const std::optional<T>& value) {
  return value ? Text(*value) : "none";
}
template <typename... Values>
std::string All(const Values&... values) {
  return "{" + ((Text(values) + " ") + ...) + "}";
}
template <typename T>
std::string Text(const std::vector<T>& list) {
  std::string text = "[";
  for (const T& value : list) text += Text(value) + " ";
  return text + "]";
}
template <typename T, size_t kSize>
std::string Text(const std::array<T, kSize>& list) {
  return Text(std::vector<T>(list.begin(), list.end()));
}

inline std::string Text(const QuantParams& codes) {
  const auto& [scale, zero_point] = codes;
  return All(scale, zero_point);
}
inline std::string Text(const Padding& padding) {
  const auto& [kind, top, bottom, left, right] = padding;
  return All(kind, top, bottom, left, right);
}
inline std::string Text(const TensorDesc& desc) {
  const auto& [type, shape, quant] = desc;
  return All(type, shape, quant);
}
inline std::string Text(const std::monostate& /*none*/) { return ""; }
inline std::string Text(const InputAttributes& a) {
  const auto& [desc] = a;
  return Text(desc);
}
inline std::string Text(const ConstAttributes& a) {
  const auto& [value] = a;
  return All(value->type(), value->shape()) +
         std::string(reinterpret_cast<const char*>(value->bytes().data()),
                     value->bytes().size());
}
inline std::string Text(const ConvAttributes& a) {
  const auto& [strides, dilations, padding, activation] = a;
  return All(strides, dilations, padding, activation);
}
inline std::string Text(const PoolAttributes& a) {
  const auto& [kernel, strides, padding] = a;
  return All(kernel, strides, padding);
}
inline std::string Text(const MatMulAttributes& a) {
  const auto& [transpose_a, transpose_b] = a;
  return All(transpose_a, transpose_b);
}
inline std::string Text(const BatchNormAttributes& a) {
  const auto& [epsilon] = a;
  return Text(epsilon);
}
inline std::string Text(const LeakyReluAttributes& a) {
  const auto& [alpha] = a;
  return Text(alpha);
}
inline std::string Text(const CastAttributes& a) {
  const auto& [to] = a;
  return Text(to);
}
inline std::string Text(const AxisAttributes& a) {
  const auto& [axis] = a;
  return Text(axis);
}
inline std::string Text(const AxesAttributes& a) {
  const auto& [axes] = a;
  return Text(axes);
}
inline std::string Text(const UnpackAttributes& a) {
  const auto& [axis, count] = a;
  return All(axis, count);
}
inline std::string Text(const StridedSliceAttributes& a) {
  const auto& [begin, end, ellipsis, new_axis, shrink_axis] = a;
  return All(begin, end, ellipsis, new_axis, shrink_axis);
}
inline std::string Text(const GatherAttributes& a) {
  const auto& [batch_dims] = a;
  return Text(batch_dims);
}
inline std::string Text(const ReduceAttributes& a) {
  const auto& [keep_dims] = a;
  return Text(keep_dims);
}
inline std::string Text(const ResizeAttributes& a) {
  const auto& [align_corners, half_pixel_centers] = a;
  return All(align_corners, half_pixel_centers);
}
inline std::string Text(const SwishAttributes& a) {
  const auto& [beta] = a;
  return Text(beta);
}
inline std::string Text(const UpsampleAttributes& a) {
  const auto& [factor_y, factor_x] = a;
  return All(factor_y, factor_x);
}
inline std::string Text(const SqueezeExciteAttributes& a) {
  const auto& [activation] = a;
  return Text(activation);
}
inline std::string Text(const NormalizeAttributes& a) {
  const auto& [mean, deviation] = a;
  return All(mean, deviation);
}
inline std::string Text(const CodeAttributes& a) {
  const auto& [codes] = a;
  return Text(codes);
}
inline std::string Text(const RequantizeAttributes& a) {
  const auto& [dst, left_shift, fraction_bits, segment_shift, intercepts,
               slopes] = a;
  return All(dst, left_shift, fraction_bits, segment_shift, intercepts, slopes);
}
inline std::string Text(const QuantizedConvAttributes& a) {
  const auto& [conv, kernel, src, pad, requantize, multiplier, offset] = a;
  return Text(conv) + Text(requantize) +
         All(kernel, src, pad, multiplier, offset);
}
inline std::string Text(const QuantizedGateAttributes& a) {
  const auto& [gate, src] = a;
  return Text(gate) + Text(src);
}
inline std::string Text(const SourceResize& a) {
  const auto& [upsample, pool] = a;
  return Text(upsample) + Text(pool);
}
inline std::string Text(const QuantizedSumAttributes& a) {
  const auto& [sources, activation, requantize] = a;
  return All(sources, activation) + Text(requantize);
}

inline std::string Text(const Node& node) {
  const auto& [name, op, source_op, inputs, attributes, outputs] = node;
  std::string text = name + " " + std::string(OpName(op)) + " " + source_op;
  for (const ValueRef& input : inputs) text += All(input.node, input.port);
  text += std::visit([](const auto& a) { return Text(a); }, attributes);
  for (const TensorDesc& output : outputs) text += Text(output);
  return text;
}

inline std::string Text(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += Text(node) + "\n";
  for (const GraphOutput& output : graph.outputs) {
    text += output.name + All(output.value.node, output.value.port) + "\n";
  }
  return text;
}

// ---- A graph with all of them, no field as it is by default.

class GraphMaker {
 public:
  ValueRef Add(Op op, std::vector<ValueRef> inputs, Attributes attributes = {},
               size_t outputs = 1) {
    return graph.Add({.name = "n" + std::to_string(graph.nodes.size()),
                      .op = op,
                      .source_op = "Source" + std::string(OpName(op)),
                      .inputs = std::move(inputs),
                      .attributes = std::move(attributes),
                      .outputs = std::vector<TensorDesc>(outputs)});
  }
  ValueRef Input(DataType type, std::optional<Shape> shape,
                 std::optional<QuantParams> quant = {}) {
    return Add(Op::kInput, {},
               InputAttributes{{.type = type, .shape = shape, .quant = quant}});
  }
  // Bytes that count up, so that constants differ.
  ValueRef Const(DataType type, Shape shape) {
    Tensor tensor = *Tensor::Create(type, std::move(shape));
    uint8_t byte = 0;
    for (std::byte& b : tensor.mutable_bytes()) {
      b = std::byte{type == DataType::kBool ? uint8_t{1} : byte++};
    }
    return Shared(std::make_shared<const Tensor>(std::move(tensor)));
  }
  ValueRef Shared(std::shared_ptr<const Tensor> tensor) {
    return Add(Op::kConst, {}, ConstAttributes{std::move(tensor)});
  }
  ValueRef Ints(const std::vector<int32_t>& values) {
    return Shared(std::make_shared<const Tensor>(
        Tensor::FromInts({std::ssize(values)}, values)));
  }
  void AddOutput(ValueRef value) {
    graph.outputs.push_back(
        {"out" + std::to_string(graph.outputs.size()), value});
  }

  Graph graph;
};

inline RequantizeAttributes Table() {
  RequantizeAttributes requantize = {.dst = {.scale = 0.25f, .zero_point = 3},
                                     .left_shift = 1,
                                     .fraction_bits = 2,
                                     .segment_shift = 9};
  for (int64_t i = 0; i < 32; ++i) {
    requantize.intercepts.push_back(i - 16'384);
    requantize.slopes.push_back(i == 31 ? 0 : 32'767 - i);
  }
  return requantize;
}

inline constexpr Padding kPadding = {.kind = PaddingKind::kExplicit,
                                     .top = 1,
                                     .bottom = 2,
                                     .left = 3,
                                     .right = 4};
inline constexpr PoolAttributes kPool = {
    .kernel = {2, 3}, .strides = {2, 1}, .padding = kPadding};

inline QuantizedConvAttributes QuantizedConv(std::array<int64_t, 4> kernel) {
  return {.conv = {.activation = Activation::kHardSwish},
          .kernel = kernel,
          .src = {.scale = 0.5f, .zero_point = 128},
          .pad = std::vector<int64_t>(static_cast<size_t>(kernel[2]), 9),
          .requantize = Table(),
          .addend_multiplier = -5,
          .addend_offset_codes = 1.5f};
}

inline void AddFloatNodes(GraphMaker& make, ValueRef image) {
  const auto floats = [&](Shape shape) {
    return make.Const(DataType::kFloat32, std::move(shape));
  };
  make.Add(Op::kConv2D, {image, floats({3, 3, 4, 8})},
           ConvAttributes{.strides = {2, 1},
                          .dilations = {1, 3},
                          .padding = kPadding,
                          .activation = Activation::kSwish});
  make.Add(Op::kConv2D, {image, floats({1, 1, 4, 8})},
           ConvAttributes{.padding = {.kind = PaddingKind::kSame},
                          .activation = Activation::kSigmoid});
  make.Add(Op::kMaxPool, {image}, kPool);
  make.Add(Op::kMatMul, {floats({2, 3}), floats({4, 2})},
           MatMulAttributes{.transpose_a = true, .transpose_b = true});
  const ValueRef c = floats({4});
  make.Add(Op::kBatchNorm, {image, c, c, c, c},
           BatchNormAttributes{.epsilon = 0.5f});
  make.Add(Op::kLeakyRelu, {image}, LeakyReluAttributes{.alpha = -0.0f});
  make.Add(Op::kPack, {c, c}, AxisAttributes{.axis = -2});
  make.Add(Op::kSqueeze, {image}, AxesAttributes{.axes = {0, -4}});
  make.AddOutput(make.Add(Op::kUnpack, {image},
                          UnpackAttributes{.axis = -1, .count = 4}, 4));
  make.AddOutput({.node = std::ssize(make.graph.nodes) - 1, .port = 2});
  make.Add(
      Op::kGather,
      {floats({2, 3}), make.Const(DataType::kInt32, {2, 1}), make.Ints({1})},
      GatherAttributes{.batch_dims = 1});
  make.Add(Op::kMean, {image, make.Ints({1, 2})},
           ReduceAttributes{.keep_dims = true});
  make.Add(Op::kResizeNearest, {image, make.Ints({4, 5})},
           ResizeAttributes{.align_corners = true, .half_pixel_centers = true});
  make.Add(Op::kSwish, {image}, SwishAttributes{.beta = 1.5f});
  make.Add(Op::kUpsampleNearest, {image}, UpsampleAttributes{2, 3});
  make.Add(Op::kSqueezeExcite,
           {image, floats({4, 2}), floats({2}), floats({2, 4}), c},
           SqueezeExciteAttributes{.activation = Activation::kRelu});
  make.Add(Op::kStridedSlice,
           {image, make.Ints({0, 0, 0, 0}), make.Ints({1, 8, 8, 4}),
            make.Ints({1, 1, 1, 1})},
           StridedSliceAttributes{.begin_mask = 1,
                                  .end_mask = 2,
                                  .ellipsis_mask = 0,
                                  .new_axis_mask = 0,
                                  .shrink_axis_mask = 1});
}

inline void AddQuantizedNodes(GraphMaker& make, ValueRef image) {
  const auto constant = [&](DataType type, Shape shape) {
    return make.Const(type, std::move(shape));
  };
  const ValueRef codes =
      make.Add(Op::kQuantize, {image},
               CodeAttributes{{.scale = 0.125f, .zero_point = 255}});
  const ValueRef wei = constant(DataType::kInt8, {128});
  const ValueRef factors = constant(DataType::kInt32, {3, 16});
  const ValueRef conv = make.Add(Op::kQuantizedConv2D, {codes, wei, factors},
                                 QuantizedConv({1, 1, 4, 4}));
  make.Add(Op::kQuantizedConv2DFloat,
           {conv, wei, constant(DataType::kInt32, {16}),
            constant(DataType::kFloat32, {2, 16})},
           QuantizedConvAttributes{.kernel = {1, 1, 4, 2}});
  const ValueRef depthwise =
      make.Add(Op::kQuantizedDepthwiseConv2D,
               {codes, constant(DataType::kInt8, {1, 1, 64}), factors},
               QuantizedConv({1, 1, 4, 1}), 2);
  const ValueRef gate = make.Add(
      Op::kQuantizedGate,
      {{.node = depthwise.node, .port = 1},
       depthwise,
       constant(DataType::kFloat32, {4, 2}),
       constant(DataType::kFloat32, {2}),
       constant(DataType::kFloat32, {2, 4}),
       constant(DataType::kFloat32, {4})},
      QuantizedGateAttributes{.gate = {.activation = Activation::kRelu6},
                              .src = {.scale = 3, .zero_point = 7}});
  make.Add(Op::kGatedConv2D,
           {depthwise, constant(DataType::kInt16, {64}),
            constant(DataType::kFloat32, {2, 16}), gate, codes},
           QuantizedConv({1, 1, 4, 4}));
  const PoolAttributes half = {.kernel = {3, 3},
                               .strides = {2, 2},
                               .padding = {.kind = PaddingKind::kSame}};
  const ValueRef small = make.Add(
      Op::kQuantizedWeightedSum,
      {codes, codes, constant(DataType::kInt16, {3, 4})},
      QuantizedSumAttributes{.sources = {{.pool = half}, {.pool = half}},
                             .activation = Activation::kSwish,
                             .requantize = Table()});
  make.AddOutput(
      make.Add(Op::kQuantizedWeightedSum,
               {small, codes, constant(DataType::kInt16, {3, 4})},
               QuantizedSumAttributes{.sources = {{.upsample = {2, 2}}, {}},
                                      .requantize = Table()}));
}

inline Graph EveryKind() {
  GraphMaker make;
  const ValueRef image = make.Input(DataType::kFloat32, Shape{1, 8, 8, 4},
                                    QuantParams{.scale = 2, .zero_point = 5});
  make.Input(DataType::kInt64, std::nullopt);
  make.Input(DataType::kBool, Shape{kUnknownDim, 3});
  for (const DataType type :
       {DataType::kFloat32, DataType::kInt32, DataType::kInt64,
        DataType::kUint8, DataType::kInt8, DataType::kBool, DataType::kInt16}) {
    make.Const(type, {3});
    make.Const(type, {});
    make.Const(type, {0, 2});
    make.Add(Op::kCast, {image}, CastAttributes{.to = type});
  }
  make.Add(Op::kNormalize, {make.Input(DataType::kUint8, Shape{1, 8, 8, 3})},
           NormalizeAttributes{.mean = {1, 2, 3}, .deviation = {4, 5, 6}});
  AddFloatNodes(make, image);
  AddQuantizedNodes(make, image);
  make.AddOutput(make.Add(Op::kRelu, {image}));
  return *InferShapes(std::move(make.graph));
}

}  // namespace cyto8
