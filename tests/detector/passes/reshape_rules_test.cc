// SPDX-License-Identifier: Apache-2.0
// Tests of detector/passes/reshape_rules.h.
#include "detector/passes/reshape_rules.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

// Maps of a network whose 40 px became 64.
SideTable Table() {
  SideTable table;
  table.Note({1, 40, 20, 3}, {1, 64, 32, 3});
  table.Note({1, 5, 3, 8}, {1, 8, 4, 8});
  table.Note({1, 3, 1, 8}, {1, 4, 1, 8});
  table.Note({1, 1, 1, 8}, {1, 1, 2, 8});
  return table;
}

TEST(SideTableTest, HeightsAndWidthsAreKeptApart) {
  EXPECT_EQ(Table().Only(kHeightAxis, 3).value(), 4);
  EXPECT_EQ(Table().Only(kWidthAxis, 3).value(), 4);
  EXPECT_EQ(Table().Only(kWidthAxis, 20).value(), 32);
  EXPECT_EQ(Table().Only(kHeightAxis, 20).status().message(),
            "height 20 px: no map before it has this side");
  EXPECT_EQ(Table().Only(kWidthAxis, 1).status().message(),
            "width 1 px: maps of this side become 1 or 2 px");
}

TEST(SideTableTest, AResizeGoesToTheSideOfAMapElseToAMultiple) {
  const SideTable table = Table();
  EXPECT_EQ(table.ResizeTarget(kHeightAxis, {3, 4}, 5).value(), 8);
  EXPECT_EQ(table.ResizeTarget(kHeightAxis, {1, 1}, 5).value(), 8);
  EXPECT_EQ(table.ResizeTarget(kHeightAxis, {3, 4}, 6).value(), 8);
  EXPECT_EQ(table.ResizeTarget(kHeightAxis, {40, 64}, 80).value(), 128);
  // Among sides that went apart the multiple decides.
  EXPECT_EQ(table.ResizeTarget(kWidthAxis, {1, 2}, 1).value(), 2);
  EXPECT_EQ(table.ResizeTarget(kWidthAxis, {1, 1}, 1).value(), 1);
  EXPECT_EQ(table.ResizeTarget(kWidthAxis, {3, 4}, 1).status().message(),
            "width 1 px: maps of this side become 1 or 2 px");
  EXPECT_EQ(table.ResizeTarget(kHeightAxis, {3, 4}, 7).status().message(),
            "height 7 px: no map before it has this side");
}

TEST(FollowReshapeTest, SidesThatGoTogetherOrStay) {
  const Shape before = {1, 6, 4, 27};
  const Shape after = {1, 8, 12, 27};
  EXPECT_EQ(FollowReshape(before, after, before), after);
  EXPECT_EQ(FollowReshape(before, after, {1, 6, 1, 4, 1, 27}),
            (Shape{1, 8, 1, 12, 1, 27}));
  EXPECT_EQ(FollowReshape(before, after, {1, 24, 27}), (Shape{1, 96, 27}));
  EXPECT_EQ(FollowReshape(before, after, {1, 216, 3}), (Shape{1, 864, 3}));
  EXPECT_EQ(FollowReshape(before, after, {648}), (Shape{2592}));
}

TEST(FollowReshapeTest, PartsOfSidesThatStay) {
  EXPECT_EQ(FollowReshape({4, 6}, {4, 8}, {2, 12}), (Shape{2, 16}));
  EXPECT_EQ(FollowReshape({6, 12}, {8, 12}, {18, 2, 2}), (Shape{24, 2, 2}));
  EXPECT_EQ(FollowReshape({6, 4, 6, 4}, {8, 4, 9, 4}, {24, 24}),
            (Shape{32, 36}));
}

TEST(FollowReshapeTest, NothingWhereASideWouldBeCutOrHasNoTrace) {
  EXPECT_EQ(FollowReshape({6, 4}, {8, 4}, {3, 8}), std::nullopt);
  EXPECT_EQ(FollowReshape({24, 3}, {96, 3}, {6, 4, 3}), std::nullopt);
  EXPECT_EQ(FollowReshape({1, 1, 4}, {1, 2, 4}, {1, 4}), std::nullopt);
  EXPECT_EQ(FollowReshape({1, 6, 4}, {2, 8, 4}, {24}), std::nullopt);
  EXPECT_EQ(FollowReshape({0, 4}, {0, 8}, {4, 0}), std::nullopt);
}

}  // namespace
}  // namespace cyto8
