// SPDX-License-Identifier: Apache-2.0
// Tests of copying shared constants.
#include "detector/passes/unshare_constants.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

// Two convolutions and two biases that share; `scale` is shared by Muls.
Graph SharedHead() {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 2, 2, 3});
  const ValueRef kernel = builder.Noise("kernel", {1, 1, 3, 3});
  const ValueRef bias = builder.Noise("bias", {3});
  const ValueRef scale = builder.Scalar("scale", 2);
  std::vector<ValueRef> outputs;
  for (const std::string suffix : {"", "_1", "_2"}) {
    const ValueRef conv = builder.Add(Op::kConv2D, "conv" + suffix, {x, kernel},
                                      ConvAttributes{});
    const ValueRef sum =
        builder.Add(Op::kBiasAdd, "sum" + suffix, {conv, bias});
    outputs.push_back(builder.Add(Op::kMul, "mul" + suffix, {sum, scale}));
  }
  return builder.Finish(outputs);
}

TEST(UnshareConstantsTest, GivesEachLayerItsOwn) {
  const Graph before = SharedHead();
  const auto after = UnshareConstants(before);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "x = Input()\n"
            "conv = Conv2D(x, kernel)\n"
            "sum = BiasAdd(conv, bias)\n"
            "mul = Mul(sum, scale)\n"
            "conv_1 = Conv2D(x, kernel_2)\n"
            "sum_1 = BiasAdd(conv_1, bias_2)\n"
            "mul_1 = Mul(sum_1, scale)\n"
            "conv_2 = Conv2D(x, kernel_3)\n"
            "sum_2 = BiasAdd(conv_2, bias_3)\n"
            "mul_2 = Mul(sum_2, scale)\n"
            "-> mul = mul\n"
            "-> mul_1 = mul_1\n"
            "-> mul_2 = mul_2\n");
  EXPECT_TRUE(ValidateGraph(*after).ok());
  EXPECT_EQ(LargestDifference(before, *after), 0);
}

TEST(UnshareConstantsTest, CopiesShareTheirMemory) {
  const auto after = UnshareConstants(SharedHead());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  const auto tensor = [&](const char* name) {
    return ConstantOf(*after, {*FindNode(*after, name), 0});
  };
  EXPECT_EQ(tensor("kernel"), tensor("kernel_2"));
}

TEST(UnshareConstantsTest, ChangesNothingTheSecondTime) {
  const auto once = UnshareConstants(SharedHead());
  ASSERT_TRUE(once.ok()) << once.status().ToString();
  const auto twice = UnshareConstants(*once);
  ASSERT_TRUE(twice.ok()) << twice.status().ToString();
  EXPECT_EQ(Structure(*twice), Structure(*once));
}

TEST(UnshareConstantsTest, OtherReadersKeepTheOriginal) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 2, 2, 3});
  const ValueRef vector = builder.Noise("vector", {3});
  const ValueRef a = builder.Add(Op::kMul, "a", {x, vector});
  const ValueRef b = builder.Add(Op::kBiasAdd, "b", {a, vector});
  const ValueRef c = builder.Add(Op::kBiasAdd, "c", {b, vector});
  const auto after = UnshareConstants(builder.Finish({c}));
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "x = Input()\n"
            "a = Mul(x, vector)\n"
            "b = BiasAdd(a, vector)\n"
            "c = BiasAdd(b, vector_2)\n"
            "-> c = c\n");
}

}  // namespace
}  // namespace cyto8
