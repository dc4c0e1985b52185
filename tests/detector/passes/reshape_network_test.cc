// SPDX-License-Identifier: Apache-2.0
// Tests of detector/passes/reshape_network.h: whole networks equal those that
// were made for the size, number by number; small graphs show each rule and
// each refusal.
#include "detector/passes/reshape_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "detector/graph/shape_inference.h"
#include "detector/import/graph_def_import.h"
#include "detector/passes/passes.h"
#include "tests/detector/passes/small_graph.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;
};

// A mini EfficientDet as the program prepares it.
Graph Prepared(EfficientDetGraphOptions options, ImageSize size) {
  options.image_height = size.height;
  options.image_width = size.width;
  const auto bytes = EfficientDetGraphDef(options).ToBytes();
  TransformContext context;
  context.evaluator = NaiveEvaluator();
  auto graph = ApplyTransforms(ImportGraphDef(bytes).value().graph,
                               kInferenceTransforms, context);
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  return graph.ok() ? *std::move(graph) : Graph();
}

StatusOr<Graph> Reshaped(const Graph& graph, ImageSize size) {
  auto reshaped = ReshapeNetwork(graph, size.height, size.width);
  if (!reshaped.ok()) return reshaped;
  const Status valid = ValidateGraph(*reshaped);
  EXPECT_TRUE(valid.ok()) << valid.message();
  return ApplyTransforms(*std::move(reshaped), "recognize_upsampling",
                         TransformContext());
}

// All that a node computes, with the bytes of its constants.
void ExpectSameNode(const Graph& a, const Node& x, const Graph& b,
                    const Node& y) {
  EXPECT_EQ(x.op, y.op) << x.name;
  EXPECT_EQ(x.outputs[0].shape, y.outputs[0].shape) << x.name;
  if (x.op == Op::kUpsampleNearest) {
    EXPECT_EQ(x.As<UpsampleAttributes>().factor_y,
              y.As<UpsampleAttributes>().factor_y);
    EXPECT_EQ(x.As<UpsampleAttributes>().factor_x,
              y.As<UpsampleAttributes>().factor_x);
  }
  ASSERT_EQ(x.inputs.size(), y.inputs.size()) << x.name;
  for (size_t i = 0; i < x.inputs.size(); ++i) {
    const Tensor* constant = ConstantOf(a, x.inputs[i]);
    if (constant == nullptr) {
      EXPECT_EQ(ValueName(a, x.inputs[i]), ValueName(b, y.inputs[i]));
      continue;
    }
    const Tensor* other = ConstantOf(b, y.inputs[i]);
    ASSERT_NE(other, nullptr) << x.name;
    EXPECT_EQ(constant->shape(), other->shape()) << x.name;
    EXPECT_TRUE(std::ranges::equal(constant->bytes(), other->bytes()))
        << x.name;
  }
}

// Node by node, whatever their order.
void ExpectSameNetwork(const Graph& a, const Graph& b) {
  int64_t surplus = 0;
  for (const Node& node : b.nodes) surplus += node.op == Op::kConst ? 0 : 1;
  for (const Node& node : a.nodes) {
    if (node.op == Op::kConst) continue;
    --surplus;
    const auto other = FindNode(b, node.name);
    ASSERT_TRUE(other.has_value()) << node.name;
    ExpectSameNode(a, node, b, b.nodes[static_cast<size_t>(*other)]);
  }
  EXPECT_EQ(surplus, 0);
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    EXPECT_EQ(a.outputs[i].name, b.outputs[i].name);
    EXPECT_EQ(ValueName(a, a.outputs[i].value),
              ValueName(b, b.outputs[i].value));
  }
}

EfficientDetGraphOptions Mini(ActivationSpelling activation,
                              FusionSpelling fusion, bool add_n) {
  EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
  options.activation = activation;
  options.fusion = fusion;
  options.add_n = add_n;
  return options;
}

