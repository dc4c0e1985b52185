// SPDX-License-Identifier: Apache-2.0
// ReshapeNetwork on INT8 networks: the result is what quantizing the network of
// that size with the same calibration gives, and runs.
#include <gtest/gtest.h>

#include <map>

#include "detector/passes/reshape_network.h"
#include "tests/quant/quantized_networks.h"

namespace cyto8 {
namespace {

// Name to type, shape and bytes of whatever a node computes or holds.
struct NodeFacts {
  std::string op;
  std::vector<std::string> inputs;
  std::string shape;
  std::vector<std::byte> bytes;
  bool operator==(const NodeFacts&) const = default;
};

std::map<std::string, NodeFacts> FactsOf(const Graph& graph) {
  std::map<std::string, NodeFacts> facts;
  for (const Node& node : graph.nodes) {
    NodeFacts& own = facts[node.name];
    own.op = OpName(node.op);
    for (const ValueRef input : node.inputs) {
      own.inputs.push_back(ValueName(graph, input));
    }
    own.shape = ShapeToString(*node.outputs[0].shape);
    if (node.op != Op::kConst) continue;
    const auto bytes = node.As<ConstAttributes>().value->bytes();
    own.bytes.assign(bytes.begin(), bytes.end());
  }
  return facts;
}

void ExpectSameNetwork(const Graph& a, const Graph& b) {
  const auto expected = FactsOf(b);
  const auto actual = FactsOf(a);
  EXPECT_EQ(actual.size(), expected.size());
  for (const auto& [name, facts] : expected) {
    ASSERT_TRUE(actual.contains(name)) << name;
    EXPECT_TRUE(actual.at(name) == facts) << name;
  }
}

StatusOr<Graph> QuantizedAs(const Graph& real, const Calibration& calibration) {
  CYTO8_ASSIGN_OR_RETURN(QuantizedGraph quantized,
                         QuantizeGraph(real, calibration, {}));
  return std::move(quantized.graph);
}

TEST(QuantizedReshapeTest, GivesTheNetworkOfThatSize) {
  const Calibration calibration = Calibrated(WholeNetwork(32)).value();
  const Graph small = QuantizedAs(WholeNetwork(32), calibration).value();
  for (const int64_t side : {16, 32, 48, 64}) {
    SCOPED_TRACE(side);
    const Graph expected = QuantizedAs(WholeNetwork(side), calibration).value();
    const auto reshaped = ReshapeNetwork(small, side, side);
    ASSERT_TRUE(reshaped.ok()) << reshaped.status().message();
    ExpectSameNetwork(*reshaped, expected);
    EXPECT_EQ(OutputsOf(*reshaped, 5), OutputsOf(expected, 5));
  }
}

TEST(QuantizedReshapeTest, SizesThatThePyramidDoesNotFitAreErrors) {
  const Graph small = Quantized(WholeNetwork(32)).graph;
  const std::string message = ReshapeNetwork(small, 40, 40).status().message();
  EXPECT_EQ(message.substr(0, message.find(':')),
            "node \"all\" (QuantizedWeightedSum)");
}

// Float parts with sizes of their own, between codes.
Graph ResizedNetwork(int64_t side) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, side);
  const ValueRef small = b.Conv("small", stem, {.kernel = 3, .stride = 2});
  const auto half = static_cast<int32_t>(side / 2);
  const ValueRef size =
      b.Add(Op::kConst, "size", {},
            ConstAttributes{std::make_shared<const Tensor>(
                Tensor::FromInts({2}, std::vector<int32_t>{half, half}))});
  const ValueRef large =
      b.Add(Op::kResizeBilinear, "large", {small, size}, ResizeAttributes{});
  return b.Finish({b.Conv("predict", b.Add(Op::kAdd, "sum", {stem, large}),
                          {.kernel = 3})});
}

