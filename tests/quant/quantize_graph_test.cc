// SPDX-License-Identifier: Apache-2.0
// Tests of quantize_graph.h, layer_units.h and calibrator.h: which operators
// become what, that INT8 networks compute what FP32 ones do, and every refusal.
#include "quant/quantize_graph.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/quant/quantized_networks.h"

namespace cyto8 {
namespace {

constexpr int64_t kSide = 16;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void ExpectSqnr(const Graph& real, const Graph& quantized, double least) {
  for (const double decibel : SqnrOf(real, quantized)) {
    EXPECT_GT(decibel, least);
  }
}

const Node& NodeNamed(const Graph& graph, const std::string& name) {
  static const Node kNone = {};
  const auto found = FindNode(graph, name);
  EXPECT_TRUE(found) << name;
  return found ? graph.nodes[static_cast<size_t>(*found)] : kNone;
}

std::vector<std::string> KindsOf(const QuantizedGraph& quantized) {
  std::vector<std::string> kinds;
  for (const QuantizedLayer& layer : quantized.layers) {
    kinds.push_back(layer.name + ": " + layer.kind);
  }
  return kinds;
}

using Names = std::vector<std::string>;

TEST(QuantizeGraphTest, PixelsAreCodesOfTheStem) {
  NetworkBuilder b;
  const Graph real =
      b.Finish({b.Conv("predict", AddStem(b, kSide), {.outputs = 9})});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(NodesOf(quantized.graph),
            "image = Input()\n"
            "stem = QuantizedConv2D(image)\n"
            "predict = QuantizedConv2DFloat(stem)\n");
  EXPECT_EQ(KindsOf(quantized),
            (Names{"stem: stem", "predict: conv to float"}));
  EXPECT_TRUE(quantized.float_nodes.empty());
  // Outside of the image is the mean colour.
  EXPECT_EQ(
      NodeNamed(quantized.graph, "stem").As<QuantizedConvAttributes>().pad,
      (std::vector<int64_t>{120, 110, 131}));
  ExpectSqnr(real, quantized.graph, 34);
}

// Padding alone is looked at: an image of the mean colour must give the same
// in the middle and at the border, in the real network and in the INT8 one.
TEST(QuantizeGraphTest, ThePaddingOfPixelsIsTheMeanColour) {
  NetworkBuilder b;
  const ValueRef stem =
      b.Conv("stem", b.Normalize(b.Pixels(8)), {.outputs = 5, .kernel = 5});
  const Graph real = b.Finish({stem});
  const auto model = CompiledModel::Create(Quantized(real).graph, {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  InferRequest request = *InferRequest::Create(*model);
  const std::span<uint8_t> pixels = request.input_as<uint8_t>(0);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = i % 3 == 0 ? 120 : i % 3 == 1 ? 110 : 131;
  }
  SerialFor serial;
  ASSERT_TRUE(request.Run(serial).ok());
  const auto result = request.output_as<float>(0);
  for (size_t i = 0; i < result.size(); ++i) {
    EXPECT_EQ(result[i], result[i % 5]) << i;
  }
}

TEST(QuantizeGraphTest, SeparableConvolutionsHaveAScaleForEachChannel) {
  NetworkBuilder b;
  const ValueRef deep =
      b.Depthwise("depthwise", AddStem(b, kSide), {.kernel = 3});
  const Graph real = b.Finish(
      {b.Conv("predict",
              b.Conv("point", deep, {.activation = Activation::kSwish}), {})});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(NodesOf(quantized.graph),
            "image = Input()\n"
            "stem = QuantizedConv2D(image)\n"
            "depthwise = QuantizedDepthwiseConv2D(stem)\n"
            "point = QuantizedConv2D(depthwise)\n"
            "predict = QuantizedConv2DFloat(point)\n");
  ASSERT_EQ(quantized.layers.size(), 4u);
  EXPECT_TRUE(quantized.layers[1].equalized);
  EXPECT_FALSE(quantized.layers[2].equalized);
  ExpectSqnr(real, quantized.graph, 32);
  const QuantizedGraph plain = Quantized(real, {.equalize = false});
  EXPECT_FALSE(plain.layers[1].equalized);
  ExpectSqnr(real, plain.graph, 28);
}

// One channel a thousand times as wide as the others: without a scale for each
// they would be lost.
TEST(QuantizeGraphTest, EqualizationKeepsNarrowChannels) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  std::vector<float> deep(16, 1e-3f);
  deep[3] = 1;
  std::vector<float> point(16 * 2);
  for (size_t c = 0; c < 16; ++c) {
    point[2 * c] = c == 3 ? 0.0f : 100.0f;  // output 0 reads the narrow ones.
    point[2 * c + 1] = 0.1f;
  }
  const ValueRef narrow =
      b.Add(Op::kDepthwiseConv2D, "depthwise",
            {stem, b.Floats("deep", {1, 1, 16, 1}, deep)}, ConvAttributes{});
  const Graph real = b.Finish({b.Add(
      Op::kConv2D, "point", {narrow, b.Floats("wide", {1, 1, 16, 2}, point)},
      ConvAttributes{})});
  ExpectSqnr(real, Quantized(real).graph, 30);
  EXPECT_LT(SqnrOf(real, Quantized(real, {.equalize = false}).graph)[0], 30);
}

TEST(QuantizeGraphTest, AResidualIsAddedByTheConvolution) {
  for (const Op activation : {Op::kIdentity, Op::kRelu, Op::kHardSwish}) {
    NetworkBuilder b;
    const ValueRef stem = AddStem(b, kSide);
    ValueRef sum =
        b.Add(Op::kAdd, "sum", {stem, b.Conv("conv", stem, {.kernel = 3})});
    if (activation != Op::kIdentity) sum = b.Add(activation, "active", {sum});
    const Graph real = b.Finish({b.Conv("predict", sum, {})});
    const QuantizedGraph quantized = Quantized(real);
    const std::string name = activation == Op::kIdentity ? "sum" : "active";
    EXPECT_EQ(NodesOf(quantized.graph),
              "image = Input()\n"
              "stem = QuantizedConv2D(image)\n" +
                  name + " = QuantizedConv2D(stem, stem)\n" +
                  "predict = QuantizedConv2DFloat(" + name + ")\n");
    ExpectSqnr(real, quantized.graph, 30);
  }
}

Graph GatedNetwork(Activation activation, bool gate_is_output,
                   bool depthwise_is_output) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  const ValueRef deep = b.Depthwise(
      "depthwise", stem, {.kernel = 5, .activation = Activation::kSwish});
  const ValueRef gate = b.SqueezeExcite("gate", deep);
  const ValueRef conv = b.Conv("project", gate, {.activation = activation});
  std::vector<ValueRef> outputs = {b.Conv("predict", conv, {})};
  if (gate_is_output) outputs.push_back(gate);
  if (depthwise_is_output) outputs.push_back(deep);
  return b.Finish(outputs);
}

TEST(QuantizeGraphTest, AGateScalesTheWeightsBehindIt) {
  for (const Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kRelu6,
        Activation::kSwish, Activation::kHardSwish}) {
    const Graph real = GatedNetwork(activation, false, false);
    const QuantizedGraph quantized = Quantized(real);
    EXPECT_EQ(NodesOf(quantized.graph),
              "image = Input()\n"
              "stem = QuantizedConv2D(image)\n"
              "depthwise = QuantizedDepthwiseConv2D(stem)\n"
              "gate = QuantizedGate(depthwise:1, depthwise)\n"
              "project = GatedConv2D(depthwise, gate)\n"
              "predict = QuantizedConv2DFloat(project)\n");
    ExpectSqnr(real, quantized.graph, 30);
  }
}

