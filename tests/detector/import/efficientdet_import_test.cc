// SPDX-License-Identifier: Apache-2.0
// Whole EfficientDets made in code, imported and counted: parameters and
// multiply-adds of the published models. Also the proof that the generator
// builds what it says.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "detector/graph/shape_inference.h"
#include "detector/import/graph_def_import.h"
#include "gtest/gtest.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

ImportedGraph Import(const EfficientDetGraphOptions& options) {
  StatusOr<ImportedGraph> imported =
      ImportGraphDef(EfficientDetGraphDef(options).ToBytes());
  EXPECT_TRUE(imported.ok()) << imported.status().ToString();
  return imported.ok() ? std::move(*imported) : ImportedGraph{};
}

bool IsTrainable(std::string_view name) {
  for (const std::string_view part :
       {"kernel", "/bias", "/gamma", "/beta", "/WSM"}) {
    if (name.find(part) != std::string_view::npos) return true;
  }
  return false;
}

int64_t TrainableParameters(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::kConst || !IsTrainable(node.name)) continue;
    count += node.As<ConstAttributes>().value->element_count();
  }
  return count;
}

int64_t ConvolutionMultiplyAdds(const Graph& graph) {
  const StatusOr<Graph> shaped = InferShapes(graph);
  EXPECT_TRUE(shaped.ok()) << shaped.status().ToString();
  if (!shaped.ok()) return 0;
  int64_t count = 0;
  for (const Node& node : shaped->nodes) {
    const bool depthwise = node.op == Op::kDepthwiseConv2D;
    if (node.op != Op::kConv2D && !depthwise) continue;
    const Shape kernel = *shaped->desc(node.inputs[1]).shape;
    const int64_t taps = kernel[0] * kernel[1] * (depthwise ? 1 : kernel[2]);
    count += ElementCount(*node.outputs[0].shape).value() * taps;
  }
  return count;
}

TEST(EfficientDetImportTest, D2WithNinetyClassesHasThePublishedSize) {
  const ImportedGraph d2 = Import(EfficientDetPhi(2));
  EXPECT_EQ(TrainableParameters(d2.graph), 8'097'039);
  EXPECT_NEAR(static_cast<double>(ConvolutionMultiplyAdds(d2.graph)), 10.832e9,
              0.0005e9);
}

TEST(EfficientDetImportTest, D2WithSixClassesHasThePublishedSize) {
  EfficientDetGraphOptions options = EfficientDetPhi(2);
  options.classes = 6;
  const ImportedGraph d2 = Import(options);
  EXPECT_EQ(TrainableParameters(d2.graph), 8'011'611);
  EXPECT_NEAR(static_cast<double>(ConvolutionMultiplyAdds(d2.graph)), 9.793e9,
              0.0005e9);
}

TEST(EfficientDetImportTest, D0AndD1HaveThePublishedSize) {
  const ImportedGraph d0 = Import(EfficientDetPhi(0));
  EXPECT_EQ(TrainableParameters(d0.graph), 3'880'067);
  EXPECT_NEAR(static_cast<double>(ConvolutionMultiplyAdds(d0.graph)), 2.492e9,
              0.0005e9);
  const ImportedGraph d1 = Import(EfficientDetPhi(1));
  EXPECT_EQ(TrainableParameters(d1.graph), 6'625'898);
  EXPECT_NEAR(static_cast<double>(ConvolutionMultiplyAdds(d1.graph)), 6.00e9,
              0.005e9);
}

TEST(EfficientDetImportTest, D2HasTheInventoryOfThePaper) {
  const std::map<std::string, int64_t> counts =
      Import(EfficientDetPhi(2)).source.op_counts;
  EXPECT_EQ(counts.at("Conv2D"), 177);
  EXPECT_EQ(counts.at("DepthwiseConv2dNative"), 103);
  EXPECT_EQ(counts.at("FusedBatchNormV3"), 144);
  EXPECT_EQ(counts.at("BiasAdd"), 132);
  EXPECT_EQ(counts.at("Mean"), 23);
  EXPECT_EQ(counts.at("MaxPool"), 22);
  EXPECT_EQ(counts.at("ResizeNearestNeighbor"), 20);
  EXPECT_EQ(counts.at("IdentityN"), 138);
}

