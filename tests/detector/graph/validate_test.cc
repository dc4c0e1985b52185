// SPDX-License-Identifier: Apache-2.0
// Tests of ValidateGraph and CheckSupported: every refusal and its message.
#include <gtest/gtest.h>

#include "detector/graph/graph.h"

namespace cyto8 {
namespace {

Graph ReluGraph() {
  Graph graph;
  const ValueRef x = graph.Add(
      {.name = "x", .op = Op::kInput, .attributes = InputAttributes{}});
  const ValueRef y = graph.Add({.name = "y", .op = Op::kRelu, .inputs = {x}});
  graph.outputs = {{.name = "y", .value = y}};
  return graph;
}

std::string Refusal(const Graph& graph, const Limits& limits = {}) {
  return ValidateGraph(graph, limits).message();
}

TEST(ValidateGraphTest, AcceptsAGoodGraph) {
  EXPECT_TRUE(ValidateGraph(ReluGraph()).ok());
  EXPECT_TRUE(CheckSupported(ReluGraph()).ok());
}

TEST(ValidateGraphTest, RefusesTooManyNodes) {
  Limits limits;
  limits.max_nodes = 1;
  EXPECT_EQ(Refusal(ReluGraph(), limits), "nodes = 2: must be in [0, 1]");
}

TEST(ValidateGraphTest, RefusesANameUsedTwice) {
  Graph graph = ReluGraph();
  graph.nodes[1].name = "x";
  EXPECT_EQ(Refusal(graph), "node \"x\" (Relu): name is used twice");
}

TEST(ValidateGraphTest, RefusesWrongInputCounts) {
  Graph graph = ReluGraph();
  graph.nodes[1].inputs.push_back({.node = 0});
  EXPECT_EQ(Refusal(graph), "node \"y\" (Relu): inputs = 2: must be in [1, 1]");
  graph.nodes[1].op = Op::kAddN;
  EXPECT_TRUE(ValidateGraph(graph).ok());
  graph.nodes[1].inputs.clear();
  EXPECT_EQ(Refusal(graph),
            "node \"y\" (AddN): inputs = 0: must be at least 1");
}

TEST(ValidateGraphTest, RefusesForwardReferencesAndMissingPorts) {
  Graph graph = ReluGraph();
  graph.nodes[1].inputs[0] = {.node = 1};
  EXPECT_EQ(Refusal(graph),
            "node \"y\" (Relu): reference to node number 1: must be in [0, 0]");
  graph.nodes[1].inputs[0] = {.node = 0, .port = 1};
  EXPECT_EQ(Refusal(graph),
            "node \"y\" (Relu): output number of \"x\" = 1: must be in [0, 0]");
}

TEST(ValidateGraphTest, RefusesAttributesOfAnotherOperator) {
  Graph graph = ReluGraph();
  graph.nodes[1].attributes = CastAttributes{};
  EXPECT_EQ(Refusal(graph),
            "node \"y\" (Relu): has attributes of another operator");
}

TEST(ValidateGraphTest, RefusesBadStridesAndDilations) {
  Graph graph = ReluGraph();
  const ValueRef kernel = graph.AddConst(
      "k", Tensor::Create(DataType::kFloat32, {1, 1, 1, 1}).value());
  graph.Add({.name = "c",
             .op = Op::kConv2D,
             .inputs = {{.node = 0}, kernel},
             .attributes = ConvAttributes{.strides = {1, 0}}});
  EXPECT_EQ(Refusal(graph),
            "node \"c\" (Conv2D): stride = 0: must be in [1, 1024]");
  graph.nodes.back().attributes = ConvAttributes{.dilations = {2000, 1}};
  EXPECT_EQ(Refusal(graph),
            "node \"c\" (Conv2D): dilation = 2000: must be in [1, 1024]");
}

TEST(ValidateGraphTest, RefusesAConstantWithoutValue) {
  Graph graph = ReluGraph();
  graph.Add({.name = "c", .op = Op::kConst, .attributes = ConstAttributes{}});
  EXPECT_EQ(Refusal(graph), "node \"c\" (Const): has no value");
}

TEST(ValidateGraphTest, RefusesAnOutputThatDoesNotExist) {
  Graph graph = ReluGraph();
  graph.outputs[0].value.node = 5;
  EXPECT_EQ(
      Refusal(graph),
      "graph output \"y\": reference to node number 5: must be in [0, 1]");
}

TEST(CheckSupportedTest, NamesTheFirstOpaqueNodeItsOperatorAndItsInputs) {
  Graph graph = ReluGraph();
  graph.Add({.name = "bad",
             .op = Op::kOpaque,
             .source_op = "StatelessWhile",
             .inputs = {{.node = 0}, {.node = 1}}});
  EXPECT_EQ(CheckSupported(graph).message(),
            "node \"bad\": operator StatelessWhile is not supported; its "
            "inputs: [x, y]");
  graph.Add({.name = "worse", .op = Op::kOpaque, .source_op = "Magic"});
  const Status status = CheckSupported(graph);
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(),
            "node \"bad\": operator StatelessWhile is not supported; its "
            "inputs: [x, y]; 1 more such nodes");
}

}  // namespace
}  // namespace cyto8
