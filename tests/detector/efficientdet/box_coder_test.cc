// SPDX-License-Identifier: Apache-2.0
// Tests of detector/efficientdet/box_coder.h.
#include "detector/efficientdet/box_coder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cyto8 {
namespace {

constexpr AnchorBox kAnchor = {10, 20, 30, 60};  // 20 high, 40 wide.
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(BoxCoderTest, ZeroCodeIsTheAnchor) {
  const auto box = DecodeBox({}, kAnchor);
  ASSERT_TRUE(box.ok());
  EXPECT_EQ(*box, (Box{.x_min = 20, .y_min = 10, .x_max = 60, .y_max = 30}));
}

TEST(BoxCoderTest, CodesAreRelativeToTheAnchor) {
  const float twice = std::log(2.0f);
  const auto box =
      DecodeBox({.ty = 0.5f, .tx = -0.25f, .th = 0, .tw = twice}, kAnchor);
  ASSERT_TRUE(box.ok());
  EXPECT_FLOAT_EQ(static_cast<float>(box->y_min), 20);
  EXPECT_FLOAT_EQ(static_cast<float>(box->y_max), 40);
  EXPECT_NEAR(box->x_min, -10, 1e-4);
  EXPECT_NEAR(box->x_max, 70, 1e-4);
}

TEST(BoxCoderTest, EncodingUndoesDecoding) {
  const BoxCode code = {.ty = 0.3f, .tx = -1.7f, .th = 0.8f, .tw = -2.1f};
  const auto box = DecodeBox(code, kAnchor);
  ASSERT_TRUE(box.ok());
  const BoxCode again = EncodeBox(*box, kAnchor);
  EXPECT_NEAR(again.ty, code.ty, 1e-5);
  EXPECT_NEAR(again.tx, code.tx, 1e-5);
  EXPECT_NEAR(again.th, code.th, 1e-5);
  EXPECT_NEAR(again.tw, code.tw, 1e-5);
}

TEST(BoxCoderTest, LargeExponentsGiveLargeFiniteBoxes) {
  const auto box = DecodeBox({.th = 500, .tw = -500}, kAnchor);
  ASSERT_TRUE(box.ok());
  EXPECT_TRUE(std::isfinite(box->height()));
  EXPECT_GT(box->height(), 1e35);
  EXPECT_EQ(box->width(), 0);
}

TEST(BoxCoderTest, RefusesCodesThatAreNotFinite) {
  EXPECT_EQ(DecodeBox({.th = NAN}, kAnchor).status().message(),
            "box code (ty, tx, th, tw) = (0, 0, nan, 0): must be finite and "
            "give a finite box");
  EXPECT_EQ(DecodeBox({.tw = -kInfinity}, kAnchor).status().message(),
            "box code (ty, tx, th, tw) = (0, 0, 0, -inf): must be finite and "
            "give a finite box");
  EXPECT_FALSE(DecodeBox({.ty = NAN}, kAnchor).ok());
  EXPECT_FALSE(DecodeBox({.tx = kInfinity}, kAnchor).ok());
  EXPECT_FALSE(DecodeBox({.tx = 3e38f}, kAnchor).ok());
}

}  // namespace
}  // namespace cyto8
