// SPDX-License-Identifier: Apache-2.0
// Tests of quant/exact_sum.h: exact, and the same in every order.
#include "quant/exact_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "tests/quant/random_values.h"

namespace cyto8 {
namespace {

double SumOf(const std::vector<double>& values) {
  ExactSum sum;
  for (const double value : values) sum.Add(value);
  return sum.Value();
}

TEST(ExactSumTest, OneValueComesBack) {
  EXPECT_EQ(SumOf({}), 0);
  for (double value = 0x1p-130; value < 0x1p300; value *= 1.9) {
    ASSERT_EQ(SumOf({value}), value);
    ASSERT_EQ(SumOf({-value}), -value);
  }
}

TEST(ExactSumTest, NothingIsLostBesideLargeValues) {
  EXPECT_EQ(SumOf({1e60, 1, -1e60}), 1);
  EXPECT_EQ(SumOf({0x1p-140, 0x1p200, -0x1p200}), 0x1p-140);
  EXPECT_EQ(SumOf({-1e30, 3, 1e30, -5}), -2);
  EXPECT_EQ(SumOf({4294967295.0, 1.0, -0.5}), 4294967295.5);
}

TEST(ExactSumTest, CarriesOverManyAddends) {
  ExactSum sum;
  for (int i = 0; i < 100'000; ++i) sum.Add(-4294967295.75);
  EXPECT_EQ(sum.Value(), -429496729575000.0);
}

TEST(ExactSumTest, CutsOffWhatIsBelowTheLowestBit) {
  EXPECT_EQ(SumOf({0x1p-192}), 0x1p-192);
  EXPECT_EQ(SumOf({0x1p-193}), 0);
  EXPECT_EQ(SumOf({-0x1p-193}), 0);
  EXPECT_EQ(SumOf({0x1.8p-192}), 0x1p-192);
  EXPECT_EQ(SumOf({-0x1.8p-192}), -0x1p-192);
  EXPECT_EQ(SumOf({std::numeric_limits<double>::denorm_min()}), 0);
}

TEST(ExactSumTest, LeavesOutWhatDoesNotFit) {
  EXPECT_EQ(SumOf({2, 0x1p319, std::numeric_limits<double>::infinity(),
                   std::numeric_limits<double>::quiet_NaN()}),
            2);
  EXPECT_EQ(SumOf({-0x1.fp318}), -0x1.fp318);
}

TEST(ExactSumTest, OrderAndGroupingDoNotMatter) {
  const uint64_t seed = 5;
  SCOPED_TRACE(seed);
  RandomValues random(seed);
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) {
    values.push_back(random.Normal() * std::exp2(random.Uniform(-150, 200)));
  }
  const double forward = SumOf(values);
  std::ranges::reverse(values);
  EXPECT_EQ(SumOf(values), forward);
  ExactSum first, second;
  for (size_t i = 0; i < values.size(); ++i) {
    (i % 3 == 0 ? first : second).Add(values[i]);
  }
  second.Add(first);
  EXPECT_EQ(second.Value(), forward);
}

}  // namespace
}  // namespace cyto8
