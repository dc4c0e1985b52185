// SPDX-License-Identifier: Apache-2.0
// Tests of quantized_shapes.h: types and shapes of the INT8 operators, and
// every refusal.
#include "detector/graph/quantized_shapes.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace cyto8 {
namespace {

constexpr int64_t kU = kUnknownDim;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr auto kU8 = DataType::kUint8;
constexpr auto kI8 = DataType::kInt8;
constexpr auto kI16 = DataType::kInt16;
constexpr auto kI32 = DataType::kInt32;
constexpr auto kF32 = DataType::kFloat32;

// A node and the types and shapes of what it reads.
struct Case {
  Op op = Op::kQuantize;
  std::vector<TensorDesc> inputs = {};
  Attributes attributes = {};

  TensorDesc& In(size_t i) { return inputs[i]; }
  template <typename T>
  T& As() {
    return std::get<T>(attributes);
  }

  StatusOr<Node> Infer() const {
    Graph graph;
    Node node = {.name = "n", .op = op, .attributes = attributes};
    for (const TensorDesc& desc : inputs) {
      Node input = {.name = "in" + std::to_string(graph.nodes.size()),
                    .op = Op::kInput,
                    .attributes = InputAttributes{desc},
                    .outputs = {desc}};
      node.inputs.push_back(graph.Add(std::move(input)));
    }
    CYTO8_RETURN_IF_ERROR(InferQuantizedShapes(graph, node));
    return node;
  }
  // "uint8[1,2,3,4]" of each output, or the error.
  std::string Result() const {
    const auto node = Infer();
    if (!node.ok()) return node.status().message();
    std::string text;
    for (const TensorDesc& out : node->outputs) {
      text += (text.empty() ? "" : " ") + std::string(DataTypeName(out.type)) +
              (out.shape ? ShapeToString(*out.shape) : "?");
    }
    return text;
  }
};

TensorDesc DescOf(DataType type, std::optional<Shape> shape) {
  return {.type = type, .shape = std::move(shape), .quant = {}};
}

// 3x3, stride 2, SAME, 6 to 10 channels.
QuantizedConvAttributes ConvOf(const std::array<int64_t, 4>& kernel) {
  QuantizedConvAttributes conv;
  conv.conv.strides = {2, 2};
  conv.conv.padding = {.kind = PaddingKind::kSame};
  conv.kernel = kernel;
  return conv;
}

Case Conv() {
  return {.op = Op::kQuantizedConv2D,
          .inputs = {DescOf(kU8, Shape{2, 9, 8, 6}), DescOf(kI8, Shape{864}),
                     DescOf(kI32, Shape{3, 16})},
          .attributes = ConvOf({3, 3, 6, 10})};
}
Case ConvToFloat() {
  return {.op = Op::kQuantizedConv2DFloat,
          .inputs = {DescOf(kU8, Shape{2, 9, 8, 6}), DescOf(kI8, Shape{864}),
                     DescOf(kI32, Shape{16}), DescOf(kF32, Shape{2, 16})},
          .attributes = ConvOf({3, 3, 6, 10})};
}
Case GatedConv() {
  QuantizedConvAttributes conv = ConvOf({1, 1, 6, 10});
  conv.conv.strides = {1, 1};
  return {.op = Op::kGatedConv2D,
          .inputs = {DescOf(kU8, Shape{2, 9, 8, 6}), DescOf(kI16, Shape{128}),
                     DescOf(kF32, Shape{2, 10}), DescOf(kF32, Shape{2, 6})},
          .attributes = conv};
}
Case Depthwise() {
  return {.op = Op::kQuantizedDepthwiseConv2D,
          .inputs = {DescOf(kU8, Shape{2, 9, 8, 6}),
                     DescOf(kI8, Shape{3, 3, 6}), DescOf(kI32, Shape{3, 6})},
          .attributes = ConvOf({3, 3, 6, 1})};
}
Case Gate() {
  return {.op = Op::kQuantizedGate,
          .inputs = {DescOf(kI32, Shape{2, 6}), DescOf(kU8, Shape{2, 9, 8, 6}),
                     DescOf(kF32, Shape{6, 3}), DescOf(kF32, Shape{3}),
                     DescOf(kF32, Shape{3, 6}), DescOf(kF32, Shape{6})},
          .attributes = QuantizedGateAttributes{}};
}
Case Sum() {
  QuantizedSumAttributes sum;
  sum.sources.resize(3);
  sum.sources[1].upsample = {.factor_y = 2, .factor_x = 2};
  sum.sources[2].pool = {.kernel = {3, 3},
                         .strides = {2, 2},
                         .padding = {.kind = PaddingKind::kSame}};
  return {
      .op = Op::kQuantizedWeightedSum,
      .inputs = {DescOf(kU8, Shape{2, 8, 6, 5}), DescOf(kU8, Shape{2, 4, 3, 5}),
                 DescOf(kU8, Shape{2, 15, 12, 5}), DescOf(kI16, Shape{4, 5})},
      .attributes = sum};
}

using Change = std::function<void(Case&)>;

std::string ResultOf(Case made, const Change& change) {
  change(made);
  return made.Result();
}

TEST(QuantizedShapesTest, ConversionsKeepTheShape) {
  Case c = {.op = Op::kQuantize,
            .inputs = {DescOf(kF32, Shape{2, 3})},
            .attributes = CodeAttributes{}};
  EXPECT_EQ(c.Result(), "uint8[2,3]");
  c.In(0).shape = std::nullopt;
  EXPECT_EQ(c.Result(), "uint8?");
  c.In(0).type = kU8;
  EXPECT_EQ(c.Result(), "input 0 must be float32");
  c.op = Op::kDequantize;
  EXPECT_EQ(c.Result(), "float32?");
  c.In(0).type = kI8;
  EXPECT_EQ(c.Result(), "input 0 must be uint8");
}

TEST(QuantizedShapesTest, CodesMustStandForFiniteNumbers) {
  const auto result = [](QuantParams codes) {
    return Case{.op = Op::kDequantize,
                .inputs = {DescOf(kU8, Shape{4})},
                .attributes = CodeAttributes{codes}}
        .Result();
  };
  EXPECT_EQ(result({.scale = 0.5f, .zero_point = 255}), "float32[4]");
  EXPECT_EQ(result({.scale = 0}), "scale = 0: must be finite and above 0");
  EXPECT_EQ(result({.scale = -1}), "scale = -1: must be finite and above 0");
  EXPECT_EQ(result({.scale = kNan}), "scale = nan: must be finite and above 0");
  EXPECT_EQ(result({.scale = std::numeric_limits<float>::infinity()}),
            "scale = inf: must be finite and above 0");
  EXPECT_EQ(result({.scale = 1, .zero_point = -1}),
            "zero point = -1: must be in [0, 255]");
  EXPECT_EQ(result({.scale = 1, .zero_point = 256}),
            "zero point = 256: must be in [0, 255]");
}

TEST(QuantizedShapesTest, ConvolutionsHaveTheShapesOfTheirWindows) {
  EXPECT_EQ(Conv().Result(), "uint8[2,5,4,10]");
  EXPECT_EQ(ConvToFloat().Result(), "float32[2,5,4,10]");
  EXPECT_EQ(GatedConv().Result(), "uint8[2,9,8,10]");
  EXPECT_EQ(Depthwise().Result(), "uint8[2,5,4,6] int32[2,6]");
  const Change unknown = [](Case& c) { c.In(0).shape = {{kU, kU, 8, kU}}; };
  EXPECT_EQ(ResultOf(Conv(), unknown), "uint8[?,?,4,10]");
  EXPECT_EQ(ResultOf(Depthwise(), unknown), "uint8[?,?,4,6] int32[?,6]");
  EXPECT_EQ(ResultOf(GatedConv(), unknown), "uint8[?,?,8,10]");
  const Change lost = [](Case& c) { c.In(0).shape = std::nullopt; };
  EXPECT_EQ(ResultOf(Depthwise(), lost), "uint8[?,?,?,6] int32[?,6]");
}

// Input by input: another type, and one dimension too many.
void ExpectChecked(const Case& good, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const std::string name = "input " + std::to_string(i);
    const std::string type(DataTypeName(good.inputs[i].type));
    EXPECT_EQ(ResultOf(good, [i](Case& c) { c.In(i).type = DataType::kInt64; }),
              name + " = int64: must be " + type);
    Shape longer = *good.inputs[i].shape;
    longer.push_back(1);
    EXPECT_EQ(ResultOf(good, [&](Case& c) { c.In(i).shape = longer; }),
              "shape of " + name + " = " + ShapeToString(longer) +
                  ": must have " + std::to_string(longer.size() - 1) +
                  " dimensions");
  }
}