TEST(QuantizeGraphTest, AGateOthersSeeStaysFloat) {
  const Graph gate = GatedNetwork(Activation::kSwish, true, false);
  EXPECT_EQ(Quantized(gate).float_nodes, (Names{"gate (SqueezeExcite)"}));
  ExpectSqnr(gate, Quantized(gate).graph, 30);
  const Graph deep = GatedNetwork(Activation::kSwish, false, true);
  EXPECT_EQ(Quantized(deep).float_nodes,
            (Names{"depthwise (DepthwiseConv2D)", "gate (SqueezeExcite)"}));
  ExpectSqnr(deep, Quantized(deep).graph, 30);
}

TEST(QuantizeGraphTest, AnOutputBehindAGateIsFloat) {
  NetworkBuilder b;
  const ValueRef deep =
      b.Depthwise("depthwise", AddStem(b, kSide),
                  {.kernel = 3, .activation = Activation::kSwish});
  const Graph real =
      b.Finish({b.Conv("predict", b.SqueezeExcite("gate", deep), {})});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(NodeNamed(quantized.graph, "predict").op,
            Op::kQuantizedConv2DFloat);
  EXPECT_EQ(quantized.float_nodes, (Names{"gate (SqueezeExcite)"}));
  ExpectSqnr(real, quantized.graph, 30);
}

