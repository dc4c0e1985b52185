// SPDX-License-Identifier: Apache-2.0
// Tests of shape inference: every rule, unknown dimensions, every refusal.
#include "detector/graph/shape_inference.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

constexpr int64_t kU = kUnknownDim;

// A graph of one operator whose inputs are graph inputs (shapes) or constants.
class OneNode {
 public:
  explicit OneNode(Op op, Attributes attributes = {})
      : node_{.name = "n", .op = op, .attributes = std::move(attributes)} {}

  OneNode& In(std::optional<Shape> shape, DataType type = DataType::kFloat32) {
    node_.inputs.push_back(graph_.Add(
        {.name = "in" + std::to_string(node_.inputs.size()),
         .op = Op::kInput,
         .attributes = InputAttributes{{.type = type, .shape = shape}}}));
    return *this;
  }
  OneNode& Ints(const std::vector<int32_t>& values) {
    return Const(
        Tensor::FromInts({static_cast<int64_t>(values.size())}, values));
  }
  OneNode& Int(int32_t value) { return Const(Tensor::FromInts({}, {value})); }
  OneNode& Const(Tensor tensor) {
    node_.inputs.push_back(graph_.AddConst(
        "const" + std::to_string(node_.inputs.size()), std::move(tensor)));
    return *this;
  }
  OneNode& Outputs(size_t count) {
    node_.outputs.resize(count);
    return *this;
  }

  StatusOr<std::vector<TensorDesc>> Infer() {
    graph_.Add(node_);
    CYTO8_ASSIGN_OR_RETURN(const Graph graph, InferShapes(graph_));
    return graph.nodes.back().outputs;
  }
  // The inferred shape as text, "unknown rank", or the error.
  std::string Result() {
    const auto outputs = Infer();
    if (!outputs.ok()) return outputs.status().message();
    const auto& shape = (*outputs)[0].shape;
    return shape ? ShapeToString(*shape) : "unknown rank";
  }

 private:
  Graph graph_;
  Node node_;
};

Tensor Kernel(Shape shape) {
  return Tensor::Create(DataType::kFloat32, std::move(shape)).value();
}

// TensorFlow's rule by counting: SAME covers every input stride.
TEST(ResolveWindowTest, SameCoversEveryStrideForAllSmallCases) {
  for (int64_t in = 1; in <= 12; ++in) {
    for (int64_t kernel = 1; kernel <= 5; ++kernel) {
      for (int64_t stride = 1; stride <= 3; ++stride) {
        for (int64_t dilation = 1; dilation <= 2; ++dilation) {
          const WindowGeometry window =
              ResolveWindow(in, kernel, stride, dilation, PaddingKind::kSame, 0,
                            0)
                  .value();
          int64_t starts = 0;
          for (int64_t x = 0; x < in; x += stride) ++starts;
          EXPECT_EQ(window.out, starts);
          const int64_t reach = (kernel - 1) * dilation + 1;
          const int64_t last = (window.out - 1) * stride + reach;
          EXPECT_GE(in + window.before + window.after, last);
          EXPECT_LE(window.before, window.after);
          EXPECT_LE(window.after - window.before, 1);
          if (window.after > 0) {
            EXPECT_EQ(in + window.before + window.after, last);
          }
        }
      }
    }
  }
}

TEST(ResolveWindowTest, ValidAndExplicitCountWindowsThatFit) {
  for (int64_t in = 0; in <= 12; ++in) {
    for (int64_t kernel = 1; kernel <= 5; ++kernel) {
      for (int64_t stride = 1; stride <= 3; ++stride) {
        for (int64_t pad = 0; pad <= 2; ++pad) {
          const WindowGeometry window =
              ResolveWindow(in, kernel, stride, 1, PaddingKind::kExplicit, pad,
                            1)
                  .value();
          int64_t fitting = 0;
          while (fitting * stride + kernel <= in + pad + 1) ++fitting;
          EXPECT_EQ(window.out, fitting);
        }
      }
    }
  }
  EXPECT_EQ(ResolveWindow(7, 3, 2, 1, PaddingKind::kValid, 9, 9)->out, 3);
}

