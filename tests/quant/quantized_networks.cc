// SPDX-License-Identifier: Apache-2.0
// See quantized_networks.h.
#include "tests/quant/quantized_networks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "detector/graph/shape_inference.h"
#include "tests/quant/random_values.h"

namespace cyto8 {
namespace {

ConvAttributes ConvOf(const LayerSpec& spec) {
  return {.strides = {spec.stride, spec.stride},
          .padding = {.kind = PaddingKind::kSame},
          .activation = spec.activation};
}

struct Level {
  ValueRef fine, middle, coarse;
};

// Expand, depthwise, gate, project.
ValueRef AddBlock(NetworkBuilder& b, const std::string& name, ValueRef x,
                  int64_t kernel, int64_t stride, int64_t outputs) {
  const ValueRef wide = b.Conv(
      name + "/expand", x, {.outputs = 40, .activation = Activation::kSwish});
  const ValueRef deep = b.Depthwise(
      name + "/depthwise", wide,
      {.kernel = kernel, .stride = stride, .activation = Activation::kSwish});
  const ValueRef gate = b.SqueezeExcite(name + "/gate", deep);
  return b.Conv(name + "/project", gate, {.outputs = outputs});
}

ValueRef AddSeparable(NetworkBuilder& b, const std::string& name, ValueRef x,
                      int64_t outputs, Activation activation) {
  const ValueRef deep =
      b.Depthwise(name + "/depthwise", x, {.kernel = 3, .has_bias = false});
  return b.Conv(name, deep, {.outputs = outputs, .activation = activation});
}

Level AddPyramid(NetworkBuilder& b, const Level& in) {
  Level out;
  out.middle =
      b.Swish("middle", b.WeightedSum("middle/sum",
                                      {in.middle, b.Upsample("up", in.coarse)},
                                      {0.6f, 0.4f}));
  out.fine = AddSeparable(b, "fine", in.fine, 24, Activation::kSwish);
  const ValueRef joined = b.WeightedSum(
      "joined/sum", {in.middle, out.middle, b.MaxPool("pool", out.fine)},
      {0.2f, 0.5f, 0.3f});
  out.middle = b.Add(Op::kRelu, "joined", {joined});
  out.coarse = b.MaxPool("coarser", in.coarse);
  return out;
}

}  // namespace

double NetworkBuilder::NextNormal() {
  RandomValues random(seed_ += 7919);
  return random.Normal();
}

ValueRef NetworkBuilder::Noise(const std::string& name, Shape shape,
                               double deviation, double mean) {
  Tensor tensor = *Tensor::Create(DataType::kFloat32, std::move(shape));
  for (float& x : tensor.mutable_data<float>()) {
    x = static_cast<float>(mean + deviation * NextNormal());
  }
  return graph_.AddConst(name, std::move(tensor));
}

ValueRef NetworkBuilder::Floats(const std::string& name, Shape shape,
                                const std::vector<float>& values) {
  return graph_.AddConst(name, Tensor::FromFloats(std::move(shape), values));
}

ValueRef NetworkBuilder::Add(Op op, const std::string& name,
                             std::vector<ValueRef> inputs,
                             Attributes attributes) {
  const ValueRef value = graph_.Add({.name = name,
                                     .op = op,
                                     .source_op = std::string(OpName(op)),
                                     .inputs = std::move(inputs),
                                     .attributes = std::move(attributes)});
  Node& node = graph_.node(value);
  if (const auto* split = std::get_if<UnpackAttributes>(&node.attributes)) {
    node.outputs.resize(static_cast<size_t>(split->count));
  }
  const Status status = InferNode(graph_, value.node, {});
  EXPECT_TRUE(status.ok()) << status.ToString();
  return value;
}

int64_t NetworkBuilder::ChannelsOf(ValueRef x) const {
  return graph_.desc(x).shape->back();
}

ValueRef NetworkBuilder::Pixels(int64_t side, int64_t batch) {
  return Add(Op::kInput, "image", {},
             InputAttributes{{.type = DataType::kUint8,
                              .shape = Shape{batch, side, side, 3},
                              .quant = {}}});
}

ValueRef NetworkBuilder::Normalize(ValueRef image) {
  return Add(Op::kNormalize, "normalize", {image},
             NormalizeAttributes{.mean = {120.4f, 110.0f, 130.7f},
                                 .deviation = {58.4f, 57.1f, 57.4f}});
}

ValueRef NetworkBuilder::Conv(const std::string& name, ValueRef x,
                              const LayerSpec& spec) {
  const int64_t inputs = ChannelsOf(x);
  const double fan = static_cast<double>(spec.kernel * spec.kernel * inputs);
  std::vector<ValueRef> operands = {
      x,
      Noise(name + "/kernel", {spec.kernel, spec.kernel, inputs, spec.outputs},
            1.4 / std::sqrt(fan))};
  if (spec.has_bias) {
    operands.push_back(Noise(name + "/bias", {spec.outputs}, 0.3));
  }
  return Add(Op::kConv2D, name, std::move(operands), ConvOf(spec));
}

ValueRef NetworkBuilder::Depthwise(const std::string& name, ValueRef x,
                                   const LayerSpec& spec) {
  const int64_t channels = ChannelsOf(x);
  std::vector<ValueRef> operands = {
      x, Noise(name + "/kernel", {spec.kernel, spec.kernel, channels, 1},
               1.2 / static_cast<double>(spec.kernel))};
  if (spec.has_bias) {
    operands.push_back(Noise(name + "/bias", {channels}, 0.3));
  }
  return Add(Op::kDepthwiseConv2D, name, std::move(operands), ConvOf(spec));
}

ValueRef NetworkBuilder::SqueezeExcite(const std::string& name, ValueRef x) {
  const int64_t channels = ChannelsOf(x);
  constexpr int64_t kReduced = 6;
  return Add(Op::kSqueezeExcite, name,
             {x, Noise(name + "/reduce", {channels, kReduced}, 0.5),
              Noise(name + "/reduce_bias", {kReduced}, 0.3),
              Noise(name + "/expand", {kReduced, channels}, 0.5),
              Noise(name + "/expand_bias", {channels}, 0.3)},
             SqueezeExciteAttributes{});
}

ValueRef NetworkBuilder::MaxPool(const std::string& name, ValueRef x) {
  return Add(Op::kMaxPool, name, {x},
             PoolAttributes{.kernel = {3, 3},
                            .strides = {2, 2},
                            .padding = {.kind = PaddingKind::kSame}});
}

ValueRef NetworkBuilder::Upsample(const std::string& name, ValueRef x) {
  return Add(Op::kUpsampleNearest, name, {x},
             UpsampleAttributes{.factor_y = 2, .factor_x = 2});
}

ValueRef NetworkBuilder::WeightedSum(const std::string& name,
                                     std::vector<ValueRef> terms,
                                     std::vector<float> weights) {
  terms.push_back(Floats(name + "/weights",
                         {static_cast<int64_t>(weights.size())}, weights));
  return Add(Op::kWeightedSum, name, std::move(terms));
}

ValueRef NetworkBuilder::Swish(const std::string& name, ValueRef x) {
  return Add(Op::kSwish, name, {x}, SwishAttributes{});
}

Graph NetworkBuilder::Finish(const std::vector<ValueRef>& outputs) {
  for (const ValueRef value : outputs) {
    graph_.outputs.push_back(
        {.name = ValueName(graph_, value), .value = value});
  }
  const Status valid = ValidateGraph(graph_);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  auto graph = InferShapes(graph_);
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  return graph.ok() ? *std::move(graph) : Graph();
}

ValueRef AddStem(NetworkBuilder& b, int64_t side, int64_t batch) {
  return b.Conv("stem", b.Normalize(b.Pixels(side, batch)),
                {.kernel = 3, .stride = 2, .activation = Activation::kSwish});
}

Graph WholeNetwork(int64_t side, int64_t batch) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, side, batch);
  const ValueRef first =
      b.Add(Op::kAdd, "residual", {AddBlock(b, "one", stem, 3, 1, 16), stem});
  const Level in = {
      .fine = b.Conv("lateral", first, {.outputs = 24}),
      .middle = AddBlock(b, "two", first, 5, 2, 24),
      .coarse = AddBlock(b, "three", first, 3, 2, 24),
  };
  const Level level = AddPyramid(b, {.fine = in.fine,
                                     .middle = in.middle,
                                     .coarse = b.MaxPool("coarse", in.coarse)});
  const ValueRef all =
      b.Add(Op::kAddN, "all",
            {level.middle, b.Upsample("up1", b.Upsample("up2", level.coarse))});
  return b.Finish(
      {AddSeparable(b, "boxes", all, 36, Activation::kNone),
       AddSeparable(b, "classes", level.fine, 9, Activation::kNone)});
}

