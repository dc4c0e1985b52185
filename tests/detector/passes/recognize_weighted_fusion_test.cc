// SPDX-License-Identifier: Apache-2.0
// Tests of recognising feature fusion.
#include "detector/passes/recognize_weighted_fusion.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

constexpr double kRounding = 1e-5;
const Shape kMap = {1, 2, 2, 3};

Graph Recognize(const Graph& before) {
  return Checked(before, RecognizeWeightedFusion(before), kRounding);
}

void ExpectUnchanged(const Graph& before) {
  EXPECT_EQ(Structure(Recognize(before)), Structure(before));
}

constexpr char kThreeInputs[] =
    "a = Input()\n"
    "b = Input()\n"
    "c = Input()\n"
    "y = WeightedSum(a, b, c, y/weights)\n"
    "-> y = y\n";

std::vector<ValueRef> ThreeMaps(GraphBuilder& builder) {
  return {builder.Input("a", kMap), builder.Input("b", kMap),
          builder.Input("c", kMap)};
}

// AddN, or the chain ((0 + 1) + 2).
ValueRef AddSum(GraphBuilder& builder, const std::vector<ValueRef>& terms,
                bool chain) {
  if (!chain) return builder.Add(Op::kAddN, "y", terms);
  const ValueRef first = builder.Add(Op::kAdd, "sum", {terms[0], terms[1]});
  return builder.Add(Op::kAdd, "y", {first, terms[2]});
}

TEST(RecognizeWeightedFusionTest, PlainSumOfThree) {
  for (const bool chain : {false, true}) {
    GraphBuilder builder;
    const auto maps = ThreeMaps(builder);
    const Graph after =
        Recognize(builder.Finish({AddSum(builder, maps, chain)}));
    EXPECT_EQ(Structure(after), kThreeInputs);
    EXPECT_EQ(FloatsOf(after, "y/weights"), (std::vector<float>{1, 1, 1}));
  }
}

TEST(RecognizeWeightedFusionTest, SumThatLeansToTheRight) {
  GraphBuilder builder;
  const auto maps = ThreeMaps(builder);
  const ValueRef inner = builder.Add(Op::kAdd, "inner", {maps[1], maps[2]});
  const ValueRef y = builder.Add(Op::kAdd, "y", {maps[0], inner});
  EXPECT_EQ(Structure(Recognize(builder.Finish({y}))), kThreeInputs);
}

TEST(RecognizeWeightedFusionTest, ScalarFactorsAndDivisors) {
  for (const bool chain : {false, true}) {
    GraphBuilder builder;
    const auto maps = ThreeMaps(builder);
    std::vector<ValueRef> terms;
    for (size_t i = 0; i < maps.size(); ++i) {
      const std::string n = std::to_string(i);
      const ValueRef weight =
          builder.Scalar("weight" + n, static_cast<float>(i + 1));
      // Either order of the product.
      const ValueRef scaled =
          i == 1 ? builder.Add(Op::kMul, "mul" + n, {weight, maps[i]})
                 : builder.Add(Op::kMul, "mul" + n, {maps[i], weight});
      terms.push_back(builder.Add(Op::kDiv, "div" + n,
                                  {scaled, builder.Scalar("total" + n, 4)}));
    }
    const Graph after =
        Recognize(builder.Finish({AddSum(builder, terms, chain)}));
    EXPECT_EQ(Structure(after), kThreeInputs);
    EXPECT_EQ(FloatsOf(after, "y/weights"),
              (std::vector<float>{0.25f, 0.5f, 0.75f}));
  }
}

TEST(RecognizeWeightedFusionTest, FactorsPerChannel) {
  GraphBuilder builder;
  const auto maps = ThreeMaps(builder);
  std::vector<ValueRef> terms = maps;
  const ValueRef scaled = builder.Add(
      Op::kMul, "mul", {maps[1], builder.Floats("w", {3}, {2, 4, 6})});
  terms[1] = builder.Add(Op::kDiv, "div", {scaled, builder.Scalar("two", 2)});
  const Graph after = Recognize(builder.Finish({AddSum(builder, terms, true)}));
  EXPECT_EQ(Structure(after), kThreeInputs);
  EXPECT_EQ(FloatsOf(after, "y/weights"),
            (std::vector<float>{1, 1, 1, 1, 2, 3, 1, 1, 1}));
  const Tensor* weights = ConstantOf(after, {*FindNode(after, "y/weights"), 0});
  EXPECT_EQ(weights->shape(), (Shape{3, 3}));
}