TEST(ResolveWindowTest, RefusesValuesOutOfRange) {
  EXPECT_EQ(
      ResolveWindow(4, 0, 1, 1, PaddingKind::kSame, 0, 0).status().message(),
      "kernel side = 0: must be in [1, 1048576]");
  EXPECT_EQ(ResolveWindow(4, 1, 1, 1, PaddingKind::kExplicit, -1, 0)
                .status()
                .message(),
            "padding before = -1: must be in [0, 1048576]");
}

TEST(InferShapesTest, ConvolutionGivesHeightWidthAndChannels) {
  const ConvAttributes same{.strides = {2, 2},
                            .padding = {.kind = PaddingKind::kSame}};
  EXPECT_EQ(OneNode(Op::kConv2D, same)
                .In(Shape{1, 9, 8, 3})
                .Const(Kernel({3, 3, 3, 5}))
                .Result(),
            "[1,5,4,5]");
  EXPECT_EQ(OneNode(Op::kConv2D, same)
                .In(Shape{kU, kU, 8, kU})
                .Const(Kernel({3, 3, 3, 5}))
                .Result(),
            "[?,?,4,5]");
  EXPECT_EQ(OneNode(Op::kDepthwiseConv2D, same)
                .In(Shape{2, 9, 8, 6})
                .Const(Kernel({5, 5, 6, 1}))
                .Const(Kernel({6}))
                .Result(),
            "[2,5,4,6]");
}

TEST(InferShapesTest, ConvolutionRefusesContradictions) {
  EXPECT_EQ(OneNode(Op::kConv2D, ConvAttributes{})
                .In(Shape{1, 9, 8, 4})
                .Const(Kernel({3, 3, 3, 5}))
                .Result(),
            "node \"n\" (Conv2D): channels of input 0 = 4: must be in [3, 3]");
  EXPECT_EQ(OneNode(Op::kConv2D, ConvAttributes{})
                .In(Shape{9, 8, 3})
                .Const(Kernel({3, 3, 3, 5}))
                .Result(),
            "node \"n\" (Conv2D): shape of input 0 = [9,8,3]: must have 4 "
            "dimensions");
  EXPECT_EQ(OneNode(Op::kConv2D, ConvAttributes{})
                .In(Shape{1, 9, 8, 3})
                .Const(Kernel({3, 3, 3, 5}))
                .Const(Kernel({4}))
                .Result(),
            "node \"n\" (Conv2D): length of input 2 = 4: must be in [5, 5]");
  EXPECT_EQ(OneNode(Op::kDepthwiseConv2D, ConvAttributes{})
                .In(Shape{1, 9, 8, 3})
                .Const(Kernel({3, 3, 3, 2}))
                .Result(),
            "node \"n\" (DepthwiseConv2D): channel multiplier = 2: must be in "
            "[1, 1]");
}

TEST(InferShapesTest, BroadcastsAsNumPy) {
  const auto add = [](Shape a, Shape b) {
    return OneNode(Op::kAdd).In(a).In(b).Result();
  };
  EXPECT_EQ(add({2, 3}, {3}), "[2,3]");
  EXPECT_EQ(add({2, 1, 4}, {5, 1}), "[2,5,4]");
  EXPECT_EQ(add({}, {2}), "[2]");
  EXPECT_EQ(add({kU, 1}, {3, kU}), "[3,?]");
  EXPECT_EQ(add({kU}, {1}), "[?]");
  EXPECT_EQ(add({2}, {3}),
            "node \"n\" (Add): shapes [2] and [3] do not fit together");
}

TEST(InferShapesTest, ComparisonsGiveBool) {
  const auto outputs =
      OneNode(Op::kGreater).In(Shape{2}).In(Shape{2}).Infer().value();
  EXPECT_EQ(outputs[0].type, DataType::kBool);
}

