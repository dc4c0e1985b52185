// SPDX-License-Identifier: Apache-2.0
// See small_graph.h.
#include "tests/detector/passes/small_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numbers.h"
#include "detector/graph/shape_inference.h"
#include "detector/runtime/evaluate.h"

namespace cyto8 {
namespace {

// In [-2, 2]; a linear congruential generator.
float NextNoise(uint32_t& seed) {
  seed = seed * 1664525u + 1013904223u;
  return static_cast<float>(seed >> 8) / static_cast<float>(1 << 22) - 2;
}

std::vector<float> NoiseOf(size_t count, uint32_t& seed, float center) {
  std::vector<float> values(count);
  for (float& value : values) value = center + NextNoise(seed);
  return values;
}

size_t CountOf(const Shape& shape) {
  const StatusOr<int64_t> count = ElementCount(shape);
  return count.ok() ? static_cast<size_t>(*count) : 0;
}

std::string Details(const Node& node) {
  switch (node.op) {
    case Op::kConv2D:
    case Op::kDepthwiseConv2D: {
      const Activation activation = node.As<ConvAttributes>().activation;
      if (activation == Activation::kNone) return "";
      return "[" + std::string(ActivationName(activation)) + "]";
    }
    case Op::kSwish:
      return "[" + FormatShortest(node.As<SwishAttributes>().beta) + "]";
    case Op::kSqueezeExcite:
      return "[" +
             std::string(ActivationName(
                 node.As<SqueezeExciteAttributes>().activation)) +
             "]";
    case Op::kUpsampleNearest: {
      const auto& factors = node.As<UpsampleAttributes>();
      return "[" + std::to_string(factors.factor_y) + "," +
             std::to_string(factors.factor_x) + "]";
    }
    default:
      return "";
  }
}

// Each node from those before it, as the runtime's own evaluator does it.
StatusOr<std::vector<std::vector<Tensor>>> RunNodes(const Graph& graph) {
  std::vector<std::vector<Tensor>> values(graph.nodes.size());
  uint32_t seed = 7;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op == Op::kConst) {
      values[i] = {*node.As<ConstAttributes>().value};
    } else if (node.op == Op::kInput) {
      const Shape& shape = *node.As<InputAttributes>().desc.shape;
      values[i] = {Tensor::FromFloats(shape, NoiseOf(CountOf(shape), seed, 0))};
    } else {
      std::vector<const Tensor*> inputs;
      for (const ValueRef& input : node.inputs) {
        inputs.push_back(&values[static_cast<size_t>(input.node)]
                                [static_cast<size_t>(input.port)]);
      }
      CYTO8_ASSIGN_OR_RETURN(values[i],
                             Annotate(EvaluateNode(node, inputs), node.name));
    }
  }
  return values;
}

double DifferenceOf(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.type() != DataType::kFloat32 ||
      b.type() != DataType::kFloat32) {
    return std::numeric_limits<double>::max();
  }
  double difference = 0;
  double largest = 0;
  for (size_t i = 0; i < a.data<float>().size(); ++i) {
    const double x = a.data<float>()[i];
    difference = std::max(difference, std::abs(x - b.data<float>()[i]));
    largest = std::max(largest, std::abs(x));
  }
  return difference / std::max(largest, 1e-30);
}

}  // namespace

ValueRef GraphBuilder::Input(std::string name, Shape shape) {
  const TensorDesc desc{.type = DataType::kFloat32,
                        .shape = std::move(shape),
                        .quant = std::nullopt};
  const ValueRef input =
      Add(Op::kInput, std::move(name), {}, InputAttributes{desc});
  graph_.node(input).outputs = {desc};
  return input;
}

ValueRef GraphBuilder::Scalar(std::string name, float value) {
  return graph_.AddConst(std::move(name), Tensor::Scalar(value));
}

ValueRef GraphBuilder::Noise(std::string name, Shape shape, float center) {
  std::vector<float> values = NoiseOf(CountOf(shape), seed_, center);
  return Floats(std::move(name), std::move(shape), std::move(values));
}

ValueRef GraphBuilder::Floats(std::string name, Shape shape,
                              std::vector<float> values) {
  return graph_.AddConst(
      std::move(name), Tensor::FromFloats(std::move(shape), std::move(values)));
}

ValueRef GraphBuilder::Ints(std::string name,
                            const std::vector<int32_t>& values) {
  return graph_.AddConst(
      std::move(name),
      Tensor::FromInts({static_cast<int64_t>(values.size())}, values));
}