TEST(RecognizeWeightedFusionTest, AddOfTwoWhenOneIsScaled) {
  GraphBuilder builder;
  const ValueRef a = builder.Input("a", kMap);
  const ValueRef b = builder.Input("b", kMap);
  const ValueRef half =
      builder.Add(Op::kMul, "half", {b, builder.Scalar("w", 0.5f)});
  const Graph after =
      Recognize(builder.Finish({builder.Add(Op::kAdd, "y", {a, half})}));
  EXPECT_EQ(Structure(after),
            "a = Input()\n"
            "b = Input()\n"
            "y = WeightedSum(a, b, y/weights)\n"
            "-> y = y\n");
}

// Sum(Pack(a, b, c) * weights) with axes as given.
ValueRef AddAttention(GraphBuilder& builder, const std::vector<ValueRef>& maps,
                      ValueRef weights, int64_t pack_axis, int32_t sum_axis,
                      bool keep_dims) {
  const ValueRef pack =
      builder.Add(Op::kPack, "pack", maps, AxisAttributes{pack_axis});
  const ValueRef scaled = builder.Add(Op::kMul, "scaled", {pack, weights});
  return builder.Add(Op::kSum, "y", {scaled, builder.Ints("axes", {sum_axis})},
                     ReduceAttributes{keep_dims});
}

TEST(RecognizeWeightedFusionTest, PackedWithOneWeightEach) {
  for (const auto& [pack_axis, sum_axis] :
       {std::pair(-1, -1), std::pair(4, 4)}) {
    GraphBuilder builder;
    const auto maps = ThreeMaps(builder);
    const ValueRef weights = builder.Floats("w", {3}, {1, 2, 3});
    const Graph after = Recognize(builder.Finish(
        {AddAttention(builder, maps, weights, pack_axis, sum_axis, false)}));
    EXPECT_EQ(Structure(after), kThreeInputs);
    EXPECT_EQ(FloatsOf(after, "y/weights"), (std::vector<float>{1, 2, 3}));
  }
}

TEST(RecognizeWeightedFusionTest, PackedWithWeightsPerChannel) {
  GraphBuilder builder;
  const auto maps = ThreeMaps(builder);
  // [channel, edge].
  const ValueRef weights =
      builder.Floats("w", {3, 3}, {1, 2, 3, 10, 20, 30, 100, 200, 300});
  const Graph after = Recognize(
      builder.Finish({AddAttention(builder, maps, weights, -1, -1, false)}));
  EXPECT_EQ(Structure(after), kThreeInputs);
  EXPECT_EQ(FloatsOf(after, "y/weights"),
            (std::vector<float>{1, 10, 100, 2, 20, 200, 3, 30, 300}));
}

TEST(RecognizeWeightedFusionTest, LeavesOtherAxes) {
  for (const bool wrong_pack : {false, true}) {
    GraphBuilder builder;
    const auto maps = ThreeMaps(builder);
    const ValueRef weights = builder.Floats("w", {3}, {1, 2, 3});
    ExpectUnchanged(builder.Finish(
        {AddAttention(builder, maps, weights, wrong_pack ? 3 : -1,
                      wrong_pack ? -1 : 3, false)}));
  }
  GraphBuilder builder;
  const auto maps = ThreeMaps(builder);
  const ValueRef weights = builder.Floats("w", {3}, {1, 2, 3});
  ExpectUnchanged(builder.Finish(
      {AddAttention(builder, maps, weights, -1, -1, /*keep_dims=*/true)}));
}

TEST(RecognizeWeightedFusionTest, LeavesAResidualConnection) {
  GraphBuilder builder;
  const ValueRef a = builder.Input("a", kMap);
  const ValueRef b = builder.Input("b", kMap);
  ExpectUnchanged(builder.Finish({builder.Add(Op::kAdd, "y", {a, b})}));
}