TEST(QuantizeGraphTest, ASumResizesItsTerms) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  const ValueRef middle = b.Conv("middle", stem, {.kernel = 3, .stride = 2});
  const ValueRef coarse = b.Conv("coarse", middle, {.kernel = 3, .stride = 2});
  const ValueRef sum = b.WeightedSum(
      "sum", {middle, b.Upsample("up", coarse), b.MaxPool("pool", stem)},
      {0.5f, 0.3f, 0.2f});
  const Graph real = b.Finish({b.Conv("predict", b.Swish("swish", sum), {})});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(NodesOf(quantized.graph),
            "image = Input()\n"
            "stem = QuantizedConv2D(image)\n"
            "middle = QuantizedConv2D(stem)\n"
            "coarse = QuantizedConv2D(middle)\n"
            "swish = QuantizedWeightedSum(middle, coarse, stem)\n"
            "predict = QuantizedConv2DFloat(swish)\n");
  ExpectSqnr(real, quantized.graph, 30);
}

TEST(QuantizeGraphTest, PoolsAndUpSamplingsMoveCodes) {
  NetworkBuilder b;
  const ValueRef pool = b.MaxPool("pool", AddStem(b, kSide));
  const ValueRef up = b.Upsample("up", pool);
  const Graph real =
      b.Finish({b.Conv("one", pool, {}), b.Conv("two", up, {.kernel = 3})});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(NodesOf(quantized.graph),
            "image = Input()\n"
            "stem = QuantizedConv2D(image)\n"
            "pool = MaxPool(stem)\n"
            "up = UpsampleNearest(pool)\n"
            "one = QuantizedConv2DFloat(pool)\n"
            "two = QuantizedConv2DFloat(up)\n");
  EXPECT_EQ(quantized.graph.desc({*FindNode(quantized.graph, "up"), 0}).type,
            DataType::kUint8);
  ExpectSqnr(real, quantized.graph, 30);
}

TEST(QuantizeGraphTest, WholeNetworksAreQuantizedWhole) {
  const Graph real = WholeNetwork(32);
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_TRUE(quantized.float_nodes.empty());
  ExpectSqnr(real, quantized.graph, 25);
}

TEST(QuantizeGraphTest, OtherRangesAndOptionsGiveTheNetworkToo) {
  const Graph real = WholeNetwork(32);
  for (const RangeMethod method :
       {RangeMethod::kPercentile, RangeMethod::kMse, RangeMethod::kSearch}) {
    ExpectSqnr(real, Quantized(real, {.range = {.method = method}}).graph, 20);
  }
  ExpectSqnr(real,
             Quantized(real, {.equalize = false,
                              .correct_bias = false,
                              .search_weights = true})
                 .graph,
             22);
}

TEST(QuantizeGraphTest, ARangeMayBeChosenForOneValue) {
  NetworkBuilder b;
  const ValueRef one = b.Conv("one", AddStem(b, kSide), {});
  const Graph real = b.Finish({b.Conv("predict", one, {})});
  const RangeChoiceOptions half = {.method = RangeMethod::kPercentile,
                                   .percentile = 80};
  const QuantizedGraph all = Quantized(real);
  const QuantizedGraph own = Quantized(real, {.range_of = {{"one", half}}});
  EXPECT_EQ(own.layers[0].range.max, all.layers[0].range.max);
  EXPECT_LT(own.layers[1].range.max, all.layers[1].range.max);
  EXPECT_EQ(own.layers[1].method, RangeMethod::kPercentile);
}

