// SPDX-License-Identifier: Apache-2.0
// Tests of the helpers that the passes share.
#include "detector/passes/rewrite.h"

#include <gtest/gtest.h>

#include "detector/graph/activation_node.h"
#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

TEST(UsesTest, OneEdgeIsSingle) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {2});
  const ValueRef a = builder.Add(Op::kRelu, "a", {x});
  const ValueRef b = builder.Add(Op::kExp, "b", {a});
  const Uses uses(builder.Finish({b}));
  EXPECT_EQ(uses.OnlyReader(a.node), b.node);
  EXPECT_TRUE(uses.Single(a));
}

TEST(UsesTest, TwoEdgesToOneReaderAreNotSingle) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {2});
  const ValueRef a = builder.Add(Op::kRelu, "a", {x});
  const ValueRef square = builder.Add(Op::kMul, "square", {a, a});
  EXPECT_FALSE(Uses(builder.Finish({square})).Single(a));
}

TEST(UsesTest, GraphOutputIsNotSingleEvenWithOneReader) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {2});
  const ValueRef a = builder.Add(Op::kRelu, "a", {x});
  const ValueRef b = builder.Add(Op::kExp, "b", {a});
  const Uses uses(builder.Finish({a, b}));
  EXPECT_FALSE(uses.Single(a));
  EXPECT_FALSE(uses.Single(b));  // an output only.
}

TEST(NamePoolTest, NumbersStartAtTwoAndSkipTakenNames) {
  GraphBuilder builder;
  const ValueRef a = builder.Input("a", {2});
  const ValueRef a_2 = builder.Input("a_2", {2});
  NamePool names(builder.Finish({a, a_2}));
  EXPECT_EQ(names.Take("b"), "b");
  EXPECT_EQ(names.Take("b"), "b_2");
  EXPECT_EQ(names.Take("a"), "a_3");
  EXPECT_EQ(names.TakeCopy("a"), "a_4");
  EXPECT_EQ(names.TakeCopy("c"), "c_2");
}

TEST(ChannelConstantTest, TakesScalarsAndOneNumberPerChannel) {
  GraphBuilder builder;
  const ValueRef scalar = builder.Scalar("scalar", 2);
  const ValueRef row = builder.Floats("row", {1, 1, 1, 3}, {1, 2, 3});
  const Graph graph = builder.Finish({});
  EXPECT_EQ(ChannelConstant(graph, scalar, 3, 4), (std::vector<double>{2}));
  EXPECT_EQ(ChannelConstant(graph, row, 3, 4), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(ScalarConstant(graph, scalar, 0), 2.0);
}

TEST(ChannelConstantTest, RefusesWhatIsNotPerChannel) {
  GraphBuilder builder;
  const ValueRef column = builder.Floats("column", {3, 1}, {1, 2, 3});
  const ValueRef other = builder.Floats("other", {2}, {1, 2});
  const ValueRef long_one = builder.Floats("long", {1, 1, 1}, {1});
  const ValueRef whole = builder.Ints("whole", {1});
  const ValueRef empty = builder.Floats("empty", {0}, {});
  const ValueRef x = builder.Input("x", {3});
  const Graph graph = builder.Finish({});
  EXPECT_FALSE(ChannelConstant(graph, column, 3, 4));
  EXPECT_FALSE(ChannelConstant(graph, other, 3, 4));
  EXPECT_FALSE(ChannelConstant(graph, long_one, 3, 2));
  EXPECT_FALSE(ChannelConstant(graph, whole, 1, 4));
  EXPECT_FALSE(ChannelConstant(graph, empty, 0, 4));
  EXPECT_FALSE(ChannelConstant(graph, x, 3, 4));
}

TEST(ActivationOfTest, SwishWithAnotherBetaIsNone) {
  Node node;
  node.op = Op::kSwish;
  node.attributes = SwishAttributes{};
  EXPECT_EQ(ActivationOf(node), Activation::kSwish);
  node.attributes = SwishAttributes{.beta = 2};
  EXPECT_EQ(ActivationOf(node), std::nullopt);
  node.op = Op::kTanh;
  EXPECT_EQ(ActivationOf(node), std::nullopt);
}

}  // namespace
}  // namespace cyto8
