// SPDX-License-Identifier: Apache-2.0
// Groups of nodes that become one step: what they are, what keeps them apart,
// and that results are those of node after node, on every instruction set.
#include "detector/runtime/fusion.h"

#include <gtest/gtest.h>

#include "detector/graph/shape_inference.h"
#include "detector/runtime/model_plan.h"
#include "tests/detector/runtime/graphs.h"

namespace cyto8 {
namespace {

constexpr int64_t kChannels = 20;  // a whole vector and a part of one.

Tensor RunWith(const Graph& graph, const CompileOptions& options,
               const Tensor& x) {
  const auto model = CompiledModel::Create(graph, options);
  EXPECT_TRUE(model.ok()) << model.status().ToString();
  InferRequest request = RequestOf(*model);
  SetInput(request, 0, x);
  SerialFor executor;
  Tensor first;
  for (int run = 0; run < 2; ++run) {  // nothing may be left over.
    const Status status = request.Run(executor);
    EXPECT_TRUE(status.ok()) << status.ToString();
    if (run == 0) first = OutputOf(request, 0);
  }
  ExpectTensor(OutputOf(request, 0), first, 0);
  return first;
}

size_t StepsOf(const Graph& graph, Isa isa) {
  const auto plan =
      MakeModelPlan(*InferShapes(graph),
                    {.engine = Engine::kOneDnn, .isa = isa}, int64_t{1} << 30);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan->steps.size();
}

// Every isa gives what the naive engine gives.
void ExpectNaiveResult(const Graph& graph, const Tensor& x) {
  const Tensor expected = RunWith(graph, {.engine = Engine::kNaive}, x);
  for (const Isa isa : UsableIsas()) {
    for (const int64_t streamed : {int64_t{1}, kMinStreamedBytes}) {
      SCOPED_TRACE(testing::Message() << IsaName(isa) << " " << streamed);
      ExpectTensor(RunWith(graph,
                           {.engine = Engine::kOneDnn,
                            .isa = isa,
                            .min_streamed_bytes = streamed},
                           x),
                   expected, 2e-5f);
    }
  }
}

// A graph under construction, whose values are images of kChannels.
struct Builder {
  Graph graph;
  int count = 0;

