// SPDX-License-Identifier: Apache-2.0
// Tests for requantize.h and requantization.h.
#include "detector/kernels/requantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "detector/kernels/requantization.h"

namespace cyto8 {
namespace {

double Exact(Activation activation, double x) {
  switch (activation) {
    case Activation::kSwish:
      return x / (1 + std::exp(-x));
    case Activation::kHardSwish:
      return x * std::clamp(x + 3, 0.0, 6.0) / 6;
    default:
      return x;
  }
}

Requantization LayerOf(Activation activation, const CodeScale& dst,
                       std::shared_ptr<const EvenTable>& table,
                       double& table_error) {
  Requantization layer;
  layer.fraction_bits = FractionBitsFor(activation, dst);
  table = MakeEvenTable(activation, dst, layer.fraction_bits, &table_error);
  layer.table = table.get();
  return layer;
}

// The largest distance of a code to the exact result, beyond what the table and
// the rounding to units explain.
double WorstError(Activation activation, const CodeScale& dst, float sum_unit) {
  std::shared_ptr<const EvenTable> table;
  double table_error = 0;
  Requantization layer = LayerOf(activation, dst, table, table_error);
  layer.left_shift =
      LeftShiftFor(std::array{sum_unit}, std::array<int64_t, 1>{200000}, dst,
                   layer.fraction_bits)
          .value();
  const auto zero = static_cast<float>(dst.zero_point);
  const ChannelFactor factor =
      FactorOf(sum_unit, 0.25f, table ? 0.0f : zero, -1000, dst, layer);
  double worst = 0;
  for (int32_t sum = -100000; sum < 100000; sum += 7) {
    const int16_t p =
        Rescale(sum + factor.bias, layer, factor.shift, factor.multiplier);
    const double x = (sum - 1000) * static_cast<double>(sum_unit) + 0.25;
    const double code = std::clamp(
        Exact(activation, x) / static_cast<double>(dst.scale) + dst.zero_point,
        0.0, 255.0);
    worst = std::max(worst, std::abs(code - CodeOf(p, layer)));
  }
  return worst - table_error - 1.5 * std::ldexp(1, -layer.fraction_bits);
}

TEST(RequantizeTest, CodesAreNearTheExactResult) {
  for (const float scale : {0.004f, 0.01f, 0.04f, 0.1f, 0.3f}) {
    for (const Activation activation :
         {Activation::kNone, Activation::kSwish, Activation::kHardSwish}) {
      const CodeScale dst = {
          .scale = scale,
          .zero_point = static_cast<int32_t>(std::lrint(0.375f / scale))};
      EXPECT_LT(WorstError(activation, dst, scale / 300), 0.55)
          << scale << " activation " << static_cast<int>(activation);
      EXPECT_LT(WorstError(activation, dst, scale / 7.3f), 0.55) << scale;
    }
  }
}

TEST(RequantizeTest, FactorsAreNormal) {
  const CodeScale dst = {.scale = 0.05f, .zero_point = 7};
  for (float unit = 1e-7f; unit < 0.02f; unit *= 1.37f) {
    const std::array<float, 1> units = {unit};
    const std::array<int64_t, 1> sums = {1 << 20};
    const auto left = LeftShiftFor(units, sums, dst, 5);
    ASSERT_TRUE(left.ok()) << left.status().message();
    const Requantization layer = {.left_shift = *left, .fraction_bits = 5};
    const ChannelFactor factor = FactorOf(unit, 0, 0, 0, dst, layer);
    EXPECT_GE(factor.multiplier, 1 << 13);
    EXPECT_LT(factor.multiplier, 1 << 14);
    EXPECT_GE(factor.shift, 0);
    const double ratio =
        std::ldexp(factor.multiplier, *left - factor.shift - 15);
    EXPECT_NEAR(ratio * 0.05 / 32 / static_cast<double>(unit), 1, 1e-4);
  }
}

TEST(RequantizeTest, RefusesAScaleThatSumsAreTooCoarseFor) {
  const std::array<float, 2> units = {0.5f, 100.0f};
  const std::array<int64_t, 2> sums = {1 << 24, 5};
  const auto left = LeftShiftFor(units, sums, {.scale = 0.125f}, 5);
  EXPECT_EQ(left.status().message(),
            "scale = 0.125: too small for the layer's sums, whose unit is "
            "100");
}

TEST(RequantizeTest, SmallScalesTakeFewerFractionBits) {
  EXPECT_EQ(FractionBitsFor(Activation::kSwish, {.scale = 0.05f}), 5);
  EXPECT_LT(FractionBitsFor(Activation::kSwish, {.scale = 0.001f}), 5);
  EXPECT_EQ(FractionBitsFor(Activation::kNone, {.scale = 0.001f}), 5);
}

// 16-bit numbers at their ends.
TEST(RequantizeTest, SaturatesAsTheInstructionsDo) {
  EXPECT_EQ(MultiplyHigh(-32768, -32768), -32768);
  EXPECT_EQ(AddCode(32767, 255, 32767), 32767);
  EXPECT_EQ(AddCode(-32768, 255, -32768), -32768);
  EXPECT_EQ(Rescale(1 << 30, {}, 0, 16383), 16383);
  EXPECT_EQ(Rescale(-(1 << 30), {}, 0, 16383), -16383);
  EvenTable table = {.segment_shift = 10};
  table.intercept[31] = -5;
  EXPECT_EQ(Activate(-32768, table), 5);
  EXPECT_EQ(Activate(32767, table), 32767);
}

TEST(RequantizeTest, TablesSayHowExactTheyAre) {
  double error = 0;
  const CodeScale dst = {.scale = 0.04f, .zero_point = 7};
  EXPECT_NE(MakeEvenTable(Activation::kSwish, dst, 5, &error), nullptr);
  EXPECT_LT(error, 0.15);
  EXPECT_GT(error, 0.0);
  EXPECT_EQ(MakeEvenTable(Activation::kRelu6, dst, 5, &error), nullptr);
  EXPECT_EQ(error, 0.0);
}

}  // namespace
}  // namespace cyto8
