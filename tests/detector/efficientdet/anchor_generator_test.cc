// SPDX-License-Identifier: Apache-2.0
// Tests of detector/efficientdet/anchor_generator.h against numbers worked out
// by hand; export_layout_test.cc compares with constants of real graphs.
#include "detector/efficientdet/anchor_generator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace cyto8 {
namespace {

AnchorGeneratorOptions Options(int64_t width_px, int64_t height_px) {
  AnchorGeneratorOptions options;
  options.image_width_px = width_px;
  options.image_height_px = height_px;
  return options;
}

std::string ErrorOf(const AnchorGeneratorOptions& options) {
  return GenerateAnchors(options).status().message();
}

TEST(AnchorGeneratorTest, D2HasTheKnownNumberOfAnchors) {
  const auto anchors = GenerateAnchors(Options(768, 768));
  ASSERT_TRUE(anchors.ok());
  EXPECT_EQ(anchors->boxes.size(), 110'484u);
  EXPECT_EQ(anchors->per_cell, 9);
  EXPECT_EQ(anchors->levels.front(), (FeatureSize{.height = 96, .width = 96}));
  EXPECT_EQ(anchors->levels.back(), (FeatureSize{.height = 6, .width = 6}));
}

TEST(AnchorGeneratorTest, FirstCellHoldsOctavesThenAspects) {
  const auto anchors = GenerateAnchors(Options(256, 256));
  ASSERT_TRUE(anchors.ok());
  // Stride 8: the centre is (4, 4), the base side 32 * 2^(octave / 3).
  for (int octave = 0; octave < 3; ++octave) {
    const double base = 32 * std::pow(2.0, octave / 3.0);
    const double factors[] = {1, std::sqrt(2.0), std::sqrt(0.5)};
    for (int aspect = 0; aspect < 3; ++aspect) {
      const AnchorBox& box = anchors->boxes[octave * 3 + aspect];
      const double half_x = base * factors[aspect] / 2;
      const double half_y = base / factors[aspect] / 2;
      EXPECT_NEAR(box.y_min, 4 - half_y, 1e-5);
      EXPECT_NEAR(box.x_min, 4 - half_x, 1e-5);
      EXPECT_NEAR(box.y_max, 4 + half_y, 1e-5);
      EXPECT_NEAR(box.x_max, 4 + half_x, 1e-5);
    }
  }
}

TEST(AnchorGeneratorTest, CellsRunAlongRowsFirst) {
  const auto anchors = GenerateAnchors(Options(256, 256));
  ASSERT_TRUE(anchors.ok());
  const AnchorBox second_column = {-12, -4, 20, 28};
  const AnchorBox second_row = {-4, -12, 28, 20};
  EXPECT_EQ(anchors->boxes[9], second_column);
  EXPECT_EQ(anchors->boxes[32 * 9], second_row);
}

TEST(AnchorGeneratorTest, LevelsFollowEachOther) {
  const auto anchors = GenerateAnchors(Options(256, 256));
  ASSERT_TRUE(anchors.ok());
  // Level 4: stride 16, base 64, centre 8.
  const AnchorBox expected = {-24, -24, 40, 40};
  EXPECT_EQ(anchors->boxes[32 * 32 * 9], expected);
}

TEST(AnchorGeneratorTest, SidesThatDoNotDivideHaveFractionalStrides) {
  AnchorGeneratorOptions options = Options(330, 250);
  options.min_level = options.max_level = 3;
  options.num_scales = 1;
  options.aspects = {SqrtAspect(1)};
  const auto anchors = GenerateAnchors(options);
  ASSERT_TRUE(anchors.ok());
  EXPECT_EQ(anchors->levels.front(), (FeatureSize{.height = 32, .width = 42}));
  const double stride_y = 250.0 / 32, stride_x = 330.0 / 42;
  const AnchorBox& box = anchors->boxes[42 + 1];  // row 1, column 1.
  EXPECT_FLOAT_EQ(box.y_min, static_cast<float>(stride_y * (1.5 - 2)));
  EXPECT_FLOAT_EQ(box.x_min, static_cast<float>(stride_x * (1.5 - 2)));
  EXPECT_FLOAT_EQ(box.x_max, static_cast<float>(stride_x * (1.5 + 2)));
}

TEST(AnchorGeneratorTest, LegacyAspectsAreRoundedFactors) {
  AnchorGeneratorOptions options = Options(64, 64);
  options.min_level = options.max_level = 3;
  options.num_scales = 1;
  options.aspects = LegacyAspects();
  const auto anchors = GenerateAnchors(options);
  ASSERT_TRUE(anchors.ok());
  EXPECT_FLOAT_EQ(anchors->boxes[1].x_max - anchors->boxes[1].x_min, 44.8f);
  EXPECT_FLOAT_EQ(anchors->boxes[1].y_max - anchors->boxes[1].y_min, 22.4f);
  EXPECT_FLOAT_EQ(anchors->boxes[2].x_max - anchors->boxes[2].x_min, 22.4f);
}

TEST(AnchorGeneratorTest, EveryLevelMayHaveItsOwnScale) {
  AnchorGeneratorOptions options = Options(64, 64);
  options.max_level = 4;
  options.num_scales = 1;
  options.aspects = {SqrtAspect(1)};
  options.anchor_scales = {4, 2};
  const auto anchors = GenerateAnchors(options);
  ASSERT_TRUE(anchors.ok());
  EXPECT_FLOAT_EQ(anchors->boxes[0].y_max - anchors->boxes[0].y_min, 32);
  EXPECT_FLOAT_EQ(anchors->boxes[64].y_max - anchors->boxes[64].y_min, 32);
}

TEST(AnchorGeneratorTest, RefusesOptionsOutOfRange) {
  AnchorGeneratorOptions options = Options(0, 64);
  EXPECT_EQ(ErrorOf(options), "image_width_px = 0: must be in [1, 1000000]");
  options = Options(64, 64);
  options.min_level = 8;
  EXPECT_EQ(ErrorOf(options), "min_level = 8: must be in [0, 7]");
  options = Options(64, 64);
  options.max_level = 17;
  EXPECT_EQ(ErrorOf(options), "max_level = 17: must be in [0, 16]");
  options = Options(64, 64);
  options.num_scales = 0;
  EXPECT_EQ(ErrorOf(options), "num_scales = 0: must be in [1, 16]");
  options = Options(64, 64);
  options.aspects = {};
  EXPECT_EQ(ErrorOf(options),
            "number of aspect_ratios = 0: must be in [1, 64]");
  options = Options(64, 64);
  options.anchor_scales = {4, 4};
  EXPECT_EQ(ErrorOf(options),
            "number of anchor_scale values = 2: must be 1 or 5 (levels)");
  options = Options(64, 64);
  options.aspects = {{.x = 0, .y = 1}};
  EXPECT_EQ(ErrorOf(options), "aspect factor = 0: must be in [0.001, 1000]");
  options = Options(64, 64);
  options.anchor_scales = {-1};
  EXPECT_EQ(ErrorOf(options), "anchor_scale = -1: must be in [0.001, 1000]");
  options = Options(200'000, 200'000);
  options.min_level = 0;
  EXPECT_FALSE(GenerateAnchors(options).ok());  // before any allocation.
}

TEST(AnchorGeneratorTest, ConstantIsTakenAsItIs) {
  const auto anchors = AnchorsFromConstant(
      Tensor::FromFloats({2, 4}, {0, 1, 2, 3, -4, -5, 6, 7}));
  ASSERT_TRUE(anchors.ok());
  ASSERT_EQ(anchors->boxes.size(), 2u);
  EXPECT_EQ(anchors->boxes[1], (AnchorBox{-4, -5, 6, 7}));
  EXPECT_EQ(anchors->per_cell, 0);
}

TEST(AnchorGeneratorTest, RefusesAConstantOfAnotherKind) {
  EXPECT_EQ(AnchorsFromConstant(Tensor::FromFloats({1, 3}, {0, 1, 2}))
                .status()
                .message(),
            "anchors: float32 [1,3]: must be float32 [N,4]");
  EXPECT_EQ(AnchorsFromConstant(Tensor::FromInts({1, 4}, {0, 0, 1, 1}))
                .status()
                .message(),
            "anchors: int32 [1,4]: must be float32 [N,4]");
  EXPECT_EQ(
      AnchorsFromConstant(Tensor::FromFloats({0, 4}, {})).status().message(),
      "anchors = 0: must be in [1, 67108864]");
  EXPECT_EQ(
      AnchorsFromConstant(Tensor::FromFloats({1, 4}, {0, 5, 2, 5}))
          .status()
          .message(),
      "anchor 0 = [0.0000, 5.0000, 2.0000, 5.0000]: must be finite with ymin < "
      "ymax, xmin < xmax");
}

TEST(AnchorGeneratorTest, ComparisonNamesTheFirstDifference) {
  const std::vector<AnchorBox> a = {{0, 0, 1, 1}, {0, 0, 2, 2}};
  std::vector<AnchorBox> b = a;
  EXPECT_TRUE(AnchorsAgree(a, b, 0).ok());
  b[1].x_max = 2.5f;
  EXPECT_TRUE(AnchorsAgree(a, b, 0.5).ok());
  EXPECT_EQ(AnchorsAgree(a, b, 0.4).message(),
            "anchor 1 = [0.0000, 0.0000, 2.0000, 2.5000]: must be [0.0000, "
            "0.0000, 2.0000, 2.0000]");
  b.pop_back();
  EXPECT_EQ(AnchorsAgree(a, b, 1).message(), "anchors = 1: must be 2");
}

}  // namespace
}  // namespace cyto8