// Sizes of the old network that halve evenly, and such that do not: levels of
// 320 x 96 are 5 and 3 px, 3 and 2, and 1.
constexpr ImageSize kOldSizes[] = {
    {128, 128}, {256, 384}, {320, 96}, {96, 192}};
constexpr ImageSize kNewSizes[] = {{128, 128}, {128, 384}, {256, 128}};

TEST(ReshapeNetworkTest, WholeNetworksEqualThoseMadeForTheSize) {
  const EfficientDetGraphOptions kKinds[] = {
      Mini(ActivationSpelling::kSwishIdentityN, FusionSpelling::kFastAttention,
           false),
      Mini(ActivationSpelling::kHardSwish, FusionSpelling::kSum, true)};
  for (const EfficientDetGraphOptions& options : kKinds) {
    for (const ImageSize& old_size : kOldSizes) {
      const Graph old_network = Prepared(options, old_size);
      for (const ImageSize& size : kNewSizes) {
        SCOPED_TRACE(testing::Message()
                     << old_size.width << " x " << old_size.height << " to "
                     << size.width << " x " << size.height);
        const auto reshaped = Reshaped(old_network, size);
        ASSERT_TRUE(reshaped.ok()) << reshaped.status().message();
        ExpectSameNetwork(*reshaped, Prepared(options, size));
      }
    }
  }
}

TEST(ReshapeNetworkTest, TheOldSizeChangesNothing) {
  for (const ImageSize& size : kOldSizes) {
    const Graph network = Prepared(MiniEfficientDetGraphOptions(), size);
    const auto reshaped = ReshapeNetwork(network, size.height, size.width);
    ASSERT_TRUE(reshaped.ok()) << reshaped.status().message();
    ASSERT_EQ(reshaped->nodes.size(), network.nodes.size());
    ExpectSameNetwork(*reshaped, network);
    EXPECT_EQ(ConstantNames(*reshaped), ConstantNames(network));
  }
}

TEST(ReshapeNetworkTest, ThereAndBackIsTheOldNetwork) {
  const EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
  const Graph network = Prepared(options, {128, 256});
  const Graph there = Reshaped(network, {384, 128}).value();
  ExpectSameNetwork(Reshaped(there, {128, 256}).value(), network);
}

// The tensors themselves: packed weights are found by them.
TEST(ReshapeNetworkTest, WeightsAreShared) {
  const Graph network = Prepared(MiniEfficientDetGraphOptions(), {128, 128});
  const Graph reshaped = Reshaped(network, {256, 128}).value();
  int64_t shared = 0;
  for (const Node& node : reshaped.nodes) {
    if (node.op != Op::kConst) continue;
    const auto old = FindNode(network, node.name);
    ASSERT_TRUE(old.has_value()) << node.name;
    EXPECT_EQ(
        network.nodes[static_cast<size_t>(*old)].As<ConstAttributes>().value,
        node.As<ConstAttributes>().value);
    ++shared;
  }
  EXPECT_GT(shared, 100);
}

TEST(ReshapeNetworkTest, RunsAtTheNewSize) {
  const EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
  const Graph reshaped =
      Reshaped(Prepared(options, {96, 192}), {128, 128}).value();
  EXPECT_EQ(LargestDifference(reshaped, Prepared(options, {128, 128})), 0);
}

// 64 px have no sixth halving: the exporter left a pool out, so the top levels
// come out too large. Nothing in the graph tells; the detector sees it.
TEST(ReshapeNetworkTest, APoolThatTheExporterLeftOutStaysOut) {
  const Graph reshaped =
      Reshaped(Prepared(MiniEfficientDetGraphOptions(), {64, 64}), {128, 128})
          .value();
  EXPECT_EQ(*reshaped.desc(reshaped.outputs.back().value).shape,
            (Shape{1, 2, 2, 36}));
}

// ---- One rule at a time: x [1,6,5,2], usually to 8 x 10. ----