  std::string Name(const std::string& base) {
    return base + std::to_string(count++);
  }
  ValueRef Const(Shape shape) {
    return graph.AddConst(
        Name("c"),
        RandomFloats(std::move(shape), static_cast<uint32_t>(count) + 1));
  }
  ValueRef Input(int64_t side, int64_t batch = 1) {
    return AddInput(graph, "x", DataType::kFloat32,
                    {batch, side, side, kChannels});
  }
  ValueRef Conv(ValueRef x, Activation activation = Activation::kNone) {
    return graph.Add(
        NodeOf(Name("conv"), Op::kConv2D,
               {x, Const({1, 1, kChannels, kChannels}), Const({kChannels})},
               ConvAttributes{.padding = {.kind = PaddingKind::kSame},
                              .activation = activation}));
  }
  ValueRef Depthwise(ValueRef x, int64_t kernel, int64_t stride) {
    return graph.Add(
        NodeOf(Name("dw"), Op::kDepthwiseConv2D,
               {x, Const({kernel, kernel, kChannels, 1}), Const({kChannels})},
               ConvAttributes{.strides = {stride, stride},
                              .padding = {.kind = PaddingKind::kSame},
                              .activation = Activation::kSwish}));
  }
  ValueRef Gate(ValueRef x) {
    return graph.Add(NodeOf(Name("se"), Op::kSqueezeExcite,
                            {x, Const({kChannels, 5}), Const({5}),
                             Const({5, kChannels}), Const({kChannels})},
                            SqueezeExciteAttributes{}));
  }
  ValueRef Pool(ValueRef x) {
    return graph.Add(
        NodeOf(Name("pool"), Op::kMaxPool, {x},
               PoolAttributes{.kernel = {3, 3},
                              .strides = {2, 2},
                              .padding = {.kind = PaddingKind::kSame}}));
  }
  ValueRef Upsample(ValueRef x) {
    return graph.Add(NodeOf(Name("up"), Op::kUpsampleNearest, {x},
                            UpsampleAttributes{.factor_y = 2, .factor_x = 2}));
  }
  ValueRef Sum(std::vector<ValueRef> terms, bool per_channel) {
    const auto n = static_cast<int64_t>(terms.size());
    terms.push_back(Const(per_channel ? Shape{n, kChannels} : Shape{n}));
    return graph.Add(NodeOf(Name("sum"), Op::kWeightedSum, std::move(terms)));
  }
  ValueRef Add(ValueRef a, ValueRef b) {
    return graph.Add(NodeOf(Name("add"), Op::kAdd, {a, b}));
  }
  ValueRef Swish(ValueRef x) {
    return graph.Add(NodeOf(Name("swish"), Op::kSwish, {x}, SwishAttributes{}));
  }
  Graph Finish(std::vector<ValueRef> outputs) {
    for (const ValueRef output : outputs) {
      graph.outputs.push_back({Name("out"), output});
    }
    return graph;
  }
};

Tensor Image(int64_t side, int64_t batch = 1) {
  return RandomFloats({batch, side, side, kChannels}, 99);
}

std::vector<FusionGroup> GroupsOf(const Graph& graph, Isa isa) {
  return FindFusionGroups(*InferShapes(graph),
                          {.engine = Engine::kOneDnn, .isa = isa});
}

bool HasFastKernels() { return BestIsa() != Isa::kPlain; }

// expand -> depthwise -> gate -> project + x: a block of EfficientNet.
Graph Bottleneck(int64_t side, int64_t kernel, int64_t batch = 1) {
  Builder b;
  const ValueRef x = b.Input(side, batch);
  const ValueRef start = b.Conv(x, Activation::kSwish);
  const ValueRef expand = b.Conv(start, Activation::kSwish);
  const ValueRef gate = b.Gate(b.Depthwise(expand, kernel, 1));
  return b.Finish({b.Add(start, b.Conv(gate))});
}

TEST(FusionTest, ABottleneckIsFourStepsAndGivesTheNaiveResult) {
  for (const int64_t kernel : {3, 5}) {
    for (const int64_t side : {1, 2, 7, 12, 33}) {
      SCOPED_TRACE(testing::Message() << kernel << " " << side);
      ExpectNaiveResult(Bottleneck(side, kernel), Image(side));
    }
  }
  EXPECT_EQ(StepsOf(Bottleneck(8, 3), Isa::kPlain), 5u);
  if (HasFastKernels()) {
    EXPECT_EQ(StepsOf(Bottleneck(8, 3), BestIsa()), 4u);
  }
}

TEST(FusionTest, AMapThatIsMadeForADepthwiseIsNeverWhole) {
  for (const int64_t kernel : {3, 5}) {
    for (const int64_t stride : {1, 2}) {
      for (int64_t side = 7; side <= 24; ++side) {
        Builder b;
        const ValueRef wide = b.Conv(b.Input(side), Activation::kSwish);
        const Graph graph = b.Finish({b.Depthwise(wide, kernel, stride)});
        SCOPED_TRACE(testing::Message() << kernel << stride << " " << side);
        ASSERT_NO_FATAL_FAILURE(ExpectNaiveResult(graph, Image(side)));
      }
    }
  }
}

TEST(FusionTest, AMapOfFewerPixelsThanWeightsIsWhole) {
  for (const int64_t side : {6, 7}) {  // 2 * kChannels = 40 pixels.
    Builder b;
    const ValueRef wide = b.Conv(b.Input(side), Activation::kSwish);
    const Graph graph = b.Finish({b.Depthwise(wide, 3, 1)});
    const auto groups = FindFusionGroups(
        *InferShapes(graph),
        {.engine = Engine::kOneDnn, .isa = BestIsa(), .min_streamed_bytes = 1});
    EXPECT_EQ(groups.size(), side == 7 && HasFastKernels() ? 1u : 0u);
  }
}

TEST(FusionTest, AHigherMapTakesManyBlocks) {
  ExpectNaiveResult(Bottleneck(97, 5), Image(97));
  ExpectNaiveResult(Bottleneck(200, 3), Image(200));
}

TEST(FusionTest, AMapThatSomebodyElseReadsIsWhole) {
  Builder b;
  const ValueRef wide = b.Conv(b.Input(9), Activation::kSwish);
  const Graph graph = b.Finish({b.Depthwise(wide, 3, 1), wide});
  ExpectNaiveResult(graph, Image(9));
  EXPECT_TRUE(FindFusionGroups(*InferShapes(graph), {.engine = Engine::kOneDnn,
                                                     .isa = BestIsa(),
                                                     .min_streamed_bytes = 1})
                  .empty());
}

TEST(FusionTest, ImagesOfABatchHaveGatesOfTheirOwn) {
  ExpectNaiveResult(Bottleneck(9, 3, /*batch=*/3), Image(9, 3));
}

TEST(FusionTest, AGateWithoutADepthwiseInFrontComputesItsMeans) {
  Builder b;
  const ValueRef x = b.Input(9);
  const Graph graph = b.Finish({b.Conv(b.Gate(b.Pool(x)))});
  ExpectNaiveResult(graph, Image(9));
  EXPECT_EQ(StepsOf(graph, BestIsa()), HasFastKernels() ? 2u : 3u);
}

TEST(FusionTest, AGateThatSomebodyElseReadsStaysAlone) {
  Builder b;
  const ValueRef x = b.Input(9);
  const ValueRef gate = b.Gate(b.Depthwise(x, 3, 2));
  const Graph graph = b.Finish({b.Conv(gate), gate});
  ExpectNaiveResult(graph, Image(9));
  EXPECT_TRUE(GroupsOf(graph, BestIsa()).empty());
}

TEST(FusionTest, ADepthwiseThatSomebodyElseReadsKeepsItsStep) {
  Builder b;
  const ValueRef x = b.Input(9);
  const ValueRef depthwise = b.Depthwise(x, 3, 2);
  const Graph graph = b.Finish({b.Conv(b.Gate(depthwise)), depthwise});
  ExpectNaiveResult(graph, Image(9));
  const auto groups = GroupsOf(graph, BestIsa());
  ASSERT_EQ(groups.size(), HasFastKernels() ? 1u : 0u);
  for (const FusionGroup& group : groups) {
    EXPECT_EQ(group.depthwise, kNoNode);
  }
}

TEST(FusionTest, TheActivationBehindASumIsAppliedLast) {
  for (const bool conv_first : {false, true}) {
    Builder b;
    const ValueRef x = b.Input(6);
    const ValueRef other = b.Pool(b.Upsample(x));
    const ValueRef conv = b.Conv(x);
    const ValueRef add = conv_first ? b.Add(conv, other) : b.Add(other, conv);
    const Graph graph = b.Finish({b.Swish(add)});
    ExpectNaiveResult(graph, Image(6));
    EXPECT_EQ(StepsOf(graph, BestIsa()), 3u);
  }
}

TEST(FusionTest, AConvolutionWithAnActivationIsNotAddedTo) {
  Builder b;
  const ValueRef x = b.Input(6);
  const Graph graph = b.Finish({b.Add(x, b.Conv(x, Activation::kRelu))});
  ExpectNaiveResult(graph, Image(6));
  EXPECT_TRUE(GroupsOf(graph, BestIsa()).empty());
}

TEST(FusionTest, AConvolutionAddedToItselfIsNoGroup) {
  Builder b;
  const ValueRef conv = b.Conv(b.Input(6));
  const Graph graph = b.Finish({b.Add(conv, conv)});
  ExpectNaiveResult(graph, Image(6));
  EXPECT_TRUE(GroupsOf(graph, BestIsa()).empty());
}

TEST(FusionTest, TwoConvolutionsThatAreAddedAreOneGroupAndOneStep) {
  Builder b;
  const ValueRef x = b.Input(6);
  const Graph graph = b.Finish({b.Add(b.Conv(x), b.Conv(x))});
  ExpectNaiveResult(graph, Image(6));
  EXPECT_EQ(GroupsOf(graph, BestIsa()).size(), 1u);
}

// Every mix of sources at level 1 of three.
TEST(FusionTest, WeightedSumsTakeTheirResizersAndActivationIn) {
  for (int mix = 0; mix < 27; ++mix) {
    for (const bool per_channel : {false, true}) {
      Builder b;
      const ValueRef x = b.Input(12);  // 12, 6, 3: fine, middle, coarse.
      const ValueRef fine = b.Swish(x);
      const ValueRef middle = b.Swish(b.Pool(fine));
      const ValueRef coarse = b.Swish(b.Pool(middle));
      std::vector<ValueRef> terms;
      for (const int kind : {mix % 3, mix / 3 % 3, mix / 9}) {
        terms.push_back(kind == 0   ? middle
                        : kind == 1 ? b.Upsample(coarse)
                                    : b.Pool(fine));
      }
      const Graph graph = b.Finish({b.Swish(b.Sum(terms, per_channel))});
      SCOPED_TRACE(mix);
      ExpectNaiveResult(graph, Image(12));
    }
  }
}

TEST(FusionTest, AResizedSourceThatSomebodyElseReadsIsComputedOnce) {
  Builder b;
  const ValueRef x = b.Input(6);
  const ValueRef up = b.Upsample(b.Pool(b.Swish(x)));
  const Graph graph = b.Finish({b.Sum({x, up}, false), up});
  ExpectNaiveResult(graph, Image(6));
  for (const FusionGroup& group : GroupsOf(graph, BestIsa())) {
    EXPECT_EQ(group.resizers, (std::vector<int64_t>{kNoNode, kNoNode}));
  }
}

TEST(FusionTest, TheNaiveEngineHasNoGroups) {
  EXPECT_TRUE(FindFusionGroups(*InferShapes(Bottleneck(8, 3)),
                               {.engine = Engine::kNaive, .isa = BestIsa()})
                  .empty());
}

// start is read by the expand convolution and, last, by the sum.
TEST(ByteReadersTest, TheLastReaderMayOverwriteAnythingButInputsAndOutputs) {
  const Graph graph = *InferShapes(Bottleneck(8, 3));
  const auto groups =
      FindFusionGroups(graph, {.engine = Engine::kOneDnn, .isa = Isa::kPlain});
  ASSERT_EQ(groups.size(), 1u);
  const ByteReaders readers(graph, groups);
  EXPECT_TRUE(readers.MayOverwrite(groups[0].addend, groups[0].last));
  EXPECT_FALSE(readers.MayOverwrite(groups[0].addend, groups[0].main));
  EXPECT_FALSE(readers.MayOverwrite({0, 0}, 3)) << "the input";
  EXPECT_FALSE(readers.MayOverwrite(graph.outputs[0].value, groups[0].last));
}

TEST(ByteReadersTest, NobodyOverwritesWhatIsReadAgainUnderAnotherName) {
  for (const bool read_again : {false, true}) {
    Builder b;
    const ValueRef x = b.Input(6);
    const ValueRef kept = b.Swish(x);
    const ValueRef renamed = b.graph.Add(NodeOf("same", Op::kIdentity, {kept}));
    const ValueRef add = b.Add(b.Conv(x), kept);
    std::vector<ValueRef> outputs = {add};
    if (read_again) outputs.push_back(b.Swish(renamed));
    const Graph graph = b.Finish(outputs);
    ExpectNaiveResult(graph, Image(6));
    const auto groups = GroupsOf(graph, Isa::kPlain);
    ASSERT_EQ(groups.size(), 1u);
    EXPECT_EQ(ByteReaders(graph, groups).MayOverwrite(kept, add.node),
              !read_again);
  }
}

TEST(ByteReadersTest, AnOutputUnderAnotherNameIsKept) {
  Builder b;
  const ValueRef x = b.Input(6);
  const ValueRef kept = b.Swish(x);
  const ValueRef renamed = b.graph.Add(NodeOf("same", Op::kIdentity, {kept}));
  const Graph graph = b.Finish({renamed, b.Add(b.Conv(x), kept)});
  ExpectNaiveResult(graph, Image(6));
  const auto groups = GroupsOf(graph, Isa::kPlain);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_FALSE(ByteReaders(graph, groups).MayOverwrite(kept, groups[0].last));
}

TEST(ByteReadersTest, AConvolutionDoesNotOverwriteWhatItReads) {
  Builder b;
  const ValueRef x = b.Swish(b.Input(6));
  const Graph graph = b.Finish({b.Add(b.Conv(x), x)});
  ExpectNaiveResult(graph, Image(6));
  const auto groups = GroupsOf(graph, Isa::kPlain);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_FALSE(ByteReaders(graph, groups).MayOverwrite(x, groups[0].last));
}

}  // namespace
}  // namespace cyto8