TEST(QuantizeGraphTest, ClippingCountsMoreWhereManyLayersFollow) {
  NetworkBuilder b;
  ValueRef value = AddStem(b, kSide);
  for (const char* name : {"1", "2", "3", "4", "5", "6", "7", "8", "9"}) {
    value = b.Conv(name, value, {});
  }
  const Graph real = b.Finish({b.Conv("predict", value, {})});
  const auto widths = [&](double clip_weight) {
    std::vector<double> result;
    for (const QuantizedLayer& layer :
         Quantized(real, {.range = {.method = RangeMethod::kMse,
                                   .clip_weight = clip_weight}})
             .layers) {
      result.push_back(layer.range.max - layer.range.min);
    }
    return result;
  };
  const std::vector<double> alike = widths(1);
  const std::vector<double> more = widths(1000);
  ASSERT_EQ(more.size(), 11u);
  for (size_t i = 0; i < 3; ++i) EXPECT_GT(more[i], alike[i]) << i;
  for (size_t i = 3; i < more.size(); ++i) EXPECT_EQ(more[i], alike[i]) << i;
}

// Saturation is the activation, so codes must not reach beyond it.
TEST(QuantizeGraphTest, Relu6NeverGivesMoreThan6) {
  NetworkBuilder b;
  const ValueRef wei =
      b.Floats("wei", {1, 1, 16, 1}, std::vector<float>(16, 2));
  const ValueRef six = b.Add(Op::kConv2D, "six", {AddStem(b, kSide), wei},
                             ConvAttributes{.activation = Activation::kRelu6});
  const Graph real = b.Finish({b.Conv("predict", six, {})});
  const RangeChoiceOptions wider = {
      .method = RangeMethod::kSearch, .search_low = 1.25, .search_high = 1.3};
  const QuantizedGraph quantized = Quantized(real, {.range = wider});
  EXPECT_EQ(quantized.layers[1].name, "six");
  EXPECT_EQ(quantized.layers[1].range.max, 6);
  EXPECT_EQ(quantized.layers[1].range.min, 0);
  ExpectSqnr(real, quantized.graph, 35);
}

TEST(QuantizeGraphTest, OtherActivationsStayFloat) {
  NetworkBuilder b;
  const ValueRef tanh =
      b.Add(Op::kTanh, "tanh", {b.Conv("conv", AddStem(b, kSide), {})});
  const Graph real = b.Finish({b.Conv("predict", tanh, {})});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(NodesOf(quantized.graph),
            "image = Input()\n"
            "stem = QuantizedConv2D(image)\n"
            "conv = QuantizedConv2D(stem)\n"
            "conv/dequantized = Dequantize(conv)\n"
            "tanh = Tanh(conv/dequantized)\n"
            "tanh/quantized = Quantize(tanh)\n"
            "predict = QuantizedConv2DFloat(tanh/quantized)\n");
  EXPECT_EQ(quantized.float_nodes, (Names{"tanh (Tanh)"}));
  ExpectSqnr(real, quantized.graph, 28);
}

TEST(QuantizeGraphTest, AConvolutionWithAnotherActivationStaysFloat) {
  NetworkBuilder b;
  const ValueRef conv =
      b.Conv("conv", AddStem(b, kSide), {.activation = Activation::kSigmoid});
  const Graph real = b.Finish({b.Conv("predict", conv, {})});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(quantized.float_nodes, (Names{"conv (Conv2D)"}));
  ExpectSqnr(real, quantized.graph, 30);
}