class RuleTest : public testing::Test {
 protected:
  ValueRef Add(Op op, std::vector<ValueRef> inputs,
               Attributes attributes = {}) {
    return builder_.Add(op, "y", std::move(inputs), std::move(attributes));
  }
  ValueRef Ints(const std::vector<int32_t>& values) {
    return builder_.Ints("k" + std::to_string(++constants_), values);
  }
  // The map of half the size, 3 x 3, to become 4 x 5.
  ValueRef Half() {
    return builder_.Add(Op::kMaxPool, "half", {x_}, HalvingPool());
  }
  static PoolAttributes HalvingPool() {
    return {.kernel = {3, 3},
            .strides = {2, 2},
            .padding = {.kind = PaddingKind::kSame}};
  }

  // The shape of y at the new size.
  Shape ShapeOf(ValueRef y, ImageSize size = {8, 10}) {
    const auto graph =
        ReshapeNetwork(builder_.Finish({y}), size.height, size.width);
    if (!graph.ok()) {
      ADD_FAILURE() << graph.status().message();
      return {};
    }
    EXPECT_TRUE(RunOnNoise(*graph).ok());
    return *graph->desc(graph->outputs[0].value).shape;
  }
  std::string RefusalOf(ValueRef y, ImageSize size = {8, 10}) {
    const Status status =
        ReshapeNetwork(builder_.Finish({y}), size.height, size.width).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  }

  GraphBuilder builder_;
  const ValueRef x_ = builder_.Input("x", {1, 6, 5, 2});
  int constants_ = 0;
};

std::string Refusal(const std::string& op, const std::string& why) {
  return "node \"y\" (" + op + "): cannot be carried over to 10 x 8 px: " + why;
}

TEST_F(RuleTest, ResizeToAMapElseToAMultiple) {
  const ValueRef half = Half();
  const Attributes attributes = ResizeAttributes{};
  EXPECT_EQ(ShapeOf(Add(Op::kResizeNearest, {half, Ints({6, 5})}, attributes)),
            (Shape{1, 8, 10, 2}));
}

TEST_F(RuleTest, ResizeToNoKnownSide) {
  EXPECT_EQ(
      RefusalOf(
          Add(Op::kResizeBilinear, {Half(), Ints({7, 5})}, ResizeAttributes{})),
      Refusal("ResizeBilinear", "height 7 px: no map before it has this side"));
}

TEST_F(RuleTest, ResizeOfOneCellToTheMap) {
  const ValueRef mean =
      builder_.Add(Op::kMean, "mean", {x_, builder_.Ints("axes", {1, 2})},
                   ReduceAttributes{.keep_dims = true});
  EXPECT_EQ(ShapeOf(Add(Op::kResizeBilinear, {mean, Ints({6, 5})},
                        ResizeAttributes{})),
            (Shape{1, 8, 10, 2}));
}

TEST_F(RuleTest, ReshapeFollowsThePixels) {
  EXPECT_EQ(ShapeOf(Add(Op::kReshape, {x_, Ints({1, 30, 2})})),
            (Shape{1, 80, 2}));
}

TEST_F(RuleTest, ReshapeWithAnOpenSide) {
  EXPECT_EQ(ShapeOf(Add(Op::kReshape, {x_, Ints({1, -1, 1})})),
            (Shape{1, 160, 1}));
}

TEST_F(RuleTest, FlatPixelsBecomeAMapAgain) {
  const ValueRef flat = builder_.Add(Op::kReshape, "flat", {x_, Ints({30, 2})});
  EXPECT_EQ(ShapeOf(Add(Op::kReshape, {flat, Ints({1, 6, 5, 2})})),
            (Shape{1, 8, 10, 2}));
}

TEST_F(RuleTest, ReshapeThatCutsASide) {
  EXPECT_EQ(RefusalOf(Add(Op::kReshape, {x_, Ints({1, 3, 2, 10})})),
            Refusal("Reshape", "height 3 px: no map before it has this side"));
}