TEST(QuantizedShapesTest, EveryInputHasItsTypeAndRank) {
  for (const Case& good :
       {Conv(), ConvToFloat(), GatedConv(), Depthwise(), Gate(), Sum()}) {
    SCOPED_TRACE(OpName(good.op));
    ExpectChecked(good, 0, good.inputs.size());
  }
}

TEST(QuantizedShapesTest, AnAddendHasTheShapeOfTheResult) {
  for (Case good : {Conv(), GatedConv()}) {
    const Shape shape = good.Infer()->outputs[0].shape.value();
    good.inputs.push_back(DescOf(kU8, shape));
    EXPECT_EQ(good.Result(), "uint8" + ShapeToString(shape));
    ExpectChecked(good, good.inputs.size() - 1, good.inputs.size());
    Shape wrong = shape;
    wrong[3] = 11;
    EXPECT_EQ(ResultOf(good, [&](Case& c) { c.inputs.back().shape = wrong; }),
              "shapes " + ShapeToString(shape) + " and " +
                  ShapeToString(wrong) + " do not fit together");
  }
}

TEST(QuantizedShapesTest, KernelsHaveSidesAndFitTheImage) {
  const auto kernel = [](size_t i, int64_t side) {
    return [=](Case& c) { c.As<QuantizedConvAttributes>().kernel[i] = side; };
  };
  EXPECT_EQ(ResultOf(Conv(), kernel(0, 0)),
            "kernel = 0: must be in [1, 65536]");
  EXPECT_EQ(ResultOf(Conv(), kernel(3, 65537)),
            "kernel = 65537: must be in [1, 65536]");
  EXPECT_EQ(ResultOf(ConvToFloat(), kernel(2, 7)),
            "channels of input 0 = 6: must be in [7, 7]");
  EXPECT_EQ(ResultOf(Depthwise(), kernel(3, 2)),
            "channel multiplier = 2: must be in [1, 1]");
  const auto strides = [](Case& c) {
    c.As<QuantizedConvAttributes>().conv.strides = {0, 1};
  };
  EXPECT_EQ(ResultOf(Conv(), strides).substr(0, 6), "stride");
}

