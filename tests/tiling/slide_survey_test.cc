// SPDX-License-Identifier: Apache-2.0
// Which tiles are empty glass, which are dark, and that doubt counts as tissue.
#include "tiling/slide_survey.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace cyto8 {
namespace {

constexpr double kMpp = 0.25;
constexpr Rgb kGlass = {236, 236, 234};

// Levels 1, 4 and 16 of a slide of glass with a dark and a pale square; blocks
// of 64 px.
class PaintedSlide final : public SlideReader {
 public:
  explicit PaintedSlide(std::vector<int64_t> scales = {1, 4, 16}) {
    for (const int64_t scale : scales) {
      info_.levels.push_back({.width_px = 8192 / scale,
                              .height_px = 4096 / scale,
                              .block_width_px = 64,
                              .block_height_px = 64});
    }
  }

  const SlideInfo& info() const override { return info_; }
  bool HasBlock(const BlockId& block) const override {
    return block.level == 0 ? !glass_has_no_detail
                            : !missing.contains({block.column, block.row});
  }
  StatusOr<Image> ReadBlock(const BlockId& block) override {
    read.insert(block.level);
    if (damaged.contains({block.column, block.row})) return DataLoss("damaged");
    const SlideLevel& level = info_.levels[static_cast<size_t>(block.level)];
    const auto [width, height] = BlockSize(level, block);
    Image image = Image::Create(width, height).value();
    const int64_t by = 8192 / level.width_px * block.reduction;
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const Rgb pixel = At((block.column * 64 / block.reduction + x) * by,
                             (block.row * 64 / block.reduction + y) * by);
        uint8_t* dst = image.MutableRow(y) + 3 * x;
        dst[0] = pixel.red;
        dst[1] = pixel.green;
        dst[2] = pixel.blue;
      }
    }
    return image;
  }
  int64_t largest_reduction() const override { return 4; }
  int64_t memory_bytes() const override { return 64 * 64 * 3; }

  std::set<std::pair<int64_t, int64_t>> damaged;
  std::set<std::pair<int64_t, int64_t>> missing;
  bool glass_has_no_detail = false;
  std::set<int64_t> read;  // levels.

 private:
  static Rgb At(int64_t x, int64_t y) {
    const auto in = [&](int64_t left, int64_t top) {
      return x >= left && x < left + 128 && y >= top && y < top + 128;
    };
    if (in(1024, 1024)) return {60, 40, 90};
    if (in(5120, 2048)) return {190, 170, 200};
    return kGlass;
  }

  SlideInfo info_;
};

Tile At(int64_t x, int64_t y) {
  return {.x_px = x, .y_px = y, .width_px = 512, .height_px = 512};
}

SlideSurvey Survey(SlideReader& slide, double mpp = kMpp) {
  return SlideSurvey::Make(slide, mpp, {}).value().value();
}

TEST(SlideSurveyTest, FindsGlassAndCellsAtAReducedLevel) {
  PaintedSlide slide;
  const SlideSurvey survey = Survey(slide);
  EXPECT_FALSE(survey.IsBackground(At(900, 900)));
  EXPECT_FALSE(survey.IsBackground(At(5000, 2000)));
  EXPECT_TRUE(survey.IsBackground(At(3000, 3000)));
  EXPECT_EQ(slide.read, std::set<int64_t>{2});
}

TEST(SlideSurveyTest, DarknessIsWhatRedLacks) {
  PaintedSlide slide;
  const SlideSurvey survey = Survey(slide);
  // 8 x 8 reduced pixels of red 60.
  EXPECT_EQ(survey.Darkness(At(1024, 1024)), 64 * (130 - 60));
  EXPECT_EQ(survey.Darkness(At(5000, 2000)), 0);
  EXPECT_EQ(survey.Darkness({.width_px = 8192, .height_px = 4096}),
            64 * (130 - 60));
}

TEST(SlideSurveyTest, TakesACoarserLevelWhereItsPixelsAreSmallEnough) {
  PaintedSlide slide;
  Survey(slide, 0.5);  // level 2 would be 8 um.
  EXPECT_EQ(slide.read, std::set<int64_t>{1});
}

TEST(SlideSurveyTest, WithoutAReducedLevelThereIsNone) {
  PaintedSlide half({1, 2});
  EXPECT_FALSE(SlideSurvey::Make(half, kMpp, {}).value().has_value());
  PaintedSlide coarse({1, 4});
  EXPECT_FALSE(SlideSurvey::Make(coarse, 2, {}).value().has_value());
  EXPECT_TRUE(half.read.empty() && coarse.read.empty());
}

TEST(SlideSurveyTest, WhatCannotBeReadIsWorthALook) {
  PaintedSlide slide;
  slide.damaged = {{3, 2}};  // of level 2: 1024 level-0 px a side.
  EXPECT_FALSE(Survey(slide).IsBackground(At(3300, 2300)));
}

TEST(SlideSurveyTest, ABlockMissingAtTheReducedLevelAloneIsWorthALook) {
  PaintedSlide slide;
  slide.missing = {{3, 2}};
  EXPECT_FALSE(Survey(slide).IsBackground(At(3300, 2300)));
  slide.glass_has_no_detail = true;
  EXPECT_TRUE(Survey(slide).IsBackground(At(3300, 2300)));
}

}  // namespace
}  // namespace cyto8
