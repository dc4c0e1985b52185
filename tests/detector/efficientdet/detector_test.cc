// SPDX-License-Identifier: Apache-2.0
// Tests of detector/efficientdet/detector.h with a network made by hand: one
// level of 2 x 2 cells, one anchor, two classes.
#include "detector/efficientdet/detector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cyto8 {
namespace {

constexpr int64_t kSide = 4;  // of the model's input; cells are 2 x 2 pixels.

Node InputNode(DataType type, Shape shape) {
  const TensorDesc desc = {
      .type = type, .shape = std::move(shape), .quant = {}};
  Node node;
  node.name = "input";
  node.op = Op::kInput;
  node.attributes = InputAttributes{desc};
  node.outputs = {desc};
  return node;
}

// A convolution of 1 x 1 with stride 2: a cell sees its top left pixel.
ValueRef AddPrediction(Graph& graph, const std::string& name, ValueRef x,
                       Shape kernel_shape, std::vector<float> weights) {
  const ValueRef kernel = graph.AddConst(
      name + "/kernel",
      Tensor::FromFloats(std::move(kernel_shape), std::move(weights)));
  Node node;
  node.name = name;
  node.op = Op::kConv2D;
  node.inputs = {x, kernel};
  node.attributes = ConvAttributes{.strides = {2, 2},
                                   .dilations = {1, 1},
                                   .padding = {},
                                   .activation = Activation::kNone};
  return graph.Add(std::move(node));
}

// The logit of class 1 is the red level - 100, that of class 2 the green level
// - 100; the boxes are the anchors.
Graph FloatGraph() {
  Graph graph;
  const ValueRef input =
      graph.Add(InputNode(DataType::kFloat32, {1, kSide, kSide, 3}));
  const ValueRef classes =
      AddPrediction(graph, "class", input, {1, 1, 3, 2}, {1, 0, 0, 1, 0, 0});
  const ValueRef boxes = AddPrediction(graph, "box", input, {1, 1, 3, 4},
                                       std::vector<float>(12, 0.0f));
  graph.outputs = {{"class", classes}, {"box", boxes}};
  return graph;
}

std::shared_ptr<const CompiledModel> Compile(const Graph& graph) {
  auto model =
      CompiledModel::Create(graph, {.engine = Engine::kNaive, .limits = {}});
  EXPECT_TRUE(model.ok()) << model.status().ToString();
  return model.ok() ? *model : nullptr;
}

std::shared_ptr<const CompiledModel> SmallModel() {
  auto graph = PrependNormalization(FloatGraph(), {100, 100, 100}, {1, 1, 1});
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  return graph.ok() ? Compile(*graph) : nullptr;
}

DetectorOptions SmallOptions() {
  DetectorOptions options;
  options.levels = {{.class_output = "class", .box_output = "box"}};
  AnchorGeneratorOptions anchors;
  anchors.min_level = anchors.max_level = 1;
  anchors.num_scales = 1;
  anchors.aspects = {SqrtAspect(1)};
  anchors.anchor_scales = {1};
  anchors.image_width_px = anchors.image_height_px = kSide;
  options.anchors = *GenerateAnchors(anchors);
  options.classes = 2;
  options.postprocess.score_threshold = 0.5f;
  options.postprocess.max_detections = 0;
  return options;
}

std::string ErrorOf(const DetectorOptions& options) {
  return Detector::Create(SmallModel(), options).status().ToString();
}

// Runs the small detector once.
StatusOr<TileDetections> Detect(const ImageView& tile,
                                const DetectorOptions& options,
                                const TilePlacement& placement = {}) {
  CYTO8_ASSIGN_OR_RETURN(auto detector,
                         Detector::Create(SmallModel(), options));
  CYTO8_ASSIGN_OR_RETURN(auto session, DetectorSession::Create(detector));
  SerialFor serial;
  return session.Detect(tile, placement, serial);
}

Image Grey(int64_t width, int64_t height, uint8_t level) {
  Image image = *Image::Create(width, height);
  image.Fill({level, level, level});
  return image;
}

TEST(PrependNormalizationTest, PixelsComeInAndNamesStay) {
  const auto graph = PrependNormalization(FloatGraph(), {1, 2, 3}, {4, 5, 6});
  ASSERT_TRUE(graph.ok()) << graph.status().ToString();
  ASSERT_EQ(InputNodes(*graph).size(), 1u);
  const Node& input =
      graph->nodes[static_cast<size_t>(InputNodes(*graph).front())];
  EXPECT_EQ(input.name, "input");
  EXPECT_EQ(input.As<InputAttributes>().desc.type, DataType::kUint8);
  const auto index = FindNode(*graph, "input/normalized");
  ASSERT_TRUE(index.has_value());
  const auto& attributes =
      graph->nodes[static_cast<size_t>(*index)].As<NormalizeAttributes>();
  EXPECT_EQ(attributes.mean, (std::array<float, 3>{1, 2, 3}));
  EXPECT_EQ(attributes.deviation, (std::array<float, 3>{4, 5, 6}));
  EXPECT_EQ(graph->outputs[0].name, "class");
  EXPECT_TRUE(ValidateGraph(*graph).ok());
}

TEST(PrependNormalizationTest, RefusesOtherInputs) {
  Graph graph;
  graph.Add(InputNode(DataType::kFloat32, {1, 3, 4, 4}));
  EXPECT_EQ(PrependNormalization(graph, {}, {1, 1, 1}).status().message(),
            "input 'input': float32 [1,3,4,4]: must be float32 [B,H,W,3]");
  graph.nodes.clear();
  graph.Add(InputNode(DataType::kUint8, {1, 4, 4, 3}));
  EXPECT_EQ(PrependNormalization(graph, {}, {1, 1, 1}).status().message(),
            "input 'input': uint8 [1,4,4,3]: must be float32 [B,H,W,3]");
  graph.nodes.clear();
  EXPECT_EQ(PrependNormalization(graph, {}, {1, 1, 1}).status().message(),
            "inputs of the graph = 0: must be in [1, 1]");
  EXPECT_EQ(
      PrependNormalization(FloatGraph(), {}, {1, 0, 1}).status().message(),
      "deviation = 0: must be in [1e-06, 1e+06]");
}

TEST(DetectorTest, FindsWhatThePixelsSay) {
  Image image = Grey(kSide, kSide, 0);
  image.MutableRow(2)[0] = 101;                     // red, cell (1, 0).
  image.MutableRow(0)[2 * kRgbChannels + 1] = 103;  // green, cell (0, 1).
  const auto result =
      Detect(image.view(), SmallOptions(), {.x_px = 1000, .y_px = 2000});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_EQ(result->detections.size(), 2u);
  const Detection& green = result->detections[0];
  EXPECT_EQ(green.box, (Box{2, 0, 4, 2}));
  EXPECT_FLOAT_EQ(green.score, 1 / (1 + std::exp(-3.0f)));
  EXPECT_EQ(green.class_id, 2);
  const Detection& red = result->detections[1];
  EXPECT_EQ(red.box, (Box{0, 2, 2, 4}));
  EXPECT_EQ(red.class_id, 1);
  EXPECT_EQ(OnImage(red, result->placement).box, (Box{1000, 2002, 1002, 2004}));
}

TEST(DetectorTest, SmallTileIsPaddedAtTheRightAndTheBottom) {
  DetectorOptions options = SmallOptions();
  options.pad_rgb = {.red = 105, .green = 0, .blue = 0};
  const Image image = Grey(2, 3, 0);
  const auto result = Detect(image.view(), options);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  // Cells (0, 1) and (1, 1) see padding; cell (1, 0) sees row 2 of the tile.
  ASSERT_EQ(result->detections.size(), 2u);
  EXPECT_EQ(result->detections[0].box, (Box{2, 0, 4, 2}));
  EXPECT_EQ(result->detections[1].box, (Box{2, 2, 4, 4}));
}

TEST(DetectorTest, RowsOfAWiderImageAreFollowed) {
  Image image = Grey(10, 10, 0);
  image.MutableRow(3)[5 * kRgbChannels] = 110;
  const auto result =
      Detect(image.view().Crop(5, 3, kSide, kSide), SmallOptions());
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  ASSERT_EQ(result->detections.size(), 1u);
  EXPECT_EQ(result->detections[0].box, (Box{0, 0, 2, 2}));
}

TEST(DetectorTest, SessionCanBeUsedAgain) {
  const auto detector = Detector::Create(SmallModel(), SmallOptions());
  ASSERT_TRUE(detector.ok());
  EXPECT_EQ((*detector)->tile_width_px(), kSide);
  EXPECT_EQ((*detector)->tile_height_px(), kSide);
  auto session = DetectorSession::Create(*detector);
  ASSERT_TRUE(session.ok());
  SerialFor serial;
  const Image bright = Grey(kSide, kSide, 120);
  const Image dark = Grey(kSide, kSide, 0);
  EXPECT_EQ(session->Detect(bright.view(), {}, serial)->detections.size(), 4u);
  EXPECT_EQ(session->Detect(dark.view(), {}, serial)->detections.size(), 0u);
  EXPECT_EQ(session->Detect(bright.view(), {}, serial)->detections.size(), 4u);
}

TEST(DetectorTest, RefusesTilesOfAnotherSize) {
  const Image image = Grey(5, 4, 0);
  EXPECT_EQ(Detect(image.view(), SmallOptions()).status().message(),
            "tile width_px = 5: must be in [1, 4]");
  EXPECT_EQ(Detect({}, SmallOptions()).status().message(),
            "tile width_px = 0: must be in [1, 4]");
  EXPECT_EQ(Detect(Grey(4, 5, 0).view(), SmallOptions()).status().message(),
            "tile height_px = 5: must be in [1, 4]");
}

TEST(DetectorTest, RefusesACardThatDisagreesWithTheGraph) {
  DetectorOptions options = SmallOptions();
  options.classes = 3;
  EXPECT_EQ(ErrorOf(options),
            "INVALID_ARGUMENT: model output 'class': 2 channels: must be 3 (1 "
            "anchors x 3 classes)");
  options = SmallOptions();
  options.anchors.per_cell = 9;
  EXPECT_EQ(ErrorOf(options),
            "INVALID_ARGUMENT: model output 'box': 4 channels: must be 36 (9 "
            "anchors x 4 numbers)");
  options = SmallOptions();
  options.anchors.levels[0] = {.height = 3, .width = 2};
  EXPECT_EQ(ErrorOf(options),
            "INVALID_ARGUMENT: model output 'box': [1,2,2,4]: must be 3 x 2 "
            "cells");
  options = SmallOptions();
  options.anchors.boxes.pop_back();
  EXPECT_EQ(ErrorOf(options),
            "INVALID_ARGUMENT: anchors = 3: must be in [4, 4]");
  options = SmallOptions();
  options.anchors.levels.push_back({.height = 1, .width = 1});
  EXPECT_EQ(ErrorOf(options),
            "INVALID_ARGUMENT: levels of the anchors = 2: must be in [1, 1]");
  options = SmallOptions();
  options.levels[0].box_output = "boxes";
  EXPECT_EQ(ErrorOf(options),
            "NOT_FOUND: model output 'boxes': the model has none");
  options = SmallOptions();
  options.levels.clear();
  EXPECT_EQ(ErrorOf(options),
            "INVALID_ARGUMENT: levels = 0: must be in [1, "
            "16]");
  options = SmallOptions();
  options.classes = 0;
  EXPECT_EQ(ErrorOf(options),
            "INVALID_ARGUMENT: classes = 0: must be in [1, 10000]");
}

TEST(DetectorTest, AnchorsWithoutLevelsAreCountedOnly) {
  DetectorOptions options = SmallOptions();
  options.anchors.levels.clear();
  options.anchors.per_cell = 0;
  EXPECT_TRUE(Detector::Create(SmallModel(), options).ok());
}

TEST(DetectorTest, RefusesAModelOfFloats) {
  EXPECT_EQ(Detector::Create(Compile(FloatGraph()), SmallOptions())
                .status()
                .message(),
            "model input 'input': float32 [1,4,4,3]: must be uint8 [1,H,W,3]");
}

// Runs under ThreadSanitizer too: a detector is shared, sessions are not.
TEST(DetectorSessionTest, SessionsOfOneDetectorRunAtTheSameTime) {
  const auto detector = Detector::Create(SmallModel(), SmallOptions());
  ASSERT_TRUE(detector.ok()) << detector.status().ToString();
  const Image tile = Grey(kSide, kSide, 101);
  const auto expected = Detect(tile.view(), SmallOptions());
  ASSERT_TRUE(expected.ok()) << expected.status().ToString();
  ASSERT_FALSE(expected->detections.empty());
  std::vector<uint8_t> same(4, 0);
  std::vector<std::thread> workers;
  for (uint8_t& result : same) {
    workers.emplace_back([&] {
      auto session = DetectorSession::Create(*detector);
      SerialFor serial;
      const auto found = session->Detect(tile.view(), {}, serial);
      result = found.ok() && found->detections == expected->detections;
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(same, std::vector<uint8_t>(4, 1));
}

}  // namespace
}  // namespace cyto8