TEST(QuantizedShapesTest, NumbersOfAConvolutionAreInRange) {
  const auto with = [](const std::function<void(QuantizedConvAttributes&)>& f) {
    return ResultOf(Conv(),
                    [&](Case& c) { f(c.As<QuantizedConvAttributes>()); });
  };
  EXPECT_EQ(with([](auto& c) { c.src.scale = kNan; }),
            "scale = nan: must be finite and above 0");
  EXPECT_EQ(with([](auto& c) { c.requantize.dst.zero_point = 300; }),
            "zero point = 300: must be in [0, 255]");
  EXPECT_EQ(with([](auto& c) {
              c.pad = {0, 0, 0, 0, 0};
            }),
            "number of pad codes = 5: must be in [6, 6]");
  EXPECT_EQ(with([](auto& c) { c.pad = {0, 0, 256, 0, 0, 0}; }),
            "pad code = 256: must be in [0, 255]");
  EXPECT_EQ(with([](auto& c) { c.pad = {0, 255, 3, 0, 0, 0}; }),
            "uint8[2,5,4,10]");
  EXPECT_EQ(with([](auto& c) { c.addend_multiplier = 32768; }),
            "addend multiplier = 32768: must be in [-32768, 32767]");
  EXPECT_EQ(with([](auto& c) { c.requantize.left_shift = 16; }),
            "left shift = 16: must be in [0, 15]");
  EXPECT_EQ(with([](auto& c) { c.requantize.fraction_bits = 6; }),
            "fraction bits = 6: must be in [0, 5]");
  EXPECT_EQ(with([](auto& c) { c.requantize.segment_shift = -1; }),
            "segment shift = -1: must be in [0, 15]");
}

TEST(QuantizedShapesTest, TablesHave32SegmentsThatEndFlat) {
  const auto with = [](std::vector<int64_t> intercepts,
                       std::vector<int64_t> slopes) {
    return ResultOf(Sum(), [&](Case& c) {
      auto& requantize = c.As<QuantizedSumAttributes>().requantize;
      requantize.intercepts = intercepts;
      requantize.slopes = slopes;
    });
  };
  const std::vector<int64_t> zeros(32, 0);
  EXPECT_EQ(with(zeros, zeros), "uint8[2,8,6,5]");
  EXPECT_EQ(with({}, zeros),
            "table = 0 and 32 numbers: must be 0 or 32 of each");
  EXPECT_EQ(with({1}, {1}), "table = 1 and 1 numbers: must be 0 or 32 of each");
  std::vector<int64_t> bad = zeros;
  bad[7] = 16384;
  EXPECT_EQ(with(bad, zeros), "intercept = 16384: must be in [-16384, 16383]");
  EXPECT_EQ(with(zeros, bad), "uint8[2,8,6,5]");
  bad[7] = -32769;
  EXPECT_EQ(with(zeros, bad), "slope = -32769: must be in [-32768, 32767]");
  bad = zeros;
  bad[31] = 1;
  EXPECT_EQ(with(zeros, bad), "last slope = 1: must be in [0, 0]");
}

