// SPDX-License-Identifier: Apache-2.0
// Tests of folding per-channel arithmetic into layers.
#include "detector/passes/fold_batch_norms.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

// Double arithmetic rounded once, against float arithmetic at every step.
constexpr double kRounding = 1e-5;

// Folds and checks that the result is valid and computes the same.
Graph Fold(const Graph& before) {
  return Checked(before, FoldBatchNorms(before), kRounding);
}

void ExpectUnchanged(const Graph& before) {
  EXPECT_EQ(Structure(Fold(before)), Structure(before));
}

constexpr char kFoldedConv[] =
    "x = Input()\n"
    "conv = Conv2D(x, conv/folded_kernel, conv/folded_bias)\n"
    "-> y = conv\n";

TEST(FoldBatchNormsTest, BatchNormBehindConvolution) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const Graph after = Fold(builder.Finish({builder.BatchNorm("y", conv, 5)}));
  EXPECT_EQ(Structure(after), kFoldedConv);
  EXPECT_EQ(ConstantNames(after), "conv/folded_kernel conv/folded_bias");
}

TEST(FoldBatchNormsTest, BatchNormBehindBiasAdd) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef bias = builder.Bias("bias", conv, 5);
  const Graph before = builder.Finish({builder.BatchNorm("y", bias, 5)});
  EXPECT_EQ(Structure(Fold(before)), kFoldedConv);
}

TEST(FoldBatchNormsTest, NumbersAreThoseOfTheFormula) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 1, 1, 1});
  const ValueRef kernel = builder.Floats("kernel", {1, 1, 1, 2}, {2, 3});
  const ValueRef conv =
      builder.Add(Op::kConv2D, "conv", {x, kernel}, ConvAttributes{});
  const ValueRef bias = builder.Floats("b", {2}, {10, 20});
  const ValueRef sum = builder.Add(Op::kBiasAdd, "sum", {conv, bias});
  const ValueRef y =
      builder.Add(Op::kBatchNorm, "y",
                  {sum, builder.Floats("gamma", {2}, {6, 4}),
                   builder.Floats("beta", {2}, {100, 200}),
                   builder.Floats("mean", {2}, {1, 2}),
                   builder.Floats("variance", {2}, {3.75f, 15.75f})},
                  BatchNormAttributes{.epsilon = 0.25f});
  const Graph after = Fold(builder.Finish({y}));
  // gamma / sqrt(variance + epsilon) = 3 and 1.
  EXPECT_EQ(FloatsOf(after, "conv/folded_kernel"), (std::vector<float>{6, 3}));
  EXPECT_EQ(FloatsOf(after, "conv/folded_bias"),
            (std::vector<float>{3 * (10 - 1) + 100, (20 - 2) + 200}));
}

TEST(FoldBatchNormsTest, SeparableConvolutionTakesItInThePointwiseHalf) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 5, 5, 3});
  const ValueRef kernel = builder.Noise("depthwise/kernel", {3, 3, 3, 1});
  const ValueRef depthwise =
      builder.Add(Op::kDepthwiseConv2D, "depthwise", {x, kernel},
                  ConvAttributes{.padding = {.kind = PaddingKind::kSame}});
  const ValueRef pointwise = builder.Conv1x1("pointwise", depthwise, 3, 4);
  const ValueRef bias = builder.Bias("bias", pointwise, 4);
  const Graph before = builder.Finish({builder.BatchNorm("y", bias, 4)});
  EXPECT_EQ(Structure(Fold(before)),
            "x = Input()\n"
            "depthwise = DepthwiseConv2D(x, depthwise/kernel)\n"
            "pointwise = Conv2D(depthwise, pointwise/folded_kernel, "
            "pointwise/folded_bias)\n"
            "-> y = pointwise\n");
}

