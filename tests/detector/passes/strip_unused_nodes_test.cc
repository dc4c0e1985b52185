// SPDX-License-Identifier: Apache-2.0
// Tests of cutting a network out of a graph.
#include "detector/passes/strip_unused_nodes.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

// raw -> decoded -> scaled -> result -> boxes; other is read by nobody else.
Graph ServingGraph() {
  GraphBuilder builder;
  const ValueRef raw = builder.Input("raw", {4});
  const ValueRef other = builder.Input("other", {2});
  const ValueRef decoded = builder.Add(Op::kExp, "decoded", {raw});
  const ValueRef scaled = builder.Add(Op::kNeg, "scaled", {decoded});
  const ValueRef result = builder.Add(Op::kRelu, "result", {scaled});
  const ValueRef boxes = builder.Add(Op::kLog, "boxes", {result});
  const ValueRef unused = builder.Add(Op::kAbs, "unused", {other});
  return builder.Finish({boxes, unused});
}

std::string ErrorOf(const StripOptions& options) {
  return StripUnusedNodes(ServingGraph(), options).status().ToString();
}

TEST(StripUnusedNodesTest, CutsAtBothEnds) {
  StripOptions options;
  options.inputs = {"scaled"};
  options.outputs = {"result:0"};
  const auto graph = StripUnusedNodes(ServingGraph(), options);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(Structure(*graph),
            "scaled = Input()\n"
            "result = Relu(scaled)\n"
            "-> result = result\n");
  // Type and shape are those that the node was known to have.
  const TensorDesc& desc = graph->nodes[0].As<InputAttributes>().desc;
  EXPECT_EQ(desc.type, DataType::kFloat32);
  EXPECT_EQ(desc.shape, Shape({4}));
  EXPECT_EQ(graph->nodes[0].source_op, "Placeholder");
}

TEST(StripUnusedNodesTest, GivesNewInputsTheTypeAndShapeAsked) {
  StripOptions options;
  options.inputs = {"scaled", "decoded"};
  options.outputs = {"result"};
  options.type = DataType::kUint8;
  options.shape = Shape{1, kUnknownDim};
  options.types = {{"decoded", DataType::kInt32}};
  options.shapes = {{"decoded", Shape{7}}};
  const auto graph = StripUnusedNodes(ServingGraph(), options);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  const auto& decoded = graph->nodes[0].As<InputAttributes>().desc;
  const auto& scaled = graph->nodes[1].As<InputAttributes>().desc;
  EXPECT_EQ(decoded.type, DataType::kInt32);
  EXPECT_EQ(decoded.shape, Shape({7}));
  EXPECT_EQ(scaled.type, DataType::kUint8);
  EXPECT_EQ(scaled.shape, Shape({1, kUnknownDim}));
}

TEST(StripUnusedNodesTest, DropsInputsNobodyNeedsUnlessNamed) {
  StripOptions options;
  options.outputs = {"boxes"};
  auto graph = StripUnusedNodes(ServingGraph(), options);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_FALSE(FindNode(*graph, "other").has_value());
  options.inputs = {"other"};
  graph = StripUnusedNodes(ServingGraph(), options);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_TRUE(FindNode(*graph, "other").has_value());
  EXPECT_TRUE(FindNode(*graph, "raw").has_value());
}

TEST(StripUnusedNodesTest, KeepsTheShapeOfAnInputThatIsOne) {
  StripOptions options;
  options.inputs = {"raw"};
  options.shape = Shape{9};
  const auto graph = StripUnusedNodes(ServingGraph(), options);
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  EXPECT_EQ(graph->nodes[0].As<InputAttributes>().desc.shape, Shape({4}));
}

TEST(StripUnusedNodesTest, FindsOutputsByTheirOwnNameFirst) {
  Graph graph = ServingGraph();
  graph.outputs[0].name = "renamed";
  StripOptions options;
  options.outputs = {"renamed"};
  const auto stripped = StripUnusedNodes(graph, options);
  ASSERT_TRUE(stripped.ok()) << stripped.status().ToString();
  EXPECT_EQ(stripped->outputs.size(), 1u);
  EXPECT_EQ(ValueName(*stripped, stripped->outputs[0].value), "boxes");
}

TEST(StripUnusedNodesTest, NamesWhatItCannotFind) {
  StripOptions options;
  options.inputs = {"images"};
  EXPECT_EQ(ErrorOf(options),
            "NOT_FOUND: input \"images\": no node has this name");
  options.inputs.clear();
  options.outputs = {"heads"};
  EXPECT_EQ(ErrorOf(options),
            "NOT_FOUND: output \"heads\": no node has this name");
  options.outputs = {"boxes:1"};
  EXPECT_EQ(
      ErrorOf(options),
      "INVALID_ARGUMENT: output \"boxes:1\": port = 1: must be in [0, 0]");
}

TEST(StripUnusedNodesTest, RefusesAnInputWithSeveralOutputs) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {4});
  const ValueRef axis = builder.Ints("axis", {0});
  (void)axis;
  const ValueRef parts =
      builder.Add(Op::kUnpack, "parts", {x}, UnpackAttributes{.count = 4});
  Graph graph = builder.Finish({});
  graph.node(parts).outputs.resize(4);
  graph.outputs.push_back({.name = "part", .value = {parts.node, 2}});
  StripOptions options;
  options.inputs = {"parts"};
  EXPECT_EQ(StripUnusedNodes(graph, options).status().message(),
            "input \"parts\": outputs = 4: must be 1");
}

}  // namespace
}  // namespace cyto8