TEST_F(RuleTest, ReshapeThatMixesSides) {
  EXPECT_EQ(RefusalOf(Add(Op::kReshape, {x_, Ints({3, 20})})),
            Refusal("Reshape",
                    "from [1,6,5,2] to [3,20]: where its sides go cannot be "
                    "told"));
}

TEST_F(RuleTest, AMatMulOnAFlatMapIsRefusedByItsShapes) {
  const ValueRef flat = builder_.Add(Op::kReshape, "flat", {x_, Ints({1, 60})});
  EXPECT_EQ(RefusalOf(Add(Op::kMatMul, {flat, builder_.Noise("w", {60, 3})},
                          MatMulAttributes{})),
            "node \"y\" (MatMul): inner dimension of input 1 = 60: must be in "
            "[160, 160]");
}

TEST_F(RuleTest, FillAndBroadcastOfAMapsSize) {
  EXPECT_EQ(
      ShapeOf(Add(Op::kAdd, {x_, builder_.Add(Op::kFill, "fill",
                                              {Ints({1, 6, 5, 2}),
                                               builder_.Scalar("one", 1)})})),
      (Shape{1, 8, 10, 2}));
}

TEST_F(RuleTest, BroadcastToAMapsSize) {
  const ValueRef one = builder_.Noise("one", {1, 1, 1, 2});
  const ValueRef wide =
      builder_.Add(Op::kBroadcastTo, "wide", {one, Ints({1, 6, 5, 2})});
  EXPECT_EQ(ShapeOf(Add(Op::kAdd, {x_, wide})), (Shape{1, 8, 10, 2}));
}

TEST_F(RuleTest, TileOfOneCellAndOfAMap) {
  const ValueRef one = builder_.Noise("one", {1, 1, 1, 2});
  const ValueRef wide =
      builder_.Add(Op::kTile, "wide", {one, Ints({1, 6, 5, 1})});
  EXPECT_EQ(ShapeOf(Add(Op::kAdd, {x_, wide})), (Shape{1, 8, 10, 2}));
  EXPECT_EQ(ShapeOf(builder_.Add(Op::kTile, "z", {x_, Ints({1, 2, 3, 1})})),
            (Shape{1, 16, 30, 2}));
}

TEST_F(RuleTest, SliceToTheEndAndToAMap) {
  const ValueRef half = Half();
  const ValueRef twice =
      builder_.Add(Op::kUpsampleNearest, "twice", {half},
                   UpsampleAttributes{.factor_y = 2, .factor_x = 2});
  // 3 x 3 doubled is 6 x 6; the fifth column is where x ends.
  EXPECT_EQ(ShapeOf(Add(Op::kSlice,
                        {twice, Ints({0, 0, 0, 0}), Ints({-1, 6, 5, 2})})),
            (Shape{1, 8, 10, 2}));
}

// [N,C,H,W]: five of ten channels are no width of a map.
TEST_F(RuleTest, SliceOfChannelsThatStandElsewhere) {
  const ValueRef conv = builder_.Conv1x1("conv", x_, 2, 10);
  const ValueRef turned = builder_.Add(
      Op::kTranspose, "turned", {conv, builder_.Ints("order", {0, 1, 3, 2})});
  EXPECT_EQ(ShapeOf(Add(Op::kSlice,
                        {turned, Ints({0, 0, 0, 0}), Ints({1, -1, 5, -1})})),
            (Shape{1, 8, 5, 10}));
}

TEST_F(RuleTest, SliceWithoutItsFirstRow) {
  EXPECT_EQ(
      ShapeOf(Add(Op::kSlice, {x_, Ints({0, 1, 0, 0}), Ints({1, 5, -1, 2})})),
      (Shape{1, 7, 10, 2}));
}

TEST_F(RuleTest, SliceOfTheMiddle) {
  EXPECT_EQ(
      RefusalOf(Add(Op::kSlice, {x_, Ints({0, 1, 0, 0}), Ints({1, 4, 5, 2})})),
      Refusal("Slice",
              "end 5 of 6 px on axis 1: no map before it has this side"));
}