TEST(QuantizedShapesTest, AConvolutionToFloatNeedsNoRequantization) {
  EXPECT_EQ(ResultOf(ConvToFloat(),
                     [](Case& c) {
                       c.As<QuantizedConvAttributes>().requantize.left_shift =
                           99;
                     }),
            "float32[2,5,4,10]");
}

TEST(QuantizedShapesTest, AGateHasANumberForEachChannel) {
  EXPECT_EQ(Gate().Result(), "float32[2,6]");
  const auto with = [](size_t i, Shape shape) {
    return ResultOf(Gate(), [&](Case& c) { c.In(i).shape = shape; });
  };
  EXPECT_EQ(with(0, {kU, kU}), "float32[?,?]");
  EXPECT_EQ(with(1, {3, 9, 8, 6}), "side 0 of input 1 = 3: must be in [2, 2]");
  EXPECT_EQ(with(1, {2, 9, 8, 7}), "side 3 of input 1 = 7: must be in [6, 6]");
  EXPECT_EQ(with(2, {5, 3}), "side 0 of input 2 = 5: must be in [6, 6]");
  EXPECT_EQ(with(3, {2}), "side 0 of input 3 = 2: must be in [3, 3]");
  EXPECT_EQ(with(4, {4, 6}), "side 0 of input 4 = 4: must be in [3, 3]");
  EXPECT_EQ(with(4, {3, 5}), "side 1 of input 4 = 5: must be in [6, 6]");
  EXPECT_EQ(with(5, {7}), "side 0 of input 5 = 7: must be in [6, 6]");
  EXPECT_EQ(
      ResultOf(Gate(),
               [](Case& c) { c.As<QuantizedGateAttributes>().src.scale = 0; }),
      "scale = 0: must be finite and above 0");
}

TEST(QuantizedShapesTest, AGatedConvolutionReadsItsOwnGate) {
  const auto with = [](Shape shape) {
    return ResultOf(GatedConv(), [&](Case& c) { c.In(3).shape = shape; });
  };
  EXPECT_EQ(with({1, 6}), "side 0 of input 3 = 1: must be in [2, 2]");
  EXPECT_EQ(with({2, 5}), "side 1 of input 3 = 5: must be in [6, 6]");
  EXPECT_EQ(ResultOf(GatedConv(),
                     [](Case& c) {
                       c.As<QuantizedConvAttributes>().addend_offset_codes =
                           kNan;
                     }),
            "addend offset = nan: must be finite");
}

TEST(QuantizedShapesTest, ASumHasTheShapeOfItsResizedSources) {
  EXPECT_EQ(Sum().Result(), "uint8[2,8,6,5]");
  const auto with = [](const std::function<void(QuantizedSumAttributes&)>& f) {
    return ResultOf(Sum(), [&](Case& c) { f(c.As<QuantizedSumAttributes>()); });
  };
  EXPECT_EQ(with([](auto& s) { s.sources.pop_back(); }),
            "number of resizes = 2: must be in [3, 3]");
  EXPECT_EQ(with([](auto& s) { s.sources[1].upsample.factor_y = 0; }),
            "factor = 0: must be in [1, 1024]");
  EXPECT_EQ(with([](auto& s) { s.sources[0].upsample.factor_x = 1025; }),
            "factor = 1025: must be in [1, 1024]");
  EXPECT_EQ(with([](auto& s) { s.sources[1].upsample.factor_y = 3; }),
            "shapes [2,8,6,5] and [2,12,6,5] do not fit together");
  EXPECT_EQ(with([](auto& s) { s.sources[2].pool = std::nullopt; }),
            "shapes [2,8,6,5] and [2,15,12,5] do not fit together");
  EXPECT_EQ(with([](auto& s) { s.requantize.fraction_bits = -1; }),
            "fraction bits = -1: must be in [0, 5]");
}

TEST(QuantizedShapesTest, OtherOperatorsAreNotItsBusiness) {
  EXPECT_EQ((Case{.op = Op::kRelu, .inputs = {DescOf(kF32, Shape{1})}})
                .Infer()
                .status()
                .code(),
            StatusCode::kInternal);
}

}  // namespace
}  // namespace cyto8
