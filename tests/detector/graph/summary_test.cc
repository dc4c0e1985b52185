// SPDX-License-Identifier: Apache-2.0
// Tests of counting operators, parameters and multiply-adds.
#include "detector/graph/summary.h"

#include <gtest/gtest.h>

#include "detector/graph/shape_inference.h"
#include "detector/import/graph_def_import.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

// Adds a node and returns its output.
ValueRef Add(Graph& graph, Op op, std::string name,
             std::vector<ValueRef> inputs, Attributes attributes = {}) {
  Node node;
  node.name = std::move(name);
  node.op = op;
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  return graph.Add(std::move(node));
}

ValueRef AddInput(Graph& graph, const std::string& name, Shape shape) {
  const TensorDesc desc{.type = DataType::kFloat32,
                        .shape = std::move(shape),
                        .quant = std::nullopt};
  const ValueRef input =
      Add(graph, Op::kInput, name, {}, InputAttributes{desc});
  graph.node(input).outputs = {desc};
  return input;
}

// Zeros, through an Identity if `read`.
ValueRef AddZeros(Graph& graph, const std::string& name, Shape shape,
                  bool read = false) {
  const StatusOr<Tensor> zeros =
      Tensor::Create(DataType::kFloat32, std::move(shape));
  EXPECT_TRUE(zeros.ok()) << zeros.status().ToString();
  const ValueRef constant = graph.AddConst(name, *zeros);
  if (!read) return constant;
  return Add(graph, Op::kIdentity, name + "/read", {constant});
}

GraphSummary SummaryOf(Graph graph, const std::vector<ValueRef>& outputs) {
  for (const ValueRef& value : outputs) {
    graph.outputs.push_back({.name = ValueName(graph, value), .value = value});
  }
  const Status valid = ValidateGraph(graph);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  const StatusOr<Graph> inferred = InferShapes(std::move(graph));
  EXPECT_TRUE(inferred.ok()) << inferred.status().ToString();
  return inferred.ok() ? Summarize(*inferred) : GraphSummary();
}

// conv 3 -> 8 (stride 2), bias, batch norm, swish with its beta.
ValueRef AddConvolution(Graph& graph, ValueRef x, bool read) {
  const ValueRef conv =
      Add(graph, Op::kConv2D, "conv",
          {x, AddZeros(graph, "kernel", {3, 3, 3, 8}, read)},
          ConvAttributes{.strides = {2, 2},
                         .padding = {.kind = PaddingKind::kSame}});
  const ValueRef sum = Add(graph, Op::kBiasAdd, "sum",
                           {conv, AddZeros(graph, "bias", {8}, read)});
  const ValueRef norm = Add(
      graph, Op::kBatchNorm, "norm",
      {sum, AddZeros(graph, "gamma", {8}, read),
       AddZeros(graph, "beta", {8}, read), AddZeros(graph, "mean", {8}, read),
       AddZeros(graph, "variance", {8}, read)},
      BatchNormAttributes{});
  const ValueRef scaled =
      Add(graph, Op::kMul, "scaled", {AddZeros(graph, "swish_beta", {}), norm});
  const ValueRef gate = Add(graph, Op::kSigmoid, "gate", {scaled});
  return Add(graph, Op::kMul, "swish", {norm, gate});
}