TEST(FoldBatchNormsTest, DepthwiseConvolution) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {2, 5, 5, 3});
  const ValueRef conv = builder.Add(
      Op::kDepthwiseConv2D, "conv", {x, builder.Noise("kernel", {3, 3, 3, 1})},
      ConvAttributes{.strides = {2, 2},
                     .padding = {.kind = PaddingKind::kSame}});
  EXPECT_EQ(Structure(Fold(builder.Finish({builder.BatchNorm("y", conv, 3)}))),
            "x = Input()\n"
            "conv = DepthwiseConv2D(x, conv/folded_kernel, conv/folded_bias)\n"
            "-> y = conv\n");
}

TEST(FoldBatchNormsTest, PiecesInEitherOrder) {
  for (const bool constant_first : {false, true}) {
    GraphBuilder builder;
    const auto add = [&](Op op, const std::string& name, ValueRef value,
                         ValueRef constant) {
      return constant_first ? builder.Add(op, name, {constant, value})
                            : builder.Add(op, name, {value, constant});
    };
    const ValueRef x = builder.Input("x", {1, 4, 4, 3});
    const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
    const ValueRef centred =
        add(Op::kSub, "centred", conv, builder.Noise("mean", {5}));
    const ValueRef unit =
        builder.Add(Op::kDiv, "unit",
                    {centred, builder.Noise("deviation", {1, 1, 1, 5}, 3)});
    const ValueRef scaled =
        add(Op::kMul, "scaled", unit, builder.Noise("gamma", {1, 5}));
    const ValueRef y =
        add(Op::kAdd, "y", scaled, builder.Scalar("offset", 0.5f));
    EXPECT_EQ(Structure(Fold(builder.Finish({y}))), kFoldedConv);
  }
}

TEST(FoldBatchNormsTest, BiasAloneLeavesTheKernelShared) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef kernel = builder.Noise("kernel", {1, 1, 3, 2});
  std::vector<ValueRef> outputs;
  for (const std::string suffix : {"", "_1"}) {
    const ValueRef conv = builder.Add(Op::kConv2D, "conv" + suffix, {x, kernel},
                                      ConvAttributes{});
    outputs.push_back(builder.Bias("y" + suffix, conv, 2));
  }
  EXPECT_EQ(Structure(Fold(builder.Finish(outputs))),
            "x = Input()\n"
            "conv = Conv2D(x, kernel, conv/folded_bias)\n"
            "conv_1 = Conv2D(x, kernel, conv_1/folded_bias)\n"
            "-> y = conv\n"
            "-> y_1 = conv_1\n");
}

TEST(FoldBatchNormsTest, SharedKernelsGetTheirOwnFactors) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef kernel = builder.Noise("kernel", {1, 1, 3, 2});
  std::vector<ValueRef> outputs;
  for (const std::string suffix : {"", "_1"}) {
    const ValueRef conv = builder.Add(Op::kConv2D, "conv" + suffix, {x, kernel},
                                      ConvAttributes{});
    outputs.push_back(builder.BatchNorm("y" + suffix, conv, 2));
  }
  const Graph after = Fold(builder.Finish(outputs));
  EXPECT_NE(FloatsOf(after, "conv/folded_kernel"),
            FloatsOf(after, "conv_1/folded_kernel"));
}

TEST(FoldBatchNormsTest, FactorAloneAddsNoBias) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef y =
      builder.Add(Op::kMul, "y", {conv, builder.Noise("gamma", {5})});
  EXPECT_EQ(Structure(Fold(builder.Finish({y}))),
            "x = Input()\n"
            "conv = Conv2D(x, conv/folded_kernel)\n"
            "-> y = conv\n");
}

TEST(FoldBatchNormsTest, IdentityInTheChainGoes) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef same = builder.Add(Op::kIdentity, "same", {conv});
  EXPECT_EQ(Structure(Fold(builder.Finish({builder.BatchNorm("y", same, 5)}))),
            kFoldedConv);
}