TEST(RecognizeWeightedFusionTest, AddNOfTwoBareTermsIsAnAdd) {
  GraphBuilder builder;
  const ValueRef a = builder.Input("a", kMap);
  const ValueRef b = builder.Input("b", kMap);
  EXPECT_EQ(Structure(Recognize(
                builder.Finish({builder.Add(Op::kAddN, "y", {a, b})}))),
            "a = Input()\n"
            "b = Input()\n"
            "y = Add(a, b)\n"
            "-> y = y\n");
}

TEST(RecognizeWeightedFusionTest, ASumThatSomebodyElseReadsIsATerm) {
  GraphBuilder builder;
  const auto maps = ThreeMaps(builder);
  const ValueRef sum = builder.Add(Op::kAdd, "sum", {maps[0], maps[1]});
  const ValueRef y = builder.Add(Op::kAdd, "y", {sum, maps[2]});
  ExpectUnchanged(builder.Finish({sum, y}));
}

TEST(RecognizeWeightedFusionTest, AScaledTermThatIsAnOutputStays) {
  GraphBuilder builder;
  const auto maps = ThreeMaps(builder);
  std::vector<ValueRef> terms = maps;
  terms[0] = builder.Add(Op::kMul, "mul", {maps[0], builder.Scalar("w", 2)});
  const ValueRef y = builder.Add(Op::kAddN, "y", terms);
  EXPECT_EQ(Structure(Recognize(builder.Finish({terms[0], y}))),
            "a = Input()\n"
            "b = Input()\n"
            "c = Input()\n"
            "mul = Mul(a, w)\n"
            "y = WeightedSum(mul, b, c, y/weights)\n"
            "-> mul = mul\n"
            "-> y = y\n");
}

TEST(RecognizeWeightedFusionTest, LeavesSumsThatBroadcast) {
  GraphBuilder builder;
  const ValueRef a = builder.Input("a", kMap);
  const ValueRef b = builder.Input("b", kMap);
  const ValueRef bias = builder.Noise("bias", {3});
  const ValueRef sum = builder.Add(Op::kAdd, "sum", {a, b});
  ExpectUnchanged(builder.Finish({builder.Add(Op::kAdd, "y", {sum, bias})}));
}

TEST(RecognizeWeightedFusionTest, ASumInsideOneThatBroadcastsIsFound) {
  GraphBuilder builder;
  const auto maps = ThreeMaps(builder);
  const ValueRef sum = builder.Add(Op::kAddN, "sum", maps);
  const ValueRef y =
      builder.Add(Op::kAdd, "y", {sum, builder.Noise("bias", {3})});
  EXPECT_EQ(Structure(Recognize(builder.Finish({y}))),
            "a = Input()\n"
            "b = Input()\n"
            "c = Input()\n"
            "sum = WeightedSum(a, b, c, sum/weights)\n"
            "y = Add(sum, bias)\n"
            "-> y = y\n");
}

TEST(RecognizeWeightedFusionTest, LeavesUnknownSizes) {
  GraphBuilder builder;
  const ValueRef a = builder.Input("a", {kUnknownDim, 2, 2, 3});
  const ValueRef b = builder.Input("b", {kUnknownDim, 2, 2, 3});
  const Graph graph = builder.Finish({builder.Add(Op::kAddN, "y", {a, b, a})});
  const auto after = RecognizeWeightedFusion(graph);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after), Structure(graph));
}

TEST(RecognizeWeightedFusionTest, LongChainsAreCutIntoSums) {
  GraphBuilder builder;
  ValueRef sum = builder.Input("x", kMap);
  const ValueRef other = builder.Input("other", kMap);
  for (int i = 0; i < 100; ++i) {
    sum = builder.Add(Op::kAdd, "sum" + std::to_string(i), {sum, other});
  }
  const Graph after = Recognize(builder.Finish({sum}));
  EXPECT_LT(after.nodes.size(), 15u);
}

TEST(RecognizeWeightedFusionTest, LeavesInfiniteWeights) {
  GraphBuilder builder;
  const ValueRef a = builder.Input("a", kMap);
  const ValueRef b = builder.Input("b", kMap);
  const ValueRef div =
      builder.Add(Op::kDiv, "div", {b, builder.Scalar("zero", 0)});
  const Graph graph = builder.Finish({builder.Add(Op::kAdd, "y", {a, div})});
  const auto after = RecognizeWeightedFusion(graph);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after), Structure(graph));
}

}  // namespace
}  // namespace cyto8