TEST(SummarizeTest, CountsOneConvolution) {
  for (const bool read : {false, true}) {
    Graph graph;
    const ValueRef x = AddInput(graph, "x", {1, 11, 20, 3});
    const GraphSummary summary =
        SummaryOf(graph, {AddConvolution(graph, x, read)});
    EXPECT_EQ(summary.parameters, 3 * 3 * 3 * 8 + 3 * 8);
    EXPECT_EQ(summary.statistics, 2 * 8);
    EXPECT_EQ(summary.constant_values, 3 * 3 * 3 * 8 + 5 * 8 + 1);
    EXPECT_EQ(summary.multiply_adds, 6 * 10 * 8 * 3 * 3 * 3);
    EXPECT_EQ(summary.unsized_layers, 0);
    ASSERT_EQ(summary.layers.size(), 1u);
    const LayerSummary& layer = summary.layers[0];
    EXPECT_EQ(layer.name, "conv");
    EXPECT_EQ(layer.op, Op::kConv2D);
    EXPECT_EQ(layer.kernel, (Shape{3, 3, 3, 8}));
    EXPECT_EQ(layer.output, (Shape{1, 6, 10, 8}));
    EXPECT_EQ(layer.parameters, 3 * 3 * 3 * 8 + 3 * 8);
    EXPECT_EQ(layer.multiply_adds, 6 * 10 * 8 * 3 * 3 * 3);
    EXPECT_FALSE(layer.shares_kernel);
  }
}

TEST(SummarizeTest, ListsPortsAndOperators) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 3});
  const ValueRef a = Add(graph, Op::kRelu, "a", {x});
  const ValueRef b = Add(graph, Op::kRelu, "b", {a});
  const ValueRef c = Add(graph, Op::kAdd, "c", {a, b});
  graph.node(c).source_op = "AddV2";
  const GraphSummary summary = SummaryOf(graph, {c});
  ASSERT_EQ(summary.inputs.size(), 1u);
  EXPECT_EQ(summary.inputs[0].name, "x");
  EXPECT_EQ(summary.inputs[0].desc.shape, (Shape{1, 4, 4, 3}));
  ASSERT_EQ(summary.outputs.size(), 1u);
  EXPECT_EQ(summary.outputs[0].name, "c");
  EXPECT_EQ(summary.outputs[0].desc.shape, (Shape{1, 4, 4, 3}));
  ASSERT_EQ(summary.op_counts.size(), 3u);
  EXPECT_EQ(summary.op_counts[0].op, "Relu");
  EXPECT_EQ(summary.op_counts[0].count, 2);
  EXPECT_EQ(summary.op_counts[1].op, "AddV2");
  EXPECT_EQ(summary.op_counts[2].op, "Input");
}

TEST(SummarizeTest, SharedConstantsCountOnce) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 3});
  const ValueRef kernel = AddZeros(graph, "kernel", {1, 1, 3, 3});
  const ValueRef a =
      Add(graph, Op::kConv2D, "a", {x, kernel}, ConvAttributes{});
  const ValueRef b =
      Add(graph, Op::kConv2D, "b", {a, kernel}, ConvAttributes{});
  // A copy of the node that shares the values, as UnshareConstants makes it.
  Node copy = graph.node(kernel);
  copy.name = "kernel_2";
  const ValueRef second = graph.Add(copy);
  const ValueRef c =
      Add(graph, Op::kConv2D, "c", {b, second}, ConvAttributes{});
  const GraphSummary summary = SummaryOf(graph, {c});
  EXPECT_EQ(summary.parameters, 9);
  EXPECT_EQ(summary.constant_values, 9);
  EXPECT_EQ(summary.multiply_adds, 3 * 16 * 9);
  ASSERT_EQ(summary.layers.size(), 3u);
  EXPECT_FALSE(summary.layers[0].shares_kernel);
  EXPECT_TRUE(summary.layers[1].shares_kernel);
  EXPECT_TRUE(summary.layers[2].shares_kernel);
  EXPECT_EQ(summary.layers[2].parameters, 9);
}

