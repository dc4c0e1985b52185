// SPDX-License-Identifier: Apache-2.0
// Tests of bypassing nodes.
#include "detector/passes/remove_nodes.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

std::string Removed(const Graph& graph, const std::vector<std::string>& ops) {
  const auto result = RemoveNodes(graph, ops);
  return result.ok() ? Structure(*result) : result.status().ToString();
}

TEST(RemoveNodesTest, TakesOutWholeChains) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {4});
  const ValueRef a = builder.Add(Op::kIdentity, "a", {x});
  const ValueRef b = builder.Add(Op::kIdentity, "b", {a});
  const ValueRef sum = builder.Add(Op::kAdd, "sum", {a, b});
  EXPECT_EQ(Removed(builder.Finish({sum}), {"Identity"}),
            "x = Input()\n"
            "sum = Add(x, x)\n"
            "-> sum = sum\n");
}

TEST(RemoveNodesTest, MatchesTheOperatorOfTheModelFile) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {4});
  const ValueRef a = builder.Add(Op::kIdentity, "a", {x});
  const ValueRef b = builder.Add(Op::kIdentity, "b", {a});
  const ValueRef c = builder.Add(Op::kRelu, "c", {b});
  Graph graph = builder.Finish({c});
  graph.node(a).source_op = "CheckNumerics";
  EXPECT_EQ(Removed(graph, {"CheckNumerics"}),
            "x = Input()\n"
            "b = Identity(x)\n"
            "c = Relu(b)\n"
            "-> c = c\n");
  // "Identity" is also what both are in the graph.
  EXPECT_EQ(Removed(graph, {"Identity"}),
            "x = Input()\n"
            "c = Relu(x)\n"
            "-> c = c\n");
}

TEST(RemoveNodesTest, OutputsKeepTheirNames) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {4});
  const ValueRef a = builder.Add(Op::kRelu, "a", {x});
  const ValueRef b = builder.Add(Op::kIdentity, "b", {a});
  EXPECT_EQ(Removed(builder.Finish({b}), {"Identity"}),
            "x = Input()\n"
            "a = Relu(x)\n"
            "-> b = a\n");
}

TEST(RemoveNodesTest, AnOutputDoesNotBecomeAnInput) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {4});
  const ValueRef a = builder.Add(Op::kIdentity, "a", {x});
  const ValueRef b = builder.Add(Op::kIdentity, "b", {a});
  EXPECT_EQ(Removed(builder.Finish({b}), {"Identity"}),
            "x = Input()\n"
            "b = Identity(x)\n"
            "-> b = b\n");
}

TEST(RemoveNodesTest, LeavesNodesWithTwoInputs) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {4});
  const ValueRef a = builder.Add(Op::kAdd, "a", {x, x});
  EXPECT_EQ(Removed(builder.Finish({a}), {"Add"}),
            "x = Input()\n"
            "a = Add(x, x)\n"
            "-> a = a\n");
}

}  // namespace
}  // namespace cyto8