ValueRef StridedSlice(GraphBuilder& builder, ValueRef x,
                      const std::vector<int32_t>& begin,
                      const std::vector<int32_t>& end,
                      const std::vector<int32_t>& strides,
                      const StridedSliceAttributes& masks) {
  return builder.Add(Op::kStridedSlice, "y",
                     {x, builder.Ints("begin", begin), builder.Ints("end", end),
                      builder.Ints("strides", strides)},
                     masks);
}

TEST_F(RuleTest, StridedSliceOfEverySecondPixel) {
  EXPECT_EQ(ShapeOf(StridedSlice(builder_, x_, {0, 0, 1, 0}, {1, 6, 5, 2},
                                 {1, 2, 2, 1}, {.begin_mask = 1})),
            (Shape{1, 4, 5, 2}));
}

TEST_F(RuleTest, StridedSliceCutsToAMap) {
  const ValueRef twice =
      builder_.Add(Op::kUpsampleNearest, "twice", {Half()},
                   UpsampleAttributes{.factor_y = 2, .factor_x = 2});
  EXPECT_EQ(ShapeOf(StridedSlice(builder_, twice, {0, 0, 0}, {0, 6, 5},
                                 {1, 1, 1}, {.end_mask = 1})),
            (Shape{1, 8, 10, 2}));
}

TEST_F(RuleTest, StridedSliceWithEllipsisAndNewAxes) {
  EXPECT_EQ(ShapeOf(StridedSlice(builder_, x_, {0, 0, 0, 0, 1}, {0, 6, 0, 0, 2},
                                 {1, 1, 1, 1, 1},
                                 {.begin_mask = 1,
                                  .end_mask = 1,
                                  .ellipsis_mask = 4,
                                  .new_axis_mask = 8,
                                  .shrink_axis_mask = 16})),
            (Shape{1, 8, 10, 1}));
}

TEST_F(RuleTest, StridedSliceOfOnePlace) {
  EXPECT_EQ(ShapeOf(StridedSlice(builder_, x_, {0, -1}, {1, 0}, {1, 1},
                                 {.shrink_axis_mask = 3})),
            (Shape{10, 2}));
}

TEST_F(RuleTest, StridedSliceOfAFixedPlace) {
  EXPECT_EQ(RefusalOf(StridedSlice(builder_, x_, {0, 3}, {1, 4}, {1, 1},
                                   {.shrink_axis_mask = 3})),
            Refusal("StridedSlice", "takes place 3 of an axis that changes"));
}

TEST_F(RuleTest, StridedSliceBackwards) {
  EXPECT_EQ(ShapeOf(StridedSlice(builder_, x_, {0, 0}, {0, 0}, {1, -1},
                                 {.begin_mask = 3, .end_mask = 3})),
            (Shape{1, 8, 10, 2}));
}

TEST_F(RuleTest, StridedSliceBackwardsToAFixedPlace) {
  EXPECT_EQ(RefusalOf(StridedSlice(builder_, x_, {0, 5}, {1, 0}, {1, -1}, {})),
            Refusal("StridedSlice", "takes part of an axis that changes"));
}

// y = a 3 x 3 window with stride 2, VALID, behind `pads` on height and width.
ValueRef PaddedWindow(GraphBuilder& builder, ValueRef x,
                      const std::vector<int32_t>& pads) {
  const ValueRef paddings = builder.Add(
      Op::kReshape, "paddings",
      {builder.Ints("flat", {0, 0, pads[0], pads[1], pads[2], pads[3], 0, 0}),
       builder.Ints("four", {4, 2})});
  const ValueRef padded = builder.Add(Op::kPad, "y", {x, paddings});
  return builder.Add(
      Op::kMaxPool, "z", {padded},
      PoolAttributes{.kernel = {3, 3}, .strides = {2, 2}, .padding = {}});
}

// Constants folded, as the pass wants them.
Graph Folded(const Graph& graph) {
  TransformContext context;
  context.evaluator = NaiveEvaluator();
  return ApplyTransforms(graph, kPlainTransforms, context).value();
}