TEST(SummarizeTest, DepthwiseMatMulAndSqueezeExcite) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {2, 4, 4, 6});
  const ValueRef depthwise =
      Add(graph, Op::kDepthwiseConv2D, "depthwise",
          {x, AddZeros(graph, "kernel", {3, 3, 6, 1})},
          ConvAttributes{.padding = {.kind = PaddingKind::kSame}});
  const ValueRef excited =
      Add(graph, Op::kSqueezeExcite, "excited",
          {depthwise, AddZeros(graph, "w1", {6, 2}), AddZeros(graph, "b1", {2}),
           AddZeros(graph, "w2", {2, 6}), AddZeros(graph, "b2", {6})},
          SqueezeExciteAttributes{});
  const ValueRef rows = AddInput(graph, "rows", {5, 7});
  const ValueRef product = Add(graph, Op::kMatMul, "product",
                               {rows, AddZeros(graph, "matrix", {3, 7})},
                               MatMulAttributes{.transpose_b = true});
  const GraphSummary summary = SummaryOf(graph, {excited, product});
  ASSERT_EQ(summary.layers.size(), 3u);
  EXPECT_EQ(summary.layers[0].multiply_adds, 2 * 16 * 6 * 9);
  EXPECT_EQ(summary.layers[1].multiply_adds, 2 * 2 * 6 * 2);
  EXPECT_EQ(summary.layers[1].parameters, 12 + 2 + 12 + 6);
  EXPECT_EQ(summary.layers[2].multiply_adds, 5 * 3 * 7);
  EXPECT_EQ(summary.parameters, 54 + 32 + 21);
}

TEST(SummarizeTest, FusionWeightsBehindRelu) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 3});
  const ValueRef scalar =
      Add(graph, Op::kRelu, "relu", {AddZeros(graph, "WSM", {}, true)});
  const ValueRef vector =
      Add(graph, Op::kRelu, "relu_1", {AddZeros(graph, "WSM_1", {3})});
  const ValueRef total = Add(graph, Op::kAdd, "total", {scalar, vector});
  const ValueRef epsilon =
      Add(graph, Op::kAdd, "plus", {total, AddZeros(graph, "epsilon", {})});
  const ValueRef mul = Add(graph, Op::kMul, "mul", {x, scalar});
  const ValueRef y = Add(graph, Op::kDiv, "y", {mul, epsilon});
  EXPECT_EQ(SummaryOf(graph, {y}).parameters, 1 + 3);
}

TEST(SummarizeTest, FusionWeightsBehindSoftmax) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 2});
  const ValueRef stack =
      Add(graph, Op::kPack, "stack",
          {AddZeros(graph, "WSM", {}, true), AddZeros(graph, "WSM_1", {})},
          AxisAttributes{0});
  const ValueRef softmax = Add(graph, Op::kSoftmax, "softmax", {stack});
  const ValueRef y = Add(graph, Op::kMul, "y", {x, softmax});
  EXPECT_EQ(SummaryOf(graph, {y}).parameters, 2);
}

TEST(SummarizeTest, FusionWeightsThatAnotherToolFolded) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 3});
  const ValueRef a = Add(graph, Op::kMul, "a", {x, AddZeros(graph, "w_a", {})});
  const ValueRef b = Add(graph, Op::kMul, "b", {AddZeros(graph, "w_b", {}), x});
  const ValueRef c = Add(graph, Op::kMul, "c", {AddZeros(graph, "w_c", {}), x});
  const ValueRef sum = Add(graph, Op::kAdd, "sum", {a, b});
  const ValueRef y = Add(graph, Op::kAdd, "y", {sum, c});
  const ValueRef pack =
      Add(graph, Op::kPack, "pack", {y, x}, AxisAttributes{-1});
  const ValueRef z =
      Add(graph, Op::kMul, "z", {pack, AddZeros(graph, "w_z", {2})});
  EXPECT_EQ(SummaryOf(graph, {z}).parameters, 3 + 2);
}

TEST(SummarizeTest, AFactorInAResidualSumIsNoWeight) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 3});
  const ValueRef a =
      Add(graph, Op::kMul, "a", {x, AddZeros(graph, "sixth", {})});
  const ValueRef y = Add(graph, Op::kAdd, "y", {a, x});
  EXPECT_EQ(SummaryOf(graph, {y}).parameters, 0);
}

