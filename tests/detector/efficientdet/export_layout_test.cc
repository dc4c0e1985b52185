// SPDX-License-Identifier: Apache-2.0
// Tests of detector/efficientdet/export_layout.h on exports of google/automl
// (data/golden/efficientdet) and on copies of them with one thing changed.
#include "detector/efficientdet/export_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "base/file_system.h"
#include "detector/import/graph_def_import.h"

namespace cyto8 {
namespace {

Graph Import(const std::string& name) {
  const std::string path = CYTO8_GOLDEN_DIR "/efficientdet/" + name;
  const auto bytes = ReadWholeFile(RealFileSystem(), path, int64_t{1} << 26);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  if (!bytes.ok()) return {};
  auto imported = ImportGraphDef(*bytes);
  EXPECT_TRUE(imported.ok()) << imported.status().ToString();
  return imported.ok() ? std::move(imported)->graph : Graph();
}

std::string DescriptionOf(const Graph& graph) {
  const auto layout = FindExportLayout(graph);
  return layout.ok() ? DescribeExportLayout(*layout)
                     : layout.status().ToString();
}

constexpr char kOutputs[] =
    "outputs: class_net/class-predict/BiasAdd, box_net/box-predict/BiasAdd\n"
    "outputs: class_net/class-predict_1/BiasAdd, "
    "box_net/box-predict_1/BiasAdd\n"
    "outputs: class_net/class-predict_2/BiasAdd, "
    "box_net/box-predict_2/BiasAdd\n"
    "outputs: class_net/class-predict_3/BiasAdd, "
    "box_net/box-predict_3/BiasAdd\n"
    "outputs: class_net/class-predict_4/BiasAdd, "
    "box_net/box-predict_4/BiasAdd\n";

TEST(ExportLayoutTest, NetworkOnlyExportsOfEverySpelling) {
  for (const char* name :
       {"tiny-net.pb", "tiny-native-oldbn.pb", "tiny-folded.pb",
        "tiny-keras.pb", "tiny-sum-relu6.pb", "tiny-text.pbtxt"}) {
    EXPECT_EQ(DescriptionOf(Import(name)),
              std::string("export: network only\nbatch: 1\nnetwork input: "
                          "input\nlevels: 5, classes: 3, anchors per cell: "
                          "9\n") +
                  kOutputs)
        << name;
  }
}

constexpr char kServingStart[] =
    "export: serving\n"
    "batch: 1\n"
    "network input: stack\n"
    "pixels: image_arrays (uint8)\n"
    "normalisation: mean (123.675, 116.280, 103.530), deviation (58.395, "
    "57.120, 57.375)\n"
    "resize: bilinear half-pixel to 256 x 256 px, ratio kept, padded\n"
    "levels: 5, classes: 3, anchors per cell: 9\n";

constexpr char kServingEnd[] =
    ", clipped to 256 x 256 px, first class 1, scaled to the image\n"
    "detections: detections (image id, ymin, xmin, ymax, xmax, score, "
    "class)\n";

TEST(ExportLayoutTest, ServingExportWithSoftSuppression) {
  EXPECT_EQ(DescriptionOf(Import("tiny-serving.pb")),
            std::string(kServingStart) + kOutputs +
                "anchors in the graph: 12276\n"
                "post-processing: NonMaxSuppressionV5, global, best class per "
                "anchor, gaussian sigma 0.5000, score > 0.0010, at most 100 "
                "detections" +
                kServingEnd);
}

TEST(ExportLayoutTest, ServingExportWithTopCandidates) {
  EXPECT_EQ(DescriptionOf(Import("tiny-serving-hard.pb")),
            std::string(kServingStart) + kOutputs +
                "anchors in the graph: 12276\n"
                "post-processing: NonMaxSuppressionV5, global, every class of "
                "an anchor, best 2000 candidates, hard IoU 0.5000, score > "
                "0.0500, at most 50 detections" +
                kServingEnd);
}

TEST(ExportLayoutTest, NormalisationIsExact) {
  const auto layout = FindExportLayout(Import("tiny-serving.pb"));
  ASSERT_TRUE(layout.ok());
  const PreprocessorOptions& options = layout->serving_input->preprocessor;
  EXPECT_EQ(options.mean, (std::array{123.675f, 116.28f, 103.53f}));
  EXPECT_EQ(options.deviation, (std::array{58.395f, 57.12f, 57.375f}));
}

TEST(ExportLayoutTest, AnchorsInTheGraphAreThoseOfTheGenerator) {
  const auto layout = FindExportLayout(Import("tiny-serving.pb"));
  ASSERT_TRUE(layout.ok());
  ASSERT_NE(layout->anchors, nullptr);
  const auto baked = AnchorsFromConstant(*layout->anchors);
  ASSERT_TRUE(baked.ok()) << baked.status().ToString();
  AnchorGeneratorOptions options;
  options.image_width_px = options.image_height_px = 256;
  const auto generated = GenerateAnchors(options);
  ASSERT_TRUE(generated.ok());
  const Status same = AnchorsAgree(baked->boxes, generated->boxes, 1e-4);
  EXPECT_TRUE(same.ok()) << same.ToString();
  options.aspects = LegacyAspects();
  EXPECT_FALSE(
      AnchorsAgree(baked->boxes, GenerateAnchors(options)->boxes, 1e-4).ok());
}

TEST(ExportLayoutTest, HeadOutputsAreClassesThenBoxes) {
  const auto layout = FindExportLayout(Import("tiny-net.pb"));
  ASSERT_TRUE(layout.ok());
  const std::vector<GraphOutput> outputs = HeadOutputs(*layout);
  ASSERT_EQ(outputs.size(), 10u);
  EXPECT_EQ(outputs[0].name, "class_net/class-predict/BiasAdd");
  EXPECT_EQ(outputs[4].name, "class_net/class-predict_4/BiasAdd");
  EXPECT_EQ(outputs[5].name, "box_net/box-predict/BiasAdd");
  EXPECT_EQ(outputs[9].name, "box_net/box-predict_4/BiasAdd");
}

Node& Find(Graph& graph, const std::string& name) {
  return graph.nodes[static_cast<size_t>(*FindNode(graph, name))];
}

// Gives every node whose name holds `part` a neutral name.
Graph WithoutNames(Graph graph, const std::string& part) {
  int number = 0;
  for (Node& node : graph.nodes) {
    if (node.name.find(part) != std::string::npos) {
      node.name = "node_" + std::to_string(++number);
    }
  }
  return graph;
}

TEST(ExportLayoutTest, HeadsWithoutNamesAreToldApartByChannels) {
  Graph graph = WithoutNames(WithoutNames(Import("tiny-serving.pb"), "box_net"),
                             "class_net");
  const auto layout = FindExportLayout(graph);
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_EQ(layout->classes, 3);
  EXPECT_EQ(layout->anchors_per_cell, 9);
}

// A network of two predictions straight behind the stem.
Graph TwoHeads(int64_t first_channels, int64_t second_channels,
               const std::string& first_name = "a",
               const std::string& second_name = "b") {
  Graph graph;
  const TensorDesc image = {
      .type = DataType::kFloat32, .shape = Shape{1, 8, 8, 3}, .quant = {}};
  Node input;
  input.name = "input";
  input.op = Op::kInput;
  input.attributes = InputAttributes{image};
  input.outputs = {image};
  ValueRef value = graph.Add(std::move(input));
  const auto convolve = [&](const std::string& name, ValueRef x, int64_t in,
                            int64_t out) {
    const ValueRef kernel = graph.AddConst(
        name + "/kernel",
        Tensor::FromFloats({1, 1, in, out},
                           std::vector<float>(static_cast<size_t>(in * out))));
    Node node;
    node.name = name;
    node.op = Op::kConv2D;
    node.source_op = "Conv2D";
    node.inputs = {x, kernel};
    node.attributes = ConvAttributes();
    return graph.Add(std::move(node));
  };
  value = convolve("stem", value, 3, 4);
  for (const auto& [name, channels] :
       {std::pair(first_name, first_channels),
        std::pair(second_name, second_channels)}) {
    graph.outputs.push_back({name, convolve(name, value, 4, channels)});
  }
  return graph;
}

TEST(ExportLayoutTest, NamesDecideWhenBothHeadsHave36Channels) {
  const auto layout =
      FindExportLayout(TwoHeads(36, 36, "box-predict", "class-predict"));
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_EQ(layout->classes, 4);
  EXPECT_EQ(layout->levels[0].boxes.name, "box-predict");
}

TEST(ExportLayoutTest, RefusesHeadsThatCannotBeToldApart) {
  EXPECT_EQ(DescriptionOf(TwoHeads(36, 36)),
            "INVALID_ARGUMENT: predictions 'a' (36 channels), 'b' (36 "
            "channels): must be as many for classes as for boxes, told apart "
            "by 'box' in the name or by 36 channels");
}

TEST(ExportLayoutTest, RefusesChannelsThatDoNotFit) {
  EXPECT_EQ(DescriptionOf(TwoHeads(10, 27, "box", "class")),
            "INVALID_ARGUMENT: 'box': 10 channels: must be a multiple of 4");
  EXPECT_EQ(DescriptionOf(TwoHeads(36, 28, "box", "class")),
            "INVALID_ARGUMENT: 'class': 28 channels: must be a multiple of "
            "the 9 anchors of 'box'");
}

TEST(ExportLayoutTest, RefusesAGraphWithoutStem) {
  EXPECT_EQ(DescriptionOf({}),
            "INVALID_ARGUMENT: no convolution over 3 channels: not a network "
            "on RGB images");
}

// The serving export after one change, as a description or an error.
std::string Changed(const std::function<void(Graph&)>& change) {
  Graph graph = Import("tiny-serving.pb");
  change(graph);
  return DescriptionOf(graph);
}

TEST(ExportLayoutTest, ResizeRuleIsThatOfTheOperator) {
  const auto with = [](bool align_corners, bool half_pixel) {
    return Changed([&](Graph& graph) {
      Find(graph, "resize/ResizeBilinear").attributes =
          ResizeAttributes{align_corners, half_pixel};
    });
  };
  EXPECT_NE(with(false, false).find("bilinear legacy to"), std::string::npos);
  EXPECT_NE(with(true, false).find("bilinear align-corners to"),
            std::string::npos);
}

// Turns a node into a constant, as folding does.
void Fold(Graph& graph, const std::string& name, Tensor value) {
  Node& node = Find(graph, name);
  node.op = Op::kConst;
  node.inputs.clear();
  node.attributes =
      ConstAttributes{std::make_shared<const Tensor>(std::move(value))};
}

// One number per anchor: a * anchors[.., i] + b * anchors[.., j].
Tensor PerAnchor(const Tensor& anchors, double a, size_t i, double b,
                 size_t j) {
  std::vector<float> values;
  const std::span<const float> corners = anchors.data<float>();
  for (size_t row = 0; row < corners.size(); row += 4) {
    values.push_back(
        static_cast<float>(a * corners[row + i] + b * corners[row + j]));
  }
  const auto count = static_cast<int64_t>(values.size());
  return Tensor::FromFloats({1, count}, std::move(values));
}

TEST(ExportLayoutTest, FoldedAnchorsArePutTogether) {
  Graph graph = Import("tiny-serving.pb");
  const auto anchors = Find(graph, "Const_7").As<ConstAttributes>().value;
  Fold(graph, "sub_2", PerAnchor(*anchors, 1, 2, -1, 0));
  Fold(graph, "sub_3", PerAnchor(*anchors, 1, 3, -1, 1));
  Fold(graph, "truediv_4", PerAnchor(*anchors, 0.5, 0, 0.5, 2));
  Fold(graph, "truediv_5", PerAnchor(*anchors, 0.5, 1, 0.5, 3));
  const auto layout = FindExportLayout(graph);
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  ASSERT_NE(layout->anchors, nullptr);
  EXPECT_NE(layout->anchors, anchors);
  const Status same =
      AnchorsAgree(AnchorsFromConstant(*anchors)->boxes,
                   AnchorsFromConstant(*layout->anchors)->boxes, 1e-4);
  EXPECT_TRUE(same.ok()) << same.ToString();
}

TEST(ExportLayoutTest, AnchorsThatAreComputedAreNotInTheGraph) {
  Graph graph = Import("tiny-serving.pb");
  Find(graph, "Const_7").op = Op::kOpaque;
  const auto layout = FindExportLayout(graph);
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_EQ(layout->anchors, nullptr);
}

TEST(ExportLayoutTest, SimplifiedPackOfOneImageIsABatchOfOne) {
  const std::string text = Changed([](Graph& graph) {
    Node& stack = Find(graph, "stack");
    stack.op = Op::kExpandDims;
    stack.inputs.push_back(
        {.node = *FindNode(graph, "resize/ExpandDims/dim"), .port = 0});
    stack.attributes = std::monostate();
  });
  EXPECT_NE(text.find("batch: 1\nnetwork input: stack\n"), std::string::npos)
      << text;
}

TEST(ExportLayoutTest, ReciprocalsAreADeviationToo) {
  const std::string text = Changed([](Graph& graph) {
    Node& scale = Find(graph, "truediv");
    scale.op = Op::kMul;
    std::swap(scale.inputs[0], scale.inputs[1]);
    Fold(graph, "Const_4",
         Tensor::FromFloats({1, 1, 3}, {1 / 58.395f, 1 / 57.12f, 1 / 57.375f}));
  });
  EXPECT_NE(text.find("deviation (58.395, 57.120, 57.375)"), std::string::npos)
      << text;
}

// The spelling of June 2020: every column is sliced, clipped and scaled by
// itself, and a Pack joins the tables of all images.
void SpellAsInJune2020(Graph& graph) {
  const ValueRef boxes = {.node = *FindNode(graph, "GatherV2_1"), .port = 0};
  const ValueRef scale = {.node = *FindNode(graph, "truediv_3"), .port = 0};
  const ValueRef zero = graph.AddConst("zero", Tensor::Scalar(0));
  const auto add = [&](const std::string& name, Op op,
                       std::vector<ValueRef> inputs) {
    Node node;
    node.name = name;
    node.op = op;
    node.inputs = std::move(inputs);
    if (op == Op::kStridedSlice) node.attributes = StridedSliceAttributes();
    if (op == Op::kPack) node.attributes = AxisAttributes{.axis = 0};
    return graph.Add(std::move(node));
  };
  for (int column = 0; column < 4; ++column) {
    const std::string number = "_" + std::to_string(column);
    const ValueRef begin =
        graph.AddConst("begin" + number, Tensor::FromInts({2}, {0, column}));
    const ValueRef limit = graph.AddConst(
        "limit" + number, Tensor::Scalar(column % 2 == 0 ? 192.0f : 320.0f));
    ValueRef value =
        add("slice" + number, Op::kStridedSlice, {boxes, begin, begin, begin});
    value = add("min" + number, Op::kMinimum, {value, limit});
    value = add("max" + number, Op::kMaximum, {value, zero});
    value = add("mul" + number, Op::kMul, {value, scale});
    Find(graph, "detections").inputs[static_cast<size_t>(column) + 1] = value;
  }
  Find(graph, "detections").As<AxisAttributes>().axis = 1;
  add("joined", Op::kPack,
      {{.node = *FindNode(graph, "detections"), .port = 0}});
}

TEST(ExportLayoutTest, ColumnsOfTheirOwnAsInJune2020) {
  const std::string text = Changed(SpellAsInJune2020);
  EXPECT_NE(text.find(", clipped to 320 x 192 px, first class 1, scaled to the "
                      "image\ndetections: joined (image id"),
            std::string::npos)
      << text;
}

TEST(ExportLayoutTest, RefusesAnotherResize) {
  EXPECT_EQ(Changed([](Graph& graph) {
              Find(graph, "resize/ResizeBilinear").op = Op::kResizeNearest;
            }),
            "UNIMPLEMENTED: node 'Cast_1' (Cast): no ResizeBilinear between "
            "it and the network");
}

TEST(ExportLayoutTest, RefusesAnUnknownTargetSize) {
  EXPECT_EQ(
      Changed([](Graph& graph) { Find(graph, "truediv_1").op = Op::kMul; }),
      "UNIMPLEMENTED: node 'Cast_1' (Cast): the size to which it is "
      "resized was not recognised");
}

TEST(ExportLayoutTest, RefusesANormalisationByZero) {
  EXPECT_EQ(Changed([](Graph& graph) {
              Find(graph, "truediv").op = Op::kMul;
              Find(graph, "Const_4").attributes =
                  ConstAttributes{std::make_shared<const Tensor>(
                      Tensor::FromFloats({1, 1, 3}, {0, 0, 0}))};
            }),
            "INVALID_ARGUMENT: node 'Cast_1' (Cast): the arithmetic behind it "
            "is no normalisation by a mean and a deviation");
}

TEST(ExportLayoutTest, RefusesPixelsThatAreNotCast) {
  EXPECT_EQ(Changed([](Graph& graph) {
              Find(graph, "Cast_1").attributes =
                  CastAttributes{DataType::kInt32};
            }),
            "UNIMPLEMENTED: node 'stack' (Pack): it is not computed from 8-bit "
            "pixels by a Cast");
}

TEST(ExportLayoutTest, RefusesParametersThatAreComputed) {
  EXPECT_EQ(Changed([](Graph& graph) {
              Node& node = Find(graph, "NonMaxSuppressionV5");
              node.inputs[3] = node.inputs[1];
            }),
            "UNIMPLEMENTED: node 'NonMaxSuppressionV5' (NonMaxSuppressionV5): "
            "iou_threshold must be a constant number");
}

TEST(ExportLayoutTest, RefusesAnUnknownChoiceOfCandidates) {
  EXPECT_EQ(
      Changed([](Graph& graph) { Find(graph, "ArgMax").op = Op::kOpaque; }),
      "UNIMPLEMENTED: node 'NonMaxSuppressionV5' (NonMaxSuppressionV5): "
      "neither ArgMax nor TopKV2 chooses its candidates");
}

TEST(ExportLayoutTest, RefusesAnotherOrderOfColumns) {
  EXPECT_EQ(Changed([](Graph& graph) {
              Node& table = Find(graph, "detections");
              std::swap(table.inputs[1], table.inputs[2]);
            }),
            "UNIMPLEMENTED: node 'detections' (Pack): columns 1 to 4 must be "
            "ymin, xmin, ymax, xmax of one tensor");
}

TEST(ExportLayoutTest, RefusesATableOfAnotherWidth) {
  EXPECT_EQ(Changed([](Graph& graph) {
              Find(graph, "detections").inputs.pop_back();
            }),
            "UNIMPLEMENTED: node 'NonMaxSuppressionV5' (NonMaxSuppressionV5): "
            "no table of 7 columns follows it");
}

}  // namespace
}  // namespace cyto8