TEST(QuantizeGraphTest, ExcludedNodesAndOperatorsStayFloat) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  const ValueRef deep = b.Depthwise("depthwise", stem, {.kernel = 3});
  const Graph real = b.Finish({b.Conv("predict", deep, {})});
  const QuantizeOptions nodes = {.excluded_nodes = {"stem"}};
  const QuantizedGraph quantized = Quantized(real, nodes);
  EXPECT_EQ(quantized.float_nodes,
            (Names{"normalize (Normalize)", "stem (Conv2D)"}));
  ExpectSqnr(real, quantized.graph, 30);
  const QuantizeOptions ops = {.excluded_ops = {"DepthwiseConv2D"}};
  EXPECT_EQ(Quantized(real, ops).float_nodes,
            (Names{"depthwise (DepthwiseConv2D)"}));
  ExpectSqnr(real, Quantized(real, ops).graph, 30);
}

// Everything that units are made of, one after the other.
TEST(QuantizeGraphTest, AnyNodeMayBeExcluded) {
  const Graph real = WholeNetwork(16);
  for (const Node& node : real.nodes) {
    if (node.op == Op::kConst || node.op == Op::kInput) continue;
    const QuantizeOptions options = {.excluded_nodes = {node.name}};
    SCOPED_TRACE(node.name);
    const QuantizedGraph quantized = Quantized(real, options);
    EXPECT_FALSE(quantized.float_nodes.empty());
    ExpectSqnr(real, quantized.graph, 18);
  }
}

TEST(QuantizeGraphTest, AnExclusionThatMatchesNothingIsAnError) {
  const Graph real = GatedNetwork(Activation::kNone, false, false);
  EXPECT_EQ(QuantizeError(real, {.excluded_nodes = {"stem", "projct"}}),
            "excluded node \"projct\" matches nothing in the network; did you "
            "mean \"project\"?");
  EXPECT_EQ(QuantizeError(real, {.excluded_ops = {"SqueezeExite"}}),
            "excluded operator \"SqueezeExite\" matches nothing in the "
            "network; did you mean \"SqueezeExcite\"?");
  EXPECT_EQ(QuantizeError(real, {.excluded_ops = {"Softmax"}}),
            "excluded operator \"Softmax\" matches nothing in the network");
}

TEST(QuantizeGraphTest, AValueThatWasNotObservedIsNamed) {
  NetworkBuilder b;
  const ValueRef one = b.Conv("one", AddStem(b, kSide), {});
  const Graph real = b.Finish({b.Conv("predict", one, {})});
  Calibration calibration = Calibrated(real).value();
  calibration.erase("one");
  EXPECT_EQ(QuantizeGraph(real, calibration, {}).status().message(),
            "node \"one\": value \"one\" was not observed");
  EXPECT_EQ(QuantizeGraph(real, {}, {}).status().message(),
            "node \"stem\": value \"normalize\" was not observed");
}

TEST(QuantizeGraphTest, WeightsThatAreNotFiniteAreNamed) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  const ValueRef bad =
      b.Add(Op::kConv2D, "bad",
            {stem, b.Floats("wei", {1, 1, 16, 1}, std::vector<float>(16, 1)),
             b.Floats("bias", {1}, {kNan})},
            ConvAttributes{});
  const Graph real = b.Finish({b.Conv("predict", stem, {}), bad});
  const Calibration calibration = Calibrated(real).value();
  EXPECT_EQ(QuantizeGraph(real, calibration, {}).status().message(),
            "node \"bad\": bias[0] = nan: must be finite");
}

TEST(QuantizeGraphTest, ValuesThatAreNotFiniteAreNamed) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  std::vector<float> kernel(16, 1);
  kernel[5] = std::numeric_limits<float>::infinity();
  const ValueRef bad =
      b.Add(Op::kConv2D, "bad", {stem, b.Floats("wei", {1, 1, 16, 1}, kernel)},
            ConvAttributes{});
  const Graph real = b.Finish({b.Conv("predict", bad, {})});
  EXPECT_EQ(QuantizeError(real),
            "value \"bad\": values: 64 of 64 are not finite");
}

TEST(QuantizeGraphTest, ARangeOfWidthZeroIsNamed) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  const ValueRef dead =
      b.Add(Op::kConv2D, "dead",
            {stem, b.Floats("wei", {1, 1, 16, 4}, std::vector<float>(64, 0))},
            ConvAttributes{});
  const Graph real = b.Finish({b.Conv("predict", dead, {})});
  EXPECT_EQ(QuantizeError(real),
            "node \"dead\": value \"dead\": range = [0, 0]: range of width "
            "zero");
}

