// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/graph_source.h.
#include "detector/import/graph_source.h"

#include "gtest/gtest.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

using Counts = std::map<std::string, int64_t>;

TEST(GraphSourceTest, DescribesTheFile) {
  GraphDefBuilder graph;
  graph.Placeholder("x", {1}).Device("/cpu:0");
  graph.Node("Relu", "a", {"x", "^x"});
  graph.Node("Relu", "b", {"a", "^x", "^a"});
  graph.SetProducer(1645);
  const GraphSource source =
      DescribeSource(graph.graph_def(), GraphDefFormat::kText, Limits{})
          .value();
  EXPECT_EQ(source.format, GraphDefFormat::kText);
  EXPECT_EQ(source.producer_version, 1645);
  EXPECT_EQ(source.node_count, 3);
  EXPECT_EQ(source.control_edge_count, 3);
  EXPECT_EQ(source.nodes_per_device, (Counts{{"", 2}, {"/cpu:0", 1}}));
  EXPECT_EQ(source.op_counts, (Counts{{"Placeholder", 1}, {"Relu", 2}}));
  EXPECT_TRUE(source.functions.empty());
  EXPECT_TRUE(source.variables.empty());
}

TEST(GraphSourceTest, AFileWithoutVersionsHasNoProducer) {
  GraphDefBuilder graph;
  EXPECT_EQ(DescribeSource(graph.graph_def(), GraphDefFormat::kBinary, Limits{})
                .value()
                .producer_version,
            std::nullopt);
}

TEST(GraphSourceTest, FunctionBodiesAreCountedApart) {
  GraphDefBuilder graph;
  FunctionBuilder function = graph.Function("swish_f32");
  function.Node("Sigmoid", "s", {});
  function.Node("Mul", "m", {});
  function.Node("Mul", "n", {});
  const GraphSource source =
      DescribeSource(graph.graph_def(), GraphDefFormat::kBinary, Limits{})
          .value();
  EXPECT_TRUE(source.op_counts.empty());
  ASSERT_EQ(source.functions.size(), 1u);
  EXPECT_EQ(source.functions[0].name, "swish_f32");
  EXPECT_EQ(source.functions[0].op_counts,
            (Counts{{"Mul", 2}, {"Sigmoid", 1}}));
}

TEST(GraphSourceTest, VariablesHaveTheirShape) {
  GraphDefBuilder graph;
  graph.Node("VariableV2", "w").ShapeAttribute("shape", {3, 4});
  graph.Node("VarHandleOp", "r");
  const GraphSource source =
      DescribeSource(graph.graph_def(), GraphDefFormat::kBinary, Limits{})
          .value();
  ASSERT_EQ(source.variables.size(), 2u);
  EXPECT_EQ(source.variables[0].name, "w");
  EXPECT_EQ(source.variables[0].op, "VariableV2");
  EXPECT_EQ(source.variables[0].shape, (Shape{3, 4}));
  EXPECT_EQ(source.variables[1].shape, std::nullopt);
}

TEST(GraphSourceTest, MalformedVariableShapeIsRefused) {
  GraphDefBuilder graph;
  graph.Node("VariableV2", "w").ShapeAttribute("shape", {-7});
  EXPECT_EQ(DescribeSource(graph.graph_def(), GraphDefFormat::kBinary, Limits{})
                .status()
                .message(),
            "node \"w\" (VariableV2): shape dimension = -7: must be in "
            "[-1, 2147483648]");
}

}  // namespace
}  // namespace cyto8