std::vector<uint8_t> ImageOf(size_t count, uint32_t image) {
  RandomValues random(image + 1000);
  const double step = random.Uniform(0.02, 0.3);
  const double far_step = random.Uniform(0.001, 0.01);
  std::vector<uint8_t> pixels(count);
  for (size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(i);
    const double level = 128 + 60 * std::sin(x * step) +
                         50 * std::sin(x * far_step) + 15 * random.Normal();
    pixels[i] = static_cast<uint8_t>(std::clamp(level, 0.0, 255.0));
  }
  return pixels;
}

StatusOr<Calibration> Calibrated(const Graph& graph, int64_t images,
                                 const QuantizeOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(
      const auto plan,
      MakeCalibrationPlan(graph, options, {.engine = Engine::kNaive}));
  CYTO8_ASSIGN_OR_RETURN(Calibrator calibrator, Calibrator::Create(plan));
  SerialFor serial;
  for (int64_t i = 0; i < images; ++i) {
    const std::span<uint8_t> pixels = calibrator.pixels();
    std::ranges::copy(ImageOf(pixels.size(), static_cast<uint32_t>(i)),
                      pixels.begin());
    CYTO8_RETURN_IF_ERROR(calibrator.Observe(serial));
  }
  return calibrator.Finish();
}

