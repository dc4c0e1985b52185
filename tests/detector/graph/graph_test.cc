// SPDX-License-Identifier: Apache-2.0
// Tests of detector/graph/graph.h: references, dead nodes, order, names.
#include "detector/graph/graph.h"

#include <gtest/gtest.h>

#include "detector/graph/op_table.h"

namespace cyto8 {
namespace {

Node Unary(std::string name, ValueRef input) {
  return {.name = std::move(name), .op = Op::kRelu, .inputs = {input}};
}

Node Input(std::string name) {
  return {.name = std::move(name),
          .op = Op::kInput,
          .attributes = InputAttributes{}};
}

std::vector<std::string> NamesOf(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

TEST(GraphTest, AddReturnsTheFirstOutput) {
  Graph graph;
  EXPECT_EQ(graph.Add(Input("x")), (ValueRef{.node = 0, .port = 0}));
  EXPECT_EQ(graph.Add(Unary("a", {.node = 0})), (ValueRef{.node = 1}));
}

TEST(GraphTest, ConstantOfKnowsConstantsOnly) {
  Graph graph;
  const ValueRef x = graph.Add(Input("x"));
  const ValueRef c = graph.AddConst("c", Tensor::Scalar(2));
  EXPECT_EQ(ConstantOf(graph, x), nullptr);
  ASSERT_NE(ConstantOf(graph, c), nullptr);
  EXPECT_EQ(ConstantOf(graph, c)->data<float>()[0], 2);
  EXPECT_EQ(graph.desc(c).shape, Shape{});
}

TEST(GraphTest, FindsNodesAndNamesValues) {
  Graph graph;
  graph.Add(Input("x"));
  EXPECT_EQ(FindNode(graph, "x"), 0);
  EXPECT_EQ(FindNode(graph, "y"), std::nullopt);
  EXPECT_EQ(ValueName(graph, {.node = 0, .port = 0}), "x");
  EXPECT_EQ(ValueName(graph, {.node = 0, .port = 2}), "x:2");
}

TEST(GraphTest, UniqueNameCountsUp) {
  Graph graph;
  graph.Add(Input("x"));
  EXPECT_EQ(UniqueName(graph, "y"), "y");
  EXPECT_EQ(UniqueName(graph, "x"), "x_2");
  graph.Add(Input("x_2"));
  EXPECT_EQ(UniqueName(graph, "x"), "x_3");
}

TEST(GraphTest, ReadersCountEveryEdge) {
  Graph graph;
  const ValueRef x = graph.Add(Input("x"));
  graph.Add({.name = "square", .op = Op::kMul, .inputs = {x, x}});
  EXPECT_EQ(ReadersOf(graph)[0], (std::vector<int64_t>{1, 1}));
  EXPECT_TRUE(ReadersOf(graph)[1].empty());
}

TEST(GraphTest, ReplaceUsesRedirectsReadersAndOutputsButNotTheException) {
  Graph graph;
  const ValueRef x = graph.Add(Input("x"));
  const ValueRef a = graph.Add(Unary("a", x));
  const ValueRef b = graph.Add(Unary("b", x));
  graph.outputs = {{.name = "x", .value = x}};
  ReplaceUses(graph, x, b, b.node);
  EXPECT_EQ(graph.node(a).inputs[0], b);
  EXPECT_EQ(graph.node(b).inputs[0], x);
  EXPECT_EQ(graph.outputs[0].value, b);
  EXPECT_EQ(graph.outputs[0].name, "x");
}

TEST(GraphTest, RemoveDeadNodesKeepsInputsAndWhatOutputsNeed) {
  Graph graph;
  const ValueRef x = graph.Add(Input("x"));
  graph.Add(Input("unused"));
  graph.Add(Unary("dead", x));
  const ValueRef a = graph.Add(Unary("a", x));
  graph.outputs = {{.name = "a", .value = a}};
  const Graph result = RemoveDeadNodes(std::move(graph)).value();
  EXPECT_EQ(NamesOf(result), (std::vector<std::string>{"x", "unused", "a"}));
  EXPECT_EQ(result.outputs[0].value, (ValueRef{.node = 2}));
}

TEST(GraphTest, SortIsStableAndRenumbersReferences) {
  Graph graph;
  graph.nodes = {Unary("b", {.node = 2}), Unary("c", {.node = 0}), Input("x"),
                 Unary("a", {.node = 2})};
  graph.outputs = {{.name = "c", .value = {.node = 1}}};
  const Graph sorted = SortTopologically(std::move(graph)).value();
  EXPECT_EQ(NamesOf(sorted), (std::vector<std::string>{"x", "b", "c", "a"}));
  EXPECT_EQ(sorted.nodes[2].inputs[0], (ValueRef{.node = 1}));
  EXPECT_EQ(sorted.outputs[0].value, (ValueRef{.node = 2}));
}

TEST(GraphTest, SortNamesTheNodesOfACycle) {
  Graph graph;
  graph.nodes = {Input("x"), Unary("a", {.node = 2}), Unary("b", {.node = 1})};
  const Status status = SortTopologically(std::move(graph)).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "graph has a cycle through or before 2 nodes: \"a\", \"b\"");
}

TEST(GraphTest, SortNamesAtMostFiveNodesOfALongCycle) {
  Graph graph;
  for (int64_t i = 0; i < 7; ++i) {
    graph.Add(Unary("n" + std::to_string(i), {.node = (i + 1) % 7}));
  }
  EXPECT_EQ(SortTopologically(std::move(graph)).status().message(),
            "graph has a cycle through or before 7 nodes: \"n0\", \"n1\", "
            "\"n2\", \"n3\", \"n4\", ...");
}

TEST(OpTableTest, EveryOperatorHasItsOwnName) {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Op::kQuantizedWeightedSum); ++i) {
    const std::string_view name = OpName(static_cast<Op>(i));
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 0) << name;
    names.push_back(name);
  }
}

}  // namespace
}  // namespace cyto8
