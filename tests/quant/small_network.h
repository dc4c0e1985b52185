// SPDX-License-Identifier: Apache-2.0
// A network of every kind of layer that quantization knows, in a few hundred
// kilobytes of values, prepared as scoring would, with random weights; and its
// INT8 network. Test code.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel_for.h"
#include "detector/graph/shape_inference.h"
#include "quant/calibrator.h"
#include "quant/quantize_graph.h"
#include "tests/quant/random_values.h"

namespace cyto8 {

inline constexpr int64_t kSmallSide = 32;

class SmallNetwork {
 public:
  // pixels -> normalize -> stem -> expand -> dw -> gate -> project (+ stem) ->
  // sum with its pooled and up-sampled self -> separable -> point -> predict.
  static Graph Make() {
    SmallNetwork made;
    Graph& graph = made.graph_;
    const ValueRef pixels = graph.Add(
        {.name = "pixels",
         .op = Op::kInput,
         .attributes = InputAttributes{
             .desc = {.type = DataType::kUint8,
                      .shape = Shape{1, kSmallSide, kSmallSide, 3}}}});
    const ValueRef normal =
        graph.Add({.name = "normalize",
                   .op = Op::kNormalize,
                   .inputs = {pixels},
                   .attributes = NormalizeAttributes{
                       .mean = {120, 110, 100}, .deviation = {60, 50, 40}}});
    const ValueRef stem = made.Conv("stem", normal, 3, 3, 16, kSwish);
    const ValueRef expand = made.Conv("expand", stem, 1, 16, 48, kSwish);
    const ValueRef depthwise = made.Depthwise("dw", expand, 48, kSwish);
    const ValueRef gate = made.Gate(depthwise, 48, 4);
    const ValueRef project =
        made.Conv("project", gate, 1, 48, 16, Activation::kNone);
    const ValueRef add = made.Node1("add", Op::kAdd, {project, stem}, {});
    const ValueRef pool =
        made.Node1("pool", Op::kMaxPool, {add},
                   PoolAttributes{.kernel = {2, 2}, .strides = {2, 2}});
    const ValueRef up =
        made.Node1("up", Op::kUpsampleNearest, {pool},
                   UpsampleAttributes{.factor_y = 2, .factor_x = 2});
    const ValueRef sum = made.Node1("sum", Op::kWeightedSum,
                                    {add, up, made.Const("w", {2}, 1)}, {});
    const ValueRef separable =
        made.Depthwise("separable", sum, 16, Activation::kNone);
    const ValueRef point = made.Conv("point", separable, 1, 16, 16, kSwish);
    const ValueRef predict =
        made.Conv("predict", point, 1, 16, 8, Activation::kNone);
    graph.outputs = {{.name = "predict", .value = predict}};
    return *InferShapes(std::move(made.graph_));
  }

 private:
  static constexpr Activation kSwish = Activation::kSwish;

  ValueRef Const(const std::string& name, Shape shape, double size) {
    int64_t count = 1;
    for (const int64_t side : shape) count *= side;
    std::vector<float> values(static_cast<size_t>(count));
    for (float& v : values) v = static_cast<float>(size * random_.Normal());
    return graph_.AddConst(name, Tensor::FromFloats(std::move(shape), values));
  }
  ValueRef Node1(const std::string& name, Op op, std::vector<ValueRef> inputs,
                 Attributes attributes) {
    return graph_.Add({.name = name,
                       .op = op,
                       .inputs = std::move(inputs),
                       .attributes = std::move(attributes)});
  }
  ValueRef Conv(const std::string& name, ValueRef x, int64_t side,
                int64_t inputs, int64_t outputs, Activation activation) {
    const double size =
        1 / std::sqrt(static_cast<double>(side * side * inputs));
    return Node1(name, Op::kConv2D,
                 {x, Const(name + "/k", {side, side, inputs, outputs}, size),
                  Const(name + "/b", {outputs}, 0.1)},
                 ConvAttributes{.padding = {.kind = PaddingKind::kSame},
                                .activation = activation});
  }
  ValueRef Depthwise(const std::string& name, ValueRef x, int64_t channels,
                     Activation activation) {
    return Node1(name, Op::kDepthwiseConv2D,
                 {x, Const(name + "/k", {3, 3, channels, 1}, 0.4),
                  Const(name + "/b", {channels}, 0.1)},
                 ConvAttributes{.padding = {.kind = PaddingKind::kSame},
                                .activation = activation});
  }
  ValueRef Gate(ValueRef x, int64_t channels, int64_t reduced) {
    return Node1("gate", Op::kSqueezeExcite,
                 {x, Const("reduce/k", {channels, reduced}, 0.3),
                  Const("reduce/b", {reduced}, 0.1),
                  Const("expand/k2", {reduced, channels}, 0.3),
                  Const("expand/b2", {channels}, 0.1)},
                 SqueezeExciteAttributes{});
  }

  Graph graph_;
  RandomValues random_{7};
};

inline std::vector<uint8_t> SmallTile(uint64_t seed) {
  RandomValues random(seed);
  std::vector<uint8_t> pixels(kSmallSide * kSmallSide * 3);
  for (uint8_t& p : pixels) p = static_cast<uint8_t>(random.Uniform(0, 256));
  return pixels;
}

// Calibrated on SmallTile(1).
inline StatusOr<QuantizedGraph> QuantizedSmallNetwork(
    const Graph& graph, const QuantizeOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const auto plan,
                         MakeCalibrationPlan(graph, options, {}));
  CYTO8_ASSIGN_OR_RETURN(Calibrator calibrator, Calibrator::Create(plan));
  std::ranges::copy(SmallTile(1), calibrator.pixels().begin());
  SerialFor serial;
  CYTO8_RETURN_IF_ERROR(calibrator.Observe(serial));
  CYTO8_ASSIGN_OR_RETURN(const Calibration seen, calibrator.Finish());
  return QuantizeGraph(graph, seen, options);
}

}  // namespace cyto8