TEST(InferShapesTest, BinaryOperatorsNeedEqualTypes) {
  EXPECT_EQ(OneNode(Op::kAdd).In(Shape{2}).Ints({1, 2}).Result(),
            "node \"n\" (Add): types of inputs are float32 and int32: must be "
            "equal");
}

TEST(InferShapesTest, ShapeOperatorGivesTheRank) {
  const auto outputs = OneNode(Op::kShape, CastAttributes{DataType::kInt32})
                           .In(Shape{kU, 2, 3})
                           .Infer()
                           .value();
  EXPECT_EQ(outputs[0].type, DataType::kInt32);
  EXPECT_EQ(outputs[0].shape, Shape{3});
}

TEST(InferShapesTest, ReshapeSolvesMinusOne) {
  const auto reshape = [](Shape x, std::vector<int32_t> shape) {
    return OneNode(Op::kReshape).In(x).Ints(shape).Result();
  };
  EXPECT_EQ(reshape({2, 6}, {3, -1}), "[3,4]");
  EXPECT_EQ(reshape({kU, 6}, {-1, 3}), "[?,3]");
  EXPECT_EQ(reshape({2, 6}, {5, -1}),
            "node \"n\" (Reshape): shapes [2,6] and [5,?] do not fit together");
  EXPECT_EQ(reshape({2, 6}, {13}),
            "node \"n\" (Reshape): shapes [2,6] and [13] do not fit together");
  EXPECT_EQ(reshape({2, 6}, {-1, -1}),
            "node \"n\" (Reshape): number of -1 in shape = 2: must be in "
            "[0, 1]");
  EXPECT_EQ(OneNode(Op::kReshape)
                .In(Shape{2})
                .In(Shape{1}, DataType::kInt32)
                .Result(),
            "unknown rank");
}

TEST(InferShapesTest, AxesMayBeNegative) {
  EXPECT_EQ(OneNode(Op::kExpandDims).In(Shape{2, 3}).Int(-1).Result(),
            "[2,3,1]");
  EXPECT_EQ(
      OneNode(Op::kSqueeze, AxesAttributes{{-1}}).In(Shape{1, 2, 1}).Result(),
      "[1,2]");
  EXPECT_EQ(OneNode(Op::kSqueeze, AxesAttributes{}).In(Shape{1, 2, 1}).Result(),
            "[2]");
  EXPECT_EQ(OneNode(Op::kPack, AxisAttributes{-1})
                .In(Shape{2, 3})
                .In(Shape{2, 3})
                .Result(),
            "[2,3,2]");
  EXPECT_EQ(OneNode(Op::kMean, ReduceAttributes{.keep_dims = true})
                .In(Shape{1, 5, 6, 7})
                .Ints({1, -2})
                .Result(),
            "[1,1,1,7]");
  EXPECT_EQ(OneNode(Op::kSum, ReduceAttributes{})
                .In(Shape{1, 5, 6, 7})
                .Int(3)
                .Result(),
            "[1,5,6]");
}

TEST(InferShapesTest, AxesOutOfRangeAreRefused) {
  EXPECT_EQ(OneNode(Op::kSum, ReduceAttributes{}).In(Shape{2}).Int(1).Result(),
            "node \"n\" (Sum): axis = 1: must be in [-1, 0]");
  EXPECT_EQ(OneNode(Op::kSqueeze, AxesAttributes{{0}}).In(Shape{2}).Result(),
            "node \"n\" (Squeeze): dimension 0 of [2]: must be 1 to be "
            "squeezed");
}

TEST(InferShapesTest, ConcatAddsSidesAndMergesTheRest) {
  EXPECT_EQ(
      OneNode(Op::kConcat).In(Shape{2, 3}).In(Shape{2, 4}).Int(-1).Result(),
      "[2,7]");
  EXPECT_EQ(
      OneNode(Op::kConcat).In(Shape{kU, 3}).In(Shape{2, kU}).Int(1).Result(),
      "[2,?]");
  EXPECT_EQ(
      OneNode(Op::kConcat).In(Shape{2, 3}).In(Shape{3, 3}).Int(1).Result(),
      "node \"n\" (Concat): shapes [2,0] and [3,0] do not fit together");
}