TEST_F(RuleTest, PaddingThatIsGoodForBothSizesStays) {
  const Graph graph =
      Folded(builder_.Finish({PaddedWindow(builder_, x_, {0, 1, 2, 0})}));
  const Graph after = ReshapeNetwork(graph, 8, 10).value();
  EXPECT_EQ(*after.desc(after.outputs[0].value).shape, (Shape{1, 4, 5, 2}));
}

TEST_F(RuleTest, PaddingThatIsSameAtTheOldSizeOnly) {
  const Graph graph =
      Folded(builder_.Finish({PaddedWindow(builder_, x_, {0, 1, 1, 1})}));
  EXPECT_EQ(ReshapeNetwork(graph, 8, 10).status().message(),
            Refusal("Pad",
                    "paddings [1,1] on axis 2: fixed, or SAME at 5 px, which "
                    "is [0,1] at 10 px?"));
  EXPECT_TRUE(ReshapeNetwork(graph, 8, 5).ok());
  EXPECT_TRUE(ReshapeNetwork(graph, 8, 15).ok());
}

TEST_F(RuleTest, ExplicitPaddingOfAConvolution) {
  const ValueRef kernel = builder_.Noise("kernel", {3, 3, 2, 4});
  const Padding padding = {.kind = PaddingKind::kExplicit,
                           .top = 0,
                           .bottom = 1,
                           .left = 1,
                           .right = 1};
  const ValueRef y = Add(Op::kConv2D, {x_, kernel},
                         ConvAttributes{.strides = {2, 2}, .padding = padding});
  EXPECT_EQ(RefusalOf(y),
            Refusal("Conv2D",
                    "paddings [1,1] on axis 2: fixed, or SAME at 5 px, which "
                    "is [0,1] at 10 px?"));
  EXPECT_EQ(ShapeOf(y, {8, 7}), (Shape{1, 4, 4, 4}));
  // With stride 1 padding does not depend on the size.
  EXPECT_EQ(ShapeOf(builder_.Add(Op::kConv2D, "z", {x_, kernel},
                                 ConvAttributes{.padding = padding})),
            (Shape{1, 7, 10, 4}));
}

TEST_F(RuleTest, APoolOverTheWholeMapStaysOne) {
  PoolAttributes pool = {.kernel = {6, 5}, .strides = {1, 1}, .padding = {}};
  EXPECT_EQ(ShapeOf(Add(Op::kAvgPool, {x_}, pool)), (Shape{1, 1, 1, 2}));
}

TEST_F(RuleTest, AWindowThatHappensToCoverTheMap) {
  PoolAttributes pool = {.kernel = {6, 5}, .strides = {6, 5}, .padding = {}};
  const ValueRef y = Add(Op::kAvgPool, {x_}, pool);
  EXPECT_EQ(RefusalOf(y),
            Refusal("AvgPool",
                    "its window covers the map of 5 px x 6 px: whether that "
                    "is meant cannot be told"));
  EXPECT_EQ(ShapeOf(y, {6, 5}), (Shape{1, 1, 1, 2}));
}

TEST_F(RuleTest, ConstantsThatAreTheSameEverywhereFollow) {
  std::vector<float> values;
  for (int i = 0; i < 30; ++i) values.insert(values.end(), {2, 3});
  const ValueRef constant = builder_.Floats("c", {1, 6, 5, 2}, values);
  const Graph graph = builder_.Finish({Add(Op::kAdd, {constant, x_})});
  const Graph after = ReshapeNetwork(graph, 8, 10).value();
  std::vector<float> wide;
  for (int i = 0; i < 80; ++i) wide.insert(wide.end(), {2, 3});
  EXPECT_EQ(FloatsOf(after, "c_3"), wide);
  EXPECT_EQ(FloatsOf(after, "c"), std::vector<float>());
}

