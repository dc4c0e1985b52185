// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/broadcast.h.
#include "detector/kernels/broadcast.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

StatusOr<BroadcastPlan<2>> Plan(const TestShape& a, const TestShape& b) {
  return PlanBroadcast<2>({a, b});
}

TEST(BroadcastTest, ResultTakesTheLargerOfEachAxis) {
  const auto plan = Plan({2, 1, 3}, {4, 1});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(TestShape(plan->shape().begin(), plan->shape().end()),
            (TestShape{2, 4, 3}));
}

TEST(BroadcastTest, ADimensionOfZeroWinsOverOne) {
  const auto plan = Plan({2, 0}, {1});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(TestShape(plan->shape().begin(), plan->shape().end()),
            (TestShape{2, 0}));
}

TEST(BroadcastTest, UnequalDimensionsAreRefused) {
  EXPECT_EQ(Plan({2, 3}, {4, 3}).status().message(),
            "axis -2 of an operand = 4: must be 1 or 2");
  EXPECT_EQ(Plan({0}, {3}).status().message(),
            "axis -1 of an operand = 3: must be 1 or 0");
}

TEST(BroadcastTest, AResultThatOverflowsIsRefused) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(Plan({huge, 1}, {1, 2}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(BroadcastTest, EqualShapesAreOneRow) {
  const auto plan = Plan({2, 3, 4}, {2, 3, 4});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->walk.inner().size, 24);
}

}  // namespace
}  // namespace cyto8