TEST(InferShapesTest, SplitsGiveOneShapePerOutput) {
  const auto unpacked = OneNode(Op::kUnpack, UnpackAttributes{1, 3})
                            .In(Shape{2, 3})
                            .Outputs(3)
                            .Infer()
                            .value();
  ASSERT_EQ(unpacked.size(), 3);
  EXPECT_EQ(unpacked[2].shape, Shape{2});
  const auto split = OneNode(Op::kSplit, UnpackAttributes{0, 2})
                         .Int(1)
                         .In(Shape{2, 6})
                         .Outputs(2)
                         .Infer()
                         .value();
  EXPECT_EQ(split[1].shape, (Shape{2, 3}));
  const auto uneven = OneNode(Op::kSplitV, UnpackAttributes{0, 2})
                          .In(Shape{2, 6})
                          .Ints({1, 5})
                          .Int(1)
                          .Outputs(2)
                          .Infer()
                          .value();
  EXPECT_EQ(uneven[1].shape, (Shape{2, 5}));
  const auto rest = OneNode(Op::kSplitV, UnpackAttributes{0, 2})
                        .In(Shape{2, 6})
                        .Ints({-1, 4})
                        .Int(1)
                        .Outputs(2)
                        .Infer()
                        .value();
  EXPECT_EQ(rest[0].shape, (Shape{2, 2}));
  EXPECT_EQ(OneNode(Op::kSplitV, UnpackAttributes{0, 2})
                .In(Shape{2, 6})
                .Ints({1, 4})
                .Int(1)
                .Outputs(2)
                .Result(),
            "node \"n\" (SplitV): rest of the dimension = 1: must be in "
            "[0, 0]");
  EXPECT_EQ(OneNode(Op::kUnpack, UnpackAttributes{0, 3})
                .In(Shape{2})
                .Outputs(3)
                .Result(),
            "node \"n\" (Unpack): number of outputs = 3: must be in [2, 2]");
}

TEST(InferShapesTest, SlicesFollowTheSliceSpec) {
  EXPECT_EQ(
      OneNode(Op::kSlice).In(Shape{4, 5}).Ints({1, 0}).Ints({2, -1}).Result(),
      "[2,5]");
  EXPECT_EQ(
      OneNode(Op::kStridedSlice, StridedSliceAttributes{.shrink_axis_mask = 1})
          .In(Shape{4, 5})
          .Ints({1})
          .Ints({2})
          .Ints({1})
          .Result(),
      "[5]");
}

TEST(InferShapesTest, DataMovement) {
  EXPECT_EQ(OneNode(Op::kTranspose).In(Shape{2, 3, 4}).Ints({2, 0, 1}).Result(),
            "[4,2,3]");
  EXPECT_EQ(OneNode(Op::kTranspose).In(Shape{2, 3}).Ints({0, 0}).Result(),
            "node \"n\" (Transpose): permutation = [0,0]: names axis 0 twice");
  EXPECT_EQ(OneNode(Op::kTile).In(Shape{2, 3}).Ints({2, 1}).Result(), "[4,3]");
  EXPECT_EQ(OneNode(Op::kPad)
                .In(Shape{2, 3})
                .Const(Tensor::FromInts({2, 2}, {1, 0, 0, 2}))
                .Result(),
            "[3,5]");
  EXPECT_EQ(OneNode(Op::kGather, GatherAttributes{})
                .In(Shape{4, 5})
                .In(Shape{2, 3}, DataType::kInt32)
                .Int(0)
                .Result(),
            "[2,3,5]");
  EXPECT_EQ(OneNode(Op::kFill).Ints({2, 3}).Const(Tensor::Scalar(1)).Result(),
            "[2,3]");
  EXPECT_EQ(OneNode(Op::kBroadcastTo).In(Shape{3}).Ints({2, 3}).Result(),
            "[2,3]");
}

