// SPDX-License-Identifier: Apache-2.0
// Tests of base/checked_math.h.
#include "base/checked_math.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace cyto8 {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

TEST(CheckedMathTest, SmallNumbersAddAndMultiplyExactly) {
  for (int64_t a = -20; a <= 20; ++a) {
    for (int64_t b = -20; b <= 20; ++b) {
      EXPECT_EQ(CheckedAdd(a, b).value(), a + b);
      EXPECT_EQ(CheckedMul(a, b).value(), a * b);
    }
  }
}

TEST(CheckedMathTest, TheBordersOf64BitsAreReachedButNotCrossed) {
  EXPECT_EQ(CheckedAdd(kMost - 1, 1).value(), kMost);
  EXPECT_EQ(CheckedAdd(kLeast + 1, -1).value(), kLeast);
  EXPECT_FALSE(CheckedAdd(kMost, 1).ok());
  EXPECT_FALSE(CheckedAdd(kLeast, -1).ok());
  EXPECT_EQ(CheckedMul(kMost, 1).value(), kMost);
  EXPECT_FALSE(CheckedMul(kMost, 2).ok());
  EXPECT_FALSE(CheckedMul(kLeast, -1).ok());
  EXPECT_FALSE(CheckedMul(int64_t{1} << 32, int64_t{1} << 31).ok());
}

TEST(CheckedMathTest, OverflowNamesBothNumbers) {
  EXPECT_EQ(CheckedAdd(kMost, 1).status().ToString(),
            "INVALID_ARGUMENT: 9223372036854775807 + 1 overflows 64 bits");
  EXPECT_EQ(CheckedMul(kMost, 3).status().ToString(),
            "INVALID_ARGUMENT: 9223372036854775807 * 3 overflows 64 bits");
}

TEST(CheckedMathTest, ProductOfAllFactors) {
  EXPECT_EQ(CheckedProduct({}).value(), 1);
  EXPECT_EQ(CheckedProduct(std::vector<int64_t>{7}).value(), 7);
  EXPECT_EQ(CheckedProduct(std::vector<int64_t>{2, 3, 4}).value(), 24);
  EXPECT_EQ(CheckedProduct(std::vector<int64_t>{kMost, 0}).value(), 0);
}

TEST(CheckedMathTest, ProductRefusesNegativeFactorsAndOverflow) {
  EXPECT_EQ(CheckedProduct(std::vector<int64_t>{2, -1}).status().message(),
            "dimension = -1: must not be negative");
  EXPECT_FALSE(CheckedProduct(std::vector<int64_t>{kMost, 2}).ok());
}

TEST(CheckedMathTest, RangeIncludesBothEnds) {
  EXPECT_TRUE(CheckRange("n", int64_t{3}, 3, 5).ok());
  EXPECT_TRUE(CheckRange("n", int64_t{5}, 3, 5).ok());
  EXPECT_EQ(CheckRange("n", int64_t{2}, 3, 5).ToString(),
            "INVALID_ARGUMENT: n = 2: must be in [3, 5]");
  EXPECT_EQ(CheckRange("n", int64_t{6}, 3, 5).message(),
            "n = 6: must be in [3, 5]");
}

TEST(CheckedMathTest, RangeOfNumbersIncludesBothEnds) {
  EXPECT_TRUE(CheckRange("x", 0.1, 0.1, 0.5).ok());
  EXPECT_TRUE(CheckRange("x", 0.5, 0.1, 0.5).ok());
  EXPECT_EQ(CheckRange("x", 0.75, 0.1, 0.5).ToString(),
            "INVALID_ARGUMENT: x = 0.75: must be in [0.1, 0.5]");
}

TEST(CheckedMathTest, RangeOfNumbersRefusesNanAndInfinity) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(CheckRange("x", std::numeric_limits<double>::quiet_NaN(), 0.0, 1.0)
                .message(),
            "x = nan: must be in [0, 1]");
  EXPECT_EQ(CheckRange("x", kInfinity, 0.0, 1.0).message(),
            "x = inf: must be in [0, 1]");
  EXPECT_EQ(CheckRange("x", -kInfinity, 0.0, 1.0).message(),
            "x = -inf: must be in [0, 1]");
}

}  // namespace
}  // namespace cyto8