TEST_F(RuleTest, ConstantsThatVaryOverTheMap) {
  const ValueRef y = Add(Op::kMul, {x_, builder_.Noise("c", {1, 6, 1, 1})});
  EXPECT_EQ(RefusalOf(y),
            Refusal("Mul", "the constant \"c\" varies over the map"));
  EXPECT_EQ(ShapeOf(y, {6, 9}), (Shape{1, 6, 9, 2}));
}

TEST_F(RuleTest, SumsOverTheMap) {
  const ValueRef y = Add(Op::kSum, {x_, Ints({-3, 3})}, ReduceAttributes{});
  EXPECT_EQ(RefusalOf(y), Refusal("Sum",
                                  "axis 1 changes, and a factor may count its "
                                  "pixels"));
  EXPECT_EQ(ShapeOf(y, {6, 7}), (Shape{1, 7}));
}

TEST_F(RuleTest, PicksAtFixedPlaces) {
  const ValueRef y =
      Add(Op::kGather, {x_, Ints({0, 0, 1, 1}), builder_.Ints("axis", {2})},
          GatherAttributes{});
  EXPECT_EQ(RefusalOf(y), Refusal("Gather",
                                  "axis 2 changes, and its indices are fixed "
                                  "places"));
}

TEST_F(RuleTest, SqueezeOfAllSidesOfOnePixel) {
  const ValueRef pooled =
      builder_.Add(Op::kMaxPool, "pool", {x_},
                   PoolAttributes{.kernel = {1, 5},
                                  .strides = {1, 5},
                                  .padding = {.kind = PaddingKind::kSame}});
  EXPECT_EQ(
      RefusalOf(builder_.Add(Op::kSqueeze, "y", {pooled}, AxesAttributes{})),
      Refusal("Squeeze", "axis 2 has 1 px at one of the sizes"));
}

TEST_F(RuleTest, AMapWithoutPixels) {
  const ValueRef kernel = builder_.Noise("kernel", {3, 3, 2, 2});
  EXPECT_EQ(RefusalOf(Add(Op::kConv2D, {x_, kernel}, ConvAttributes{}), {2, 9}),
            "node \"y\": no pixels are left: [1,0,7,2]");
}

TEST_F(RuleTest, SizesAreInRange) {
  const ValueRef y = Add(Op::kRelu, {x_});
  EXPECT_EQ(RefusalOf(y, {0, 5}), "height = 0: must be in [1, 1000000]");
  EXPECT_EQ(RefusalOf(y, {5, 1'000'001}),
            "width = 1000001: must be in [1, 1000000]");
  EXPECT_EQ(RefusalOf(y, {200'000, 200'000}),
            "node \"x\" (Input): output bytes = 320000000000: must be in [0, "
            "2147483648]");
}

TEST_F(RuleTest, SizesThatAreComputedAreRefused) {
  const ValueRef size =
      builder_.Add(Op::kStridedSlice, "size",
                   {builder_.Add(Op::kShape, "shape", {x_},
                                 CastAttributes{DataType::kInt32}),
                    Ints({1}), Ints({3}), Ints({1})},
                   StridedSliceAttributes{});
  EXPECT_EQ(
      RefusalOf(Add(Op::kResizeNearest, {Half(), size}, ResizeAttributes{})),
      Refusal("ResizeNearest", "input 1 is computed; fold constants first"));
}

TEST_F(RuleTest, OneInputOnly) {
  const ValueRef other = builder_.Input("other", {1});
  EXPECT_EQ(RefusalOf(Add(Op::kAdd, {x_, other})),
            "inputs of the network = 2: must be in [1, 1]");
  GraphBuilder builder;
  const Graph graph = builder.Finish({builder.Add(
      Op::kRelu, "y", {builder.Input("x", {1, kUnknownDim, 4, 2})})});
  EXPECT_EQ(ReshapeNetwork(graph, 4, 4).status().message(),
            "input \"x\": must have a static shape [N,H,W,C]");
}

}  // namespace
}  // namespace cyto8