QuantizedGraph Quantized(const Graph& graph, const QuantizeOptions& options) {
  const auto calibration = Calibrated(graph, 2, options);
  EXPECT_TRUE(calibration.ok()) << calibration.status().ToString();
  if (!calibration.ok()) return {};
  auto quantized = QuantizeGraph(graph, *calibration, options);
  EXPECT_TRUE(quantized.ok()) << quantized.status().ToString();
  return quantized.ok() ? *std::move(quantized) : QuantizedGraph();
}

std::string QuantizeError(const Graph& graph, const QuantizeOptions& options) {
  const auto calibration = Calibrated(graph, 1, options);
  if (!calibration.ok()) return calibration.status().message();
  return QuantizeGraph(graph, *calibration, options).status().message();
}

std::vector<std::vector<float>> OutputsOf(const Graph& graph, uint32_t image,
                                          const CompileOptions& options) {
  const auto model = CompiledModel::Create(graph, options);
  EXPECT_TRUE(model.ok()) << model.status().ToString();
  if (!model.ok()) return {};
  auto request = InferRequest::Create(*model);
  EXPECT_TRUE(request.ok()) << request.status().ToString();
  const std::span<uint8_t> pixels = request->input_as<uint8_t>(0);
  const auto batch = static_cast<size_t>((*model)->inputs()[0].shape[0]);
  const size_t count = pixels.size() / batch;
  for (size_t i = 0; i < batch; ++i) {
    std::ranges::copy(ImageOf(count, image + static_cast<uint32_t>(i)),
                      pixels.subspan(i * count).begin());
  }
  SerialFor serial;
  const Status status = request->Run(serial);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < (*model)->outputs().size(); ++i) {
    const auto values = request->output_as<float>(static_cast<int64_t>(i));
    outputs.emplace_back(values.begin(), values.end());
  }
  return outputs;
}

std::vector<double> SqnrOf(const Graph& real, const Graph& quantized) {
  constexpr uint32_t kImage = 1;
  const auto expected = OutputsOf(real, kImage, {.engine = Engine::kNaive});
  const auto actual = OutputsOf(quantized, kImage);
  EXPECT_EQ(actual.size(), expected.size());
  std::vector<double> decibel;
  for (size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
    EXPECT_EQ(actual[i].size(), expected[i].size());
    double signal = 0;
    double noise = 1e-30;
    for (size_t j = 0; j < expected[i].size(); ++j) {
      const double x = static_cast<double>(expected[i][j]);
      const double error = x - static_cast<double>(actual[i][j]);
      signal += x * x;
      noise += error * error;
    }
    decibel.push_back(10 * std::log10(signal / noise));
  }
  return decibel;
}

std::string NodesOf(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::kConst) continue;
    std::string inputs;
    for (const ValueRef input : node.inputs) {
      if (graph.node(input).op == Op::kConst) continue;
      inputs += (inputs.empty() ? "" : ", ") + ValueName(graph, input);
    }
    text +=
        node.name + " = " + std::string(OpName(node.op)) + "(" + inputs + ")\n";
  }
  return text;
}

}  // namespace cyto8
