// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/range.h.
#include "detector/kernels/range.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace cyto8 {
namespace {

TEST(RangeTest, EverySmallCountEqualsALoop) {
  for (int64_t start = -4; start <= 4; ++start) {
    for (int64_t limit = -4; limit <= 4; ++limit) {
      for (const int64_t delta : {-3, -2, -1, 1, 2, 3}) {
        const bool towards = delta > 0 ? start <= limit : start >= limit;
        const auto count = RangeCount(start, limit, delta);
        ASSERT_EQ(count.ok(), towards);
        if (!towards) continue;
        int64_t expected = 0;
        for (int64_t x = start; delta > 0 ? x < limit : x > limit; x += delta) {
          ++expected;
        }
        EXPECT_EQ(*count, expected);
      }
    }
  }
}

TEST(RangeTest, CountsThatOverflowOrAreHugeAreRefused) {
  const int64_t low = std::numeric_limits<int64_t>::min();
  const int64_t high = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(RangeCount(low, high, int64_t{1}).status().message(),
            "range: count = 18446744073709551615: must be in [0, 2147483648]");
  EXPECT_EQ(*RangeCount(high, low, low), 2);
  EXPECT_EQ(RangeCount(0.0f, 1e30f, 1.0f).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(RangeTest, ADeltaOfZeroOrAwayFromTheLimitIsRefused) {
  EXPECT_EQ(RangeCount(int32_t{1}, 5, 0).status().message(),
            "range: delta = 0: must not be 0");
  EXPECT_EQ(RangeCount(int32_t{1}, 5, -2).status().message(),
            "range: delta = -2: must point from start to limit");
  EXPECT_EQ(RangeCount(1.0f, 5.0f, 0.0f).status().message(),
            "range: delta = 0: must not be 0");
  EXPECT_EQ(RangeCount(1.0f, 5.0f, -0.5f).status().message(),
            "range: delta = -0.5: must point from start to limit");
}

TEST(RangeTest, NumbersThatAreNotFiniteAreRefused) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(RangeCount(nan, 1.0f, 1.0f).ok());
  EXPECT_FALSE(RangeCount(0.0f, nan, 1.0f).ok());
  EXPECT_FALSE(RangeCount(0.0f, 1.0f, nan).ok());
  EXPECT_FALSE(RangeCount(0.0f, infinity, 1.0f).ok());
}

TEST(RangeTest, IntegersStepByDelta) {
  std::vector<int32_t> dst(4);
  Range(int32_t{5}, int32_t{-3}, dst);
  EXPECT_EQ(dst, (std::vector<int32_t>{5, 2, -1, -4}));
  std::vector<int64_t> wide(3);
  Range(int64_t{1} << 40, int64_t{1} << 40, wide);
  EXPECT_EQ(wide, (std::vector<int64_t>{int64_t{1} << 40, int64_t{2} << 40,
                                        int64_t{3} << 40}));
}

// tf.range(0.1, 1.05, 0.1): no error adds up.
TEST(RangeTest, FloatsEqualTensorFlow) {
  ASSERT_EQ(*RangeCount(0.1f, 1.05f, 0.1f), 10);
  std::vector<float> dst(10);
  Range(0.1f, 0.1f, dst);
  EXPECT_EQ(
      dst, (std::vector<float>{0.10000000149011612f, 0.20000000298023224f,
                               0.30000001192092896f, 0.4000000059604645f, 0.5f,
                               0.6000000238418579f, 0.7000000476837158f,
                               0.800000011920929f, 0.9000000357627869f, 1.0f}));
}

}  // namespace
}  // namespace cyto8