TEST(SummarizeTest, WeightedSumHasItsWeights) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 3});
  const ValueRef y = Add(graph, Op::kWeightedSum, "y",
                         {x, x, AddZeros(graph, "weights", {2, 3})});
  EXPECT_EQ(SummaryOf(graph, {y}).parameters, 6);
}

TEST(SummarizeTest, BatchNormInPiecesBehindAConvolution) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, 4, 4, 3});
  const ValueRef normalised =
      Add(graph, Op::kSub, "normalised", {x, AddZeros(graph, "rgb", {3})});
  const ValueRef conv =
      Add(graph, Op::kConv2D, "conv",
          {normalised, AddZeros(graph, "k", {1, 1, 3, 4})}, ConvAttributes{});
  const ValueRef scaled =
      Add(graph, Op::kMul, "scaled", {AddZeros(graph, "gamma", {4}), conv});
  const ValueRef y =
      Add(graph, Op::kAdd, "y", {scaled, AddZeros(graph, "offset", {4})});
  const GraphSummary summary = SummaryOf(graph, {y});
  EXPECT_EQ(summary.parameters, 12 + 8);  // without the mean colour.
  EXPECT_EQ(summary.layers[0].parameters, 12 + 8);
}

TEST(SummarizeTest, UnknownBatchIsOneImage) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {kUnknownDim, 4, 4, 3});
  const ValueRef y =
      Add(graph, Op::kConv2D, "y", {x, AddZeros(graph, "k", {1, 1, 3, 4})},
          ConvAttributes{});
  EXPECT_EQ(SummaryOf(graph, {y}).multiply_adds, 16 * 12);
}

TEST(SummarizeTest, UnknownSidesAreCountedAsUnsized) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {1, kUnknownDim, 4, 3});
  const ValueRef y =
      Add(graph, Op::kConv2D, "y", {x, AddZeros(graph, "k", {1, 1, 3, 4})},
          ConvAttributes{});
  const GraphSummary summary = SummaryOf(graph, {y});
  EXPECT_EQ(summary.multiply_adds, 0);
  EXPECT_EQ(summary.unsized_layers, 1);
  EXPECT_EQ(summary.layers[0].multiply_adds, std::nullopt);
  EXPECT_EQ(summary.parameters, 12);
}

TEST(SummarizeTest, IntegerConstantsAreNoParameters) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", {2, 3});
  const ValueRef y =
      Add(graph, Op::kReshape, "y",
          {x, graph.AddConst("shape", Tensor::FromInts({2}, {3, 2}))});
  const GraphSummary summary = SummaryOf(graph, {y});
  EXPECT_EQ(summary.parameters, 0);
  EXPECT_EQ(summary.constant_values, 2);
}

GraphSummary SummaryOfD2(int64_t classes) {
  EfficientDetGraphOptions options = EfficientDetPhi(2);
  options.classes = classes;
  const std::vector<std::byte> bytes = EfficientDetGraphDef(options).ToBytes();
  const StatusOr<ImportedGraph> imported = ImportGraphDef(bytes);
  EXPECT_TRUE(imported.ok()) << imported.status().ToString();
  return imported.ok() ? SummaryOf(imported->graph, {}) : GraphSummary();
}

// The numbers of google/automl for efficientdet-d2.
TEST(SummarizeTest, EfficientDetD2WithNinetyClasses) {
  const GraphSummary summary = SummaryOfD2(90);
  EXPECT_EQ(summary.parameters, 8'097'039);
  EXPECT_NEAR(static_cast<double>(summary.multiply_adds), 10.832e9, 0.001e9);
  EXPECT_EQ(summary.layers.size(), 177u + 103u);
  EXPECT_EQ(summary.unsized_layers, 0);
}

TEST(SummarizeTest, EfficientDetD2WithSixClasses) {
  const GraphSummary summary = SummaryOfD2(6);
  EXPECT_EQ(summary.parameters, 8'011'611);
  EXPECT_EQ(summary.multiply_adds, 9'793'033'216);
}

}  // namespace
}  // namespace cyto8
