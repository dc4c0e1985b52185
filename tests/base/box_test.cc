// SPDX-License-Identifier: Apache-2.0
// Tests of base/box.h.
#include "base/box.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(BoxTest, WidthAndHeightAreDifferences) {
  const Box box = {.x_min = 1, .y_min = 2, .x_max = 4, .y_max = 8};
  EXPECT_EQ(box.width(), 3);
  EXPECT_EQ(box.height(), 6);
  EXPECT_EQ(Area(box), 18);
}

TEST(BoxTest, InvertedAndEmptyBoxesHaveNoArea) {
  EXPECT_EQ(Area({}), 0);
  EXPECT_EQ(Area({4, 0, 2, 10}), 0);
  EXPECT_EQ(Area({0, 9, 10, 3}), 0);
  EXPECT_EQ(Area({4, 9, 2, 3}), 0);  // not the product of two negatives.
}

TEST(BoxTest, IntersectionIsTheCommonPart) {
  EXPECT_EQ(IntersectionArea({0, 0, 4, 4}, {1, 2, 9, 9}), 6);
  EXPECT_EQ(IntersectionArea({0, 0, 4, 4}, {1, 1, 2, 3}), 2);
}

TEST(BoxTest, TouchingBoxesDoNotOverlap) {
  EXPECT_EQ(IntersectionArea({0, 0, 4, 4}, {4, 0, 8, 4}), 0);
  EXPECT_EQ(IntersectionArea({0, 0, 4, 4}, {0, 4, 4, 8}), 0);
  EXPECT_EQ(IntersectionArea({0, 0, 1, 1}, {5, 5, 6, 6}), 0);
  EXPECT_EQ(Iou({0, 0, 4, 4}, {4, 0, 8, 4}), 0);
}

TEST(BoxTest, IouOfEqualBoxesIsOne) {
  EXPECT_EQ(Iou({1, 2, 4, 9}, {1, 2, 4, 9}), 1);
  EXPECT_EQ(Iou({-3, -2, -1, 0}, {-3, -2, -1, 0}), 1);
}

TEST(BoxTest, IouOfEmptyBoxesIsZero) {
  EXPECT_EQ(Iou({}, {}), 0);
  EXPECT_EQ(Iou({1, 1, 1, 5}, {1, 1, 1, 5}), 0);
  EXPECT_EQ(Iou({0, 0, 4, 4}, {2, 2, 2, 2}), 0);
}

// Whole-number boxes: counting unit squares is the definition.
TEST(BoxTest, IouEqualsACountOfUnitSquares) {
  const Box fixed = {2, 2, 5, 6};
  for (int x0 = 0; x0 < 7; ++x0) {
    for (int x1 = x0; x1 < 8; ++x1) {
      for (int y0 = 0; y0 < 7; ++y0) {
        for (int y1 = y0; y1 < 8; ++y1) {
          int both = 0;
          int either = 0;
          for (int x = 0; x < 8; ++x) {
            for (int y = 0; y < 8; ++y) {
              const bool a = x >= 2 && x < 5 && y >= 2 && y < 6;
              const bool b = x >= x0 && x < x1 && y >= y0 && y < y1;
              both += a && b ? 1 : 0;
              either += a || b ? 1 : 0;
            }
          }
          const Box box = {1.0 * x0, 1.0 * y0, 1.0 * x1, 1.0 * y1};
          ASSERT_EQ(Iou(fixed, box), 1.0 * both / either);
          ASSERT_EQ(Iou(box, fixed), Iou(fixed, box));
        }
      }
    }
  }
}

}  // namespace
}  // namespace cyto8
