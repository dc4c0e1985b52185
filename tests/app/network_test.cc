// SPDX-License-Identifier: Apache-2.0
// Tests of app/network.h: what is cut out, what is refused, what is rewritten.
#include "app/network.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "detector/import/graph_def_import.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

// x -> conv -> norm -> relu, and a branch of another operator beside it.
GraphDefBuilder SmallGraph() {
  GraphDefBuilder builder;
  builder.Placeholder("x", {kUnknownDim, kUnknownDim, kUnknownDim, 1});
  builder.Const("kernel", {1, 1, 1, 2}, {1, 2});
  builder.Conv2D("conv", "x", "kernel");
  for (const char* name : {"gamma", "beta", "mean", "variance"}) {
    builder.Const(name, {2}, {1, 1});
  }
  builder
      .Node("FusedBatchNormV3", "norm",
            {"conv", "gamma", "beta", "mean", "variance"})
      .Bool("is_training", false);
  builder.Node("Relu", "relu", {"norm"});
  builder.Node("Betainc", "odd", {"relu"});
  return builder;
}

StatusOr<Graph> Prepare(const GraphDefBuilder& builder, const NetworkCut& cut,
                        Rewriting rewriting) {
  return PrepareNetwork(ImportGraphDef(builder.ToBytes()).value().graph, cut,
                        rewriting, Limits());
}

NetworkCut CutAt(const std::string& output, const Shape& shape) {
  NetworkCut cut;
  cut.inputs["x"] = {.type = DataType::kFloat32, .shape = shape};
  cut.outputs = {output};
  return cut;
}

int64_t Count(const Graph& graph, Op op) {
  return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& node) { return node.op == op; });
}

TEST(PrepareNetworkTest, ShapesAreBoundAndOutputsKeepTheirNames) {
  for (const Rewriting rewriting : {Rewriting::kNone, Rewriting::kAll}) {
    const auto graph =
        Prepare(SmallGraph(), CutAt("relu", {2, 3, 4, 1}), rewriting);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    ASSERT_EQ(graph->outputs.size(), 1);
    EXPECT_EQ(graph->outputs[0].name, "relu");
    EXPECT_EQ(graph->desc(graph->outputs[0].value).shape, (Shape{2, 3, 4, 2}));
  }
}

TEST(PrepareNetworkTest, WithoutRewritingEveryOperatorStays) {
  const Graph graph =
      Prepare(SmallGraph(), CutAt("relu", {1, 2, 2, 1}), Rewriting::kNone)
          .value();
  EXPECT_EQ(Count(graph, Op::kConv2D), 1);
  EXPECT_EQ(Count(graph, Op::kBatchNorm), 1);
  EXPECT_EQ(Count(graph, Op::kRelu), 1);
}

TEST(PrepareNetworkTest, RewritingLeavesOneConvolution) {
  const Graph graph =
      Prepare(SmallGraph(), CutAt("relu", {1, 2, 2, 1}), Rewriting::kAll)
          .value();
  EXPECT_EQ(Count(graph, Op::kConv2D), 1);
  EXPECT_EQ(Count(graph, Op::kBatchNorm), 0);
  EXPECT_EQ(Count(graph, Op::kRelu), 0);
}

TEST(PrepareNetworkTest, AnEfficientDetLosesItsBatchNormsAndGetsFusedSteps) {
  NetworkCut cut;
  cut.inputs["input"] = {.type = DataType::kFloat32,
                         .shape = Shape{1, 128, 128, 3}};
  const Graph graph = Prepare(MiniEfficientDet(), cut, Rewriting::kAll).value();
  EXPECT_EQ(Count(graph, Op::kBatchNorm), 0);
  EXPECT_EQ(Count(graph, Op::kSigmoid), 0);
  EXPECT_GT(Count(graph, Op::kSqueezeExcite), 0);
  EXPECT_GT(Count(graph, Op::kWeightedSum), 0);
  EXPECT_GT(Count(graph, Op::kUpsampleNearest), 0);
}

TEST(PrepareNetworkTest, AnUnsupportedOperatorIsNamedWithItsInputs) {
  const Status status =
      Prepare(SmallGraph(), CutAt("odd", {1, 2, 2, 1}), Rewriting::kNone)
          .status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_EQ(
      status.message(),
      "node \"odd\": operator Betainc is not supported; its inputs: [relu]");
}

TEST(PrepareNetworkTest, UnknownNamesAreRefused) {
  EXPECT_EQ(
      Prepare(SmallGraph(), CutAt("nothing", {1, 2, 2, 1}), Rewriting::kNone)
          .status()
          .message(),
      "output \"nothing\": no node has this name");
  NetworkCut cut = CutAt("relu", {1, 2, 2, 1});
  cut.inputs["y"] = cut.inputs["x"];
  EXPECT_EQ(Prepare(SmallGraph(), cut, Rewriting::kNone).status().message(),
            "input \"y\": no node has this name");
}

TEST(PrepareNetworkTest, ASizeThatDoesNotFitTheKernelIsRefused) {
  EXPECT_EQ(Prepare(SmallGraph(), CutAt("relu", {1, 2, 2, 3}), Rewriting::kNone)
                .status()
                .message(),
            "input \"x\": shapes [?,?,?,1] and [1,2,2,3] do not fit together");
}

}  // namespace
}  // namespace cyto8