TEST(EfficientDetImportTest, OutputsCarryTheirTensorFlowNames) {
  const Graph graph = Import(MiniEfficientDetGraphOptions()).graph;
  ASSERT_EQ(graph.outputs.size(), 10u);
  EXPECT_EQ(graph.outputs[0].name, "class_net/class-predict/BiasAdd");
  EXPECT_EQ(graph.outputs[4].name, "class_net/class-predict_4/BiasAdd");
  EXPECT_EQ(graph.outputs[5].name, "box_net/box-predict/BiasAdd");
  EXPECT_EQ(graph.outputs[9].name, "box_net/box-predict_4/BiasAdd");
}

TEST(EfficientDetImportTest, EverySpellingImportsWithoutOpaqueNodes) {
  for (const auto activation :
       {ActivationSpelling::kSwishIdentityN, ActivationSpelling::kSwishNative,
        ActivationSpelling::kSwishFunction, ActivationSpelling::kHardSwish,
        ActivationSpelling::kRelu, ActivationSpelling::kRelu6}) {
    for (const char* norm :
         {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}) {
      EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
      options.activation = activation;
      options.batch_norm = norm;
      const Status status = CheckSupported(Import(options).graph);
      EXPECT_TRUE(status.ok()) << norm << ": " << status.ToString();
    }
  }
}

TEST(EfficientDetImportTest, OtherStructuresHaveConsistentShapes) {
  EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
  options.separable = false;
  options.squeeze_excite = false;
  options.fusion = FusionSpelling::kSum;
  options.add_n = true;
  options.batch = 2;
  options.image_height = 129;
  options.image_width = 65;
  options.max_level = 6;
  const StatusOr<Graph> shaped = InferShapes(Import(options).graph);
  ASSERT_TRUE(shaped.ok()) << shaped.status().ToString();
  ASSERT_EQ(shaped->outputs.size(), 8u);
  EXPECT_EQ(shaped->desc(shaped->outputs[0].value).shape,
            (Shape{2, 17, 9, 27}));
  EXPECT_EQ(shaped->desc(shaped->outputs[7].value).shape, (Shape{2, 3, 2, 36}));
}

TEST(EfficientDetImportTest, TheSameSeedGivesTheSameBytes) {
  EXPECT_EQ(MiniEfficientDet().ToBytes(), MiniEfficientDet().ToBytes());
  EfficientDetGraphOptions other = MiniEfficientDetGraphOptions();
  other.seed = 2;
  EXPECT_NE(EfficientDetGraphDef(other).ToBytes(),
            MiniEfficientDet().ToBytes());
}

TEST(EfficientDetImportTest, TextAndBinaryGiveTheSameGraph) {
  const GraphDefBuilder mini = MiniEfficientDet();
  const auto binary = ImportGraphDef(mini.ToBytes());
  const auto text = ImportGraphDef(mini.ToText());
  ASSERT_TRUE(binary.ok()) << binary.status().ToString();
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(binary->source.format, GraphDefFormat::kBinary);
  EXPECT_EQ(text->source.format, GraphDefFormat::kText);
  ASSERT_EQ(binary->graph.nodes.size(), text->graph.nodes.size());
  for (size_t i = 0; i < binary->graph.nodes.size(); ++i) {
    const Node& a = binary->graph.nodes[i];
    const Node& b = text->graph.nodes[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.op, b.op);
    EXPECT_EQ(a.inputs, b.inputs);
    if (a.op != Op::kConst) continue;
    const auto bytes_a = a.As<ConstAttributes>().value->bytes();
    const auto bytes_b = b.As<ConstAttributes>().value->bytes();
    EXPECT_TRUE(std::ranges::equal(bytes_a, bytes_b)) << a.name;
  }
}

}  // namespace
}  // namespace cyto8
