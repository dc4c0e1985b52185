// SPDX-License-Identifier: Apache-2.0
// Tests of fusing activations into convolutions.
#include "detector/passes/fuse_activations.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

constexpr double kRounding = 1e-6;

std::string Fused(const Graph& before) {
  const auto after = FuseActivations(before);
  if (!after.ok()) return after.status().ToString();
  const Status valid = ValidateGraph(*after);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  EXPECT_LT(LargestDifference(before, *after), kRounding);
  return Structure(*after);
}

Graph ConvolutionThen(Op op, Attributes attributes = {}) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 3, 3, 2});
  const ValueRef conv = builder.Conv1x1("conv", x, 2, 4);
  return builder.Finish({builder.Add(op, "y", {conv}, std::move(attributes))});
}

TEST(FuseActivationsTest, EveryActivationThatAConvolutionCanApply) {
  const std::vector<std::pair<Op, std::string>> kinds = {
      {Op::kRelu, "relu"},
      {Op::kRelu6, "relu6"},
      {Op::kSigmoid, "sigmoid"},
      {Op::kHardSwish, std::string(ActivationName(Activation::kHardSwish))}};
  for (const auto& [op, name] : kinds) {
    EXPECT_EQ(Fused(ConvolutionThen(op)),
              "x = Input()\n"
              "conv = Conv2D[" +
                  name +
                  "](x, conv/kernel)\n"
                  "-> y = conv\n");
  }
  EXPECT_EQ(Fused(ConvolutionThen(Op::kSwish, SwishAttributes{})),
            "x = Input()\n"
            "conv = Conv2D[swish](x, conv/kernel)\n"
            "-> y = conv\n");
}

TEST(FuseActivationsTest, DepthwiseConvolutionToo) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 3, 3, 2});
  const ValueRef conv =
      builder.Add(Op::kDepthwiseConv2D, "conv",
                  {x, builder.Noise("kernel", {3, 3, 2, 1})}, ConvAttributes{});
  EXPECT_EQ(Fused(builder.Finish({builder.Add(Op::kRelu, "y", {conv})})),
            "x = Input()\n"
            "conv = DepthwiseConv2D[relu](x, kernel)\n"
            "-> y = conv\n");
}

TEST(FuseActivationsTest, OnlyTheFirstOfTwo) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 3, 3, 2});
  const ValueRef conv = builder.Conv1x1("conv", x, 2, 4);
  const ValueRef relu = builder.Add(Op::kRelu, "relu", {conv});
  EXPECT_EQ(Fused(builder.Finish({builder.Add(Op::kSigmoid, "y", {relu})})),
            "x = Input()\n"
            "conv = Conv2D[relu](x, conv/kernel)\n"
            "y = Sigmoid(conv)\n"
            "-> y = y\n");
}

TEST(FuseActivationsTest, LeavesOtherActivations) {
  for (const Graph& graph :
       {ConvolutionThen(Op::kTanh), ConvolutionThen(Op::kMish),
        ConvolutionThen(Op::kSwish, SwishAttributes{.beta = 2})}) {
    EXPECT_EQ(Fused(graph), Structure(graph));
  }
}

TEST(FuseActivationsTest, LeavesAConvolutionThatSomebodyElseNeeds) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 3, 3, 2});
  const ValueRef conv = builder.Conv1x1("conv", x, 2, 4);
  const ValueRef y = builder.Add(Op::kRelu, "y", {conv});
  const Graph is_output = builder.Finish({conv, y});
  EXPECT_EQ(Fused(is_output), Structure(is_output));
  const Graph is_read = builder.Finish({y, builder.Add(Op::kNeg, "z", {conv})});
  EXPECT_EQ(Fused(is_read), Structure(is_read));
}

TEST(FuseActivationsTest, LeavesAnActivationBehindSomethingElse) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 3, 3, 2});
  const ValueRef sum = builder.Add(Op::kAdd, "sum", {x, x});
  const Graph graph = builder.Finish({builder.Add(Op::kRelu, "y", {sum})});
  EXPECT_EQ(Fused(graph), Structure(graph));
}

}  // namespace
}  // namespace cyto8