ValueRef GraphBuilder::Add(Op op, std::string name,
                           std::vector<ValueRef> inputs,
                           Attributes attributes) {
  Node node;
  node.name = std::move(name);
  node.op = op;
  node.source_op = OpName(op);
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  return graph_.Add(std::move(node));
}

ValueRef GraphBuilder::Conv1x1(std::string name, ValueRef x, int64_t in,
                               int64_t out) {
  const ValueRef kernel = Noise(name + "/kernel", {1, 1, in, out});
  return Add(Op::kConv2D, std::move(name), {x, kernel}, ConvAttributes{});
}

ValueRef GraphBuilder::Bias(std::string name, ValueRef x, int64_t channels) {
  const ValueRef bias = Noise(name + "/bias", {channels});
  return Add(Op::kBiasAdd, std::move(name), {x, bias});
}

ValueRef GraphBuilder::BatchNorm(std::string name, ValueRef x,
                                 int64_t channels) {
  const ValueRef gamma = Noise(name + "/gamma", {channels}, 3);
  const ValueRef beta = Noise(name + "/beta", {channels});
  const ValueRef mean = Noise(name + "/mean", {channels});
  const ValueRef variance = Noise(name + "/variance", {channels}, 2.5f);
  return Add(Op::kBatchNorm, std::move(name), {x, gamma, beta, mean, variance},
             BatchNormAttributes{});
}

Graph GraphBuilder::Finish(const std::vector<ValueRef>& outputs) {
  Graph graph = graph_;
  for (const ValueRef& value : outputs) {
    graph.outputs.push_back({.name = ValueName(graph, value), .value = value});
  }
  const Status valid = ValidateGraph(graph);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  StatusOr<Graph> inferred = InferShapes(std::move(graph));
  EXPECT_TRUE(inferred.ok()) << inferred.status().ToString();
  return inferred.ok() ? *std::move(inferred) : Graph();
}

std::string Structure(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::kConst) continue;
    text += node.name + " = " + std::string(OpName(node.op)) + Details(node);
    std::string inputs;
    for (const ValueRef& input : node.inputs) {
      inputs += (inputs.empty() ? "" : ", ") + ValueName(graph, input);
    }
    text += "(" + inputs + ")\n";
  }
  for (const GraphOutput& output : graph.outputs) {
    text += "-> " + output.name + " = " + ValueName(graph, output.value) + "\n";
  }
  return text;
}

std::string ConstantNames(const Graph& graph) {
  std::string names;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::kConst) continue;
    names += (names.empty() ? "" : " ") + node.name;
  }
  return names;
}

std::vector<float> FloatsOf(const Graph& graph, const std::string& name) {
  const std::optional<int64_t> node = FindNode(graph, name);
  if (!node) return {};
  const Tensor* tensor = ConstantOf(graph, {.node = *node, .port = 0});
  if (tensor == nullptr || tensor->type() != DataType::kFloat32) return {};
  const auto data = tensor->data<float>();
  return {data.begin(), data.end()};
}

NodeEvaluator NaiveEvaluator() {
  return [](const Node& node, std::span<const Tensor* const> inputs) {
    return EvaluateNode(node, inputs);
  };
}

StatusOr<std::vector<Tensor>> RunOnNoise(const Graph& graph) {
  CYTO8_ASSIGN_OR_RETURN(auto values, RunNodes(graph));
  std::vector<Tensor> outputs;
  for (const GraphOutput& output : graph.outputs) {
    outputs.push_back(values[static_cast<size_t>(output.value.node)]
                            [static_cast<size_t>(output.value.port)]);
  }
  return outputs;
}

double LargestDifference(const Graph& before, const Graph& after) {
  const auto expected = RunOnNoise(before);
  const auto actual = RunOnNoise(after);
  EXPECT_TRUE(expected.ok()) << expected.status().ToString();
  EXPECT_TRUE(actual.ok()) << actual.status().ToString();
  double largest = std::numeric_limits<double>::max();
  if (!expected.ok() || !actual.ok() || expected->size() != actual->size()) {
    return largest;
  }
  largest = 0;
  for (size_t i = 0; i < expected->size(); ++i) {
    largest = std::max(largest, DifferenceOf((*expected)[i], (*actual)[i]));
  }
  return largest;
}

Graph Checked(const Graph& before, StatusOr<Graph> after, double rounding) {
  EXPECT_TRUE(after.ok()) << after.status().ToString();
  if (!after.ok()) return Graph();
  const Status valid = ValidateGraph(*after);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  EXPECT_LT(LargestDifference(before, *after), rounding);
  return *std::move(after);
}

}  // namespace cyto8