TEST(InferShapesTest, RangeCountsItsSteps) {
  for (int32_t start = -3; start <= 3; ++start) {
    for (int32_t limit = -3; limit <= 3; ++limit) {
      for (const int32_t delta : {-2, -1, 1, 2}) {
        int64_t count = 0;
        for (int32_t i = start; delta > 0 ? i < limit : i > limit; i += delta) {
          ++count;
        }
        EXPECT_EQ(OneNode(Op::kRange).Int(start).Int(limit).Int(delta).Result(),
                  ShapeToString({count}));
      }
    }
  }
  EXPECT_EQ(OneNode(Op::kRange).Int(0).Int(1).Int(0).Result(),
            "node \"n\" (Range): delta = 0: must not be 0");
}

TEST(InferShapesTest, ResizeAndUpsample) {
  EXPECT_EQ(OneNode(Op::kResizeNearest, ResizeAttributes{})
                .In(Shape{1, 2, 3, 4})
                .Ints({7, 8})
                .Result(),
            "[1,7,8,4]");
  EXPECT_EQ(OneNode(Op::kUpsampleNearest, UpsampleAttributes{2, 3})
                .In(Shape{1, 2, 3, 4})
                .Result(),
            "[1,4,9,4]");
}

TEST(InferShapesTest, FusedOperatorsCheckTheirWeights) {
  EXPECT_EQ(OneNode(Op::kWeightedSum)
                .In(Shape{1, 2, 2, 3})
                .In(Shape{1, 2, 2, 3})
                .Const(Kernel({2}))
                .Result(),
            "[1,2,2,3]");
  EXPECT_EQ(OneNode(Op::kWeightedSum)
                .In(Shape{1, 2, 2, 3})
                .In(Shape{1, 2, 2, 3})
                .Const(Kernel({3}))
                .Result(),
            "node \"n\" (WeightedSum): number of weights = 3: must be in "
            "[2, 2]");
  EXPECT_EQ(OneNode(Op::kSqueezeExcite, SqueezeExciteAttributes{})
                .In(Shape{1, 2, 2, 6})
                .Const(Kernel({6, 2}))
                .Const(Kernel({2}))
                .Const(Kernel({3, 6}))
                .Const(Kernel({6}))
                .Result(),
            "node \"n\" (SqueezeExcite): rows of the expand kernel = 3: must "
            "be in [2, 2]");
  EXPECT_EQ(OneNode(Op::kNormalize, NormalizeAttributes{})
                .In(Shape{1, 2, 2, 3})
                .Result(),
            "node \"n\" (Normalize): input 0 must be uint8");
}

TEST(InferShapesTest, RefusesOutputsOverTheLimit) {
  EXPECT_EQ(OneNode(Op::kTile).In(Shape{1 << 20, 1 << 8}).Ints({4, 1}).Result(),
            "node \"n\" (Tile): output bytes = 4294967296: must be in "
            "[0, 2147483648]");
}

TEST(BindInputShapesTest, FillsUnknownDimensionsOnly) {
  Graph graph;
  graph.Add({.name = "x",
             .op = Op::kInput,
             .attributes = InputAttributes{{.shape = Shape{kU, 4}}}});
  EXPECT_EQ(*BindInputShapes(graph, {{"x", {3, 4}}})->nodes[0].outputs[0].shape,
            (Shape{3, 4}));
  EXPECT_EQ(BindInputShapes(graph, {{"x", {3, 5}}}).status().message(),
            "input \"x\": shapes [?,4] and [3,5] do not fit together");
  EXPECT_EQ(BindInputShapes(graph, {{"y", {3, 5}}}).status().message(),
            "input \"y\": the graph has no input of that name");
}

}  // namespace
}  // namespace cyto8