TEST(QuantizedReshapeTest, SizesOfFloatPartsFollow) {
  const Graph real = ResizedNetwork(16);
  const Graph small = Quantized(real).graph;
  const auto reshaped = ReshapeNetwork(small, 40, 40);
  ASSERT_TRUE(reshaped.ok()) << reshaped.status().message();
  const Graph expected =
      QuantizedAs(ResizedNetwork(40), Calibrated(real).value()).value();
  EXPECT_EQ(OutputsOf(*reshaped, 5), OutputsOf(expected, 5));
}

// A pool inside of a sum, over the whole map.
Graph PooledNetwork(int64_t side) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, side);
  const ValueRef pool = b.Add(Op::kMaxPool, "pool", {stem},
                              PoolAttributes{.kernel = {side / 2, side / 2}});
  const ValueRef other =
      b.Add(Op::kMaxPool, "other", {b.Conv("conv", stem, {})},
            PoolAttributes{.kernel = {side / 2, side / 2}});
  return b.Finish(
      {b.Conv("predict", b.WeightedSum("sum", {pool, other}, {1, 2}), {})});
}

TEST(QuantizedReshapeTest, APoolOverTheWholeMapStaysOne) {
  const Graph small = Quantized(PooledNetwork(16)).graph;
  const auto reshaped = ReshapeNetwork(small, 24, 24);
  ASSERT_TRUE(reshaped.ok()) << reshaped.status().message();
  const auto sum = FindNode(*reshaped, "sum").value();
  EXPECT_EQ(reshaped->desc({sum, 0}).shape, (Shape{1, 1, 1, 16}));
  const auto& sources = reshaped->nodes[static_cast<size_t>(sum)]
                            .As<QuantizedSumAttributes>()
                            .sources;
  EXPECT_EQ(sources[0].pool->kernel, (std::array<int64_t, 2>{12, 12}));
  EXPECT_EQ(sources[1].pool->kernel, (std::array<int64_t, 2>{12, 12}));
}

// Paddings that are SAME of one size only: of a convolution, and of a Pad in
// front of one.
Graph PaddedNetwork(bool separate) {
  NetworkBuilder b;
  const ValueRef stem = AddStem(b, 16);  // 8 x 8.
  ConvAttributes conv = {
      .strides = {2, 2},
      .padding = {.kind = PaddingKind::kExplicit, .bottom = 1, .right = 1}};
  ValueRef x = stem;
  if (separate) {
    conv.padding = {};
    const ValueRef pads =
        b.Add(Op::kConst, "pads", {},
              ConstAttributes{std::make_shared<const Tensor>(Tensor::FromInts(
                  {4, 2}, std::vector<int32_t>{0, 0, 0, 1, 0, 1, 0, 0}))});
    x = b.Add(Op::kPad, "pad", {stem, pads});
  }
  const ValueRef wei =
      b.Floats("wei", {3, 3, 16, 1}, std::vector<float>(3 * 3 * 16, 0.1f));
  const ValueRef deep = b.Add(Op::kDepthwiseConv2D, "deep", {x, wei}, conv);
  return b.Finish({b.Conv("predict", deep, {})});
}

TEST(QuantizedReshapeTest, PaddingThatIsSameAtOneSizeIsRefused) {
  EXPECT_EQ(ReshapeNetwork(Quantized(PaddedNetwork(false)).graph, 18, 18)
                .status()
                .message(),
            "node \"deep\" (QuantizedDepthwiseConv2D): cannot be carried over "
            "to 18 x 18 px: paddings [0,1] on axis 1: fixed, or SAME at 8 px, "
            "which is [1,1] at 9 px?");
  EXPECT_EQ(ReshapeNetwork(Quantized(PaddedNetwork(true)).graph, 18, 18)
                .status()
                .message(),
            "node \"pad\" (Pad): cannot be carried over to 18 x 18 px: "
            "paddings [0,1] on axis 1: fixed, or SAME at 8 px, which is [1,1] "
            "at 9 px?");
}

}  // namespace
}  // namespace cyto8