ValueRef AddInts(NetworkBuilder& b, const std::string& name, const Shape& shape,
                 const std::vector<int32_t>& values) {
  return b.Add(Op::kConst, name, {},
               ConstAttributes{std::make_shared<const Tensor>(
                   Tensor::FromInts(shape, values))});
}

// Values that are no step's first result are observed all the same, and may
// be results of the network.
TEST(QuantizeGraphTest, RenamedValuesAndLaterResultsAreObserved) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, kSide);
  const ValueRef tanh = b.Add(Op::kTanh, "tanh", {stem});
  const ValueRef flat = b.Add(Op::kReshape, "flat",
                              {tanh, AddInts(b, "shape", {4}, {1, 4, 16, 16})});
  ValueRef half =
      b.Add(Op::kSplit, "halves", {AddInts(b, "axis", {}, {3}), flat},
            UnpackAttributes{.count = 2});
  half.port = 1;
  const Graph real =
      b.Finish({b.Conv("one", flat, {}), b.Conv("two", half, {}), flat});
  const QuantizedGraph quantized = Quantized(real);
  EXPECT_EQ(quantized.float_nodes,
            (Names{"tanh (Tanh)", "flat (Reshape)", "halves (Split)"}));
  ExpectSqnr(real, quantized.graph, 30);
}

TEST(QuantizeGraphTest, NetworksMustReadPixels) {
  NetworkBuilder b;
  const ValueRef x = b.Add(Op::kInput, "x", {},
                           InputAttributes{{.type = DataType::kFloat32,
                                            .shape = Shape{1, 8, 8, 3},
                                            .quant = {}}});
  EXPECT_EQ(QuantizeError(b.Finish({b.Conv("predict", x, {})})),
            "network: must have one input, of 8-bit pixels");
}

void ExpectSameGraph(const Graph& a, const Graph& b) {
  EXPECT_EQ(NodesOf(a), NodesOf(b));
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    EXPECT_EQ(a.nodes[i].name, b.nodes[i].name);
    const Tensor* x = ConstantOf(a, {static_cast<int64_t>(i), 0});
    const Tensor* y = ConstantOf(b, {static_cast<int64_t>(i), 0});
    ASSERT_EQ(x == nullptr, y == nullptr);
    if (x == nullptr) continue;
    EXPECT_TRUE(std::ranges::equal(x->bytes(), y->bytes())) << a.nodes[i].name;
  }
}

// Which calibrator saw which image, and who was merged into whom.
TEST(QuantizeGraphTest, TheGraphDoesNotDependOnWhoSawWhat) {
  const Graph real = WholeNetwork(16);
  const auto plan =
      MakeCalibrationPlan(real, {}, {.engine = Engine::kNaive}).value();
  SerialFor serial;
  const auto quantize = [&](const std::vector<std::vector<uint32_t>>& shares) {
    std::vector<Calibrator> calibrators;
    for (const std::vector<uint32_t>& images : shares) {
      calibrators.push_back(Calibrator::Create(plan).value());
      for (const uint32_t image : images) {
        const std::span<uint8_t> pixels = calibrators.back().pixels();
        std::ranges::copy(ImageOf(pixels.size(), image), pixels.begin());
        EXPECT_TRUE(calibrators.back().Observe(serial).ok());
      }
    }
    for (size_t i = 1; i < calibrators.size(); ++i) {
      EXPECT_TRUE(calibrators[0].Merge(calibrators[i]).ok());
    }
    return QuantizeGraph(real, calibrators[0].Finish().value(), {})
        .value()
        .graph;
  };
  const Graph expected = quantize({{0, 1, 2, 3}});
  ExpectSameGraph(quantize({{3, 1, 0, 2}}), expected);
  ExpectSameGraph(quantize({{0, 1}, {2, 3}}), expected);
  ExpectSameGraph(quantize({{3, 2}, {0, 1}}), expected);
  ExpectSameGraph(quantize({{}, {2}, {3, 1, 0}}), expected);
}

}  // namespace
}  // namespace cyto8
