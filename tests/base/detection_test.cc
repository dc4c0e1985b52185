// SPDX-License-Identifier: Apache-2.0
// Tests of base/detection.h: the order is total and looks at every field.
#include "base/detection.h"

#include <gtest/gtest.h>

#include <vector>

namespace cyto8 {
namespace {

TEST(DetectionTest, HigherScoresComeFirst) {
  const Detection high = {.box = {9, 9, 9, 9}, .score = 0.9F, .class_id = 2};
  const Detection low = {.box = {1, 1, 1, 1}, .score = 0.8F, .class_id = 1};
  EXPECT_TRUE(DetectionBefore(high, low));
  EXPECT_FALSE(DetectionBefore(low, high));
}

TEST(DetectionTest, EqualScoresAreOrderedByClassThenTopThenLeft) {
  const Detection first = {.box = {9, 9, 9, 9}, .score = 0.5F, .class_id = 1};
  const Detection second = {.box = {9, 1, 9, 9}, .score = 0.5F, .class_id = 2};
  const Detection third = {.box = {1, 2, 9, 9}, .score = 0.5F, .class_id = 2};
  const Detection fourth = {.box = {2, 2, 9, 8}, .score = 0.5F, .class_id = 2};
  const Detection fifth = {.box = {2, 2, 8, 9}, .score = 0.5F, .class_id = 2};
  const Detection sixth = {.box = {2, 2, 9, 9}, .score = 0.5F, .class_id = 2};
  const std::vector<Detection> sorted = {first,  second, third,
                                         fourth, fifth,  sixth};
  for (size_t i = 0; i < sorted.size(); ++i) {
    for (size_t j = 0; j < sorted.size(); ++j) {
      EXPECT_EQ(DetectionBefore(sorted[i], sorted[j]), i < j) << i << " " << j;
    }
  }
}

// Every detection with fields from {0, 1}: of two different ones exactly one is
// before the other, and "before" is transitive.
TEST(DetectionTest, TheOrderIsStrictAndTotal) {
  std::vector<Detection> all;
  for (int bits = 0; bits < 64; ++bits) {
    const auto bit = [&](int i) { return (bits >> i) & 1; };
    all.push_back(
        {.box = {1.0 * bit(0), 1.0 * bit(1), 1.0 * bit(2), 1.0 * bit(3)},
         .score = static_cast<float>(bit(4)),
         .class_id = bit(5)});
  }
  for (const Detection& a : all) {
    for (const Detection& b : all) {
      const int orders =
          (DetectionBefore(a, b) ? 1 : 0) + (DetectionBefore(b, a) ? 1 : 0);
      ASSERT_EQ(orders, a == b ? 0 : 1);
      for (const Detection& c : all) {
        if (DetectionBefore(a, b) && DetectionBefore(b, c)) {
          ASSERT_TRUE(DetectionBefore(a, c));
        }
      }
    }
  }
}

}  // namespace
}  // namespace cyto8