TEST(FoldBatchNormsTest, MatrixProductKeepsABiasAddBehindIt) {
  for (const bool transposed : {false, true}) {
    GraphBuilder builder;
    const ValueRef x = builder.Input("x", {2, 3});
    const ValueRef kernel =
        builder.Noise("kernel", transposed ? Shape{4, 3} : Shape{3, 4});
    const ValueRef product =
        builder.Add(Op::kMatMul, "product", {x, kernel},
                    MatMulAttributes{.transpose_b = transposed});
    const ValueRef scaled = builder.Add(
        Op::kMul, "scaled", {product, builder.Noise("factor", {4})});
    const ValueRef y = builder.Bias("y", scaled, 4);
    EXPECT_EQ(Structure(Fold(builder.Finish({y}))),
              "x = Input()\n"
              "product = MatMul(x, product/folded_kernel)\n"
              "y = BiasAdd(product, product/folded_bias)\n"
              "-> y = y\n");
  }
}

TEST(FoldBatchNormsTest, LeavesAConvolutionWithSeveralReaders) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef y = builder.BatchNorm("y", conv, 5);
  const ValueRef z = builder.Add(Op::kRelu, "z", {conv});
  ExpectUnchanged(builder.Finish({y, z}));
}

TEST(FoldBatchNormsTest, LeavesAConvolutionThatIsAnOutput) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  ExpectUnchanged(builder.Finish({conv, builder.BatchNorm("y", conv, 5)}));
}

TEST(FoldBatchNormsTest, LeavesABatchNormBehindSomethingElse) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef relu = builder.Add(Op::kRelu, "relu", {conv});
  ExpectUnchanged(builder.Finish({builder.BatchNorm("y", relu, 5)}));
}

TEST(FoldBatchNormsTest, LeavesABatchNormInFrontOfAConvolution) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef norm = builder.BatchNorm("norm", x, 3);
  const ValueRef y = builder.Add(
      Op::kConv2D, "y", {norm, builder.Noise("kernel", {3, 3, 3, 2})},
      ConvAttributes{.padding = {.kind = PaddingKind::kSame}});
  ExpectUnchanged(builder.Finish({y}));
}

TEST(FoldBatchNormsTest, LeavesConstantsThatAreNotPerChannel) {
  for (const Shape& shape :
       {Shape{1, 4, 1, 1}, Shape{4, 5}, Shape{1, 1, 1, 1, 5}}) {
    GraphBuilder builder;
    const ValueRef x = builder.Input("x", {1, 4, 4, 3});
    const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
    const ValueRef y =
        builder.Add(Op::kMul, "y", {conv, builder.Noise("factor", shape)});
    ExpectUnchanged(builder.Finish({y}));
  }
}

TEST(FoldBatchNormsTest, LeavesAFactorThatIsNoConstant) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef factor = builder.Input("factor", {5});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef y = builder.Add(Op::kMul, "y", {conv, factor});
  ExpectUnchanged(builder.Finish({y}));
}

TEST(FoldBatchNormsTest, LeavesAConstantDividedByTheResult) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef y =
      builder.Add(Op::kDiv, "y", {builder.Scalar("one", 1), conv});
  ExpectUnchanged(builder.Finish({y}));
}

TEST(FoldBatchNormsTest, LeavesAConvolutionWithAnActivation) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv =
      builder.Add(Op::kConv2D, "conv", {x, builder.Noise("k", {1, 1, 3, 5})},
                  ConvAttributes{.activation = Activation::kRelu});
  ExpectUnchanged(builder.Finish({builder.BatchNorm("y", conv, 5)}));
}

TEST(FoldBatchNormsTest, LeavesAKernelThatIsNoConstant) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef kernel = builder.Input("kernel", {1, 1, 3, 5});
  const ValueRef conv =
      builder.Add(Op::kConv2D, "conv", {x, kernel}, ConvAttributes{});
  ExpectUnchanged(builder.Finish({builder.BatchNorm("y", conv, 5)}));
}

TEST(FoldBatchNormsTest, LeavesFactorsThatAreNotFinite) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef conv = builder.Conv1x1("conv", x, 3, 5);
  const ValueRef y =
      builder.Add(Op::kDiv, "y", {conv, builder.Scalar("zero", 0)});
  const Graph before = builder.Finish({y});
  const auto after = FoldBatchNorms(before);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after), Structure(before));
}

}  // namespace
}  // namespace cyto8
