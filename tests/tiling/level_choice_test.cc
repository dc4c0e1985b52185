// SPDX-License-Identifier: Apache-2.0
// Slides of usual and of odd pyramids.
#include "tiling/level_choice.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cyto8 {
namespace {

// Level 0 of 100,000 x 60,000 px, the others so many times smaller.
SlideInfo Slide(const std::vector<double>& downsamples) {
  SlideInfo slide;
  for (const double down : downsamples) {
    slide.levels.push_back({.width_px = static_cast<int64_t>(100'000 / down),
                            .height_px = static_cast<int64_t>(60'000 / down),
                            .block_width_px = 256,
                            .block_height_px = 256});
  }
  return slide;
}

struct Case {
  std::vector<double> downsamples;
  double um_per_px;
  int64_t largest_reduction;
  LevelChoice wanted;
};

TEST(LevelChoiceTest, TakesTheCoarsestPixelsThatAreFineEnough) {
  const std::vector<Case> cases = {
      // 20x as the network wants it.
      {{1, 4, 16}, 0.484, 8, {0, 1, 0.484, false}},
      {{1, 4, 16}, 0.5, 8, {0, 1, 0.5, false}},
      // 40x: the file's own half size, or the decoder's.
      {{1, 2, 4}, 0.25, 8, {1, 1, 0.5, false}},
      {{1, 4, 16}, 0.25, 8, {0, 2, 0.5, false}},
      {{1, 4, 16}, 0.25, 1, {0, 1, 0.25, true}},
      // 80x.
      {{1, 4}, 0.125, 8, {1, 1, 0.5, false}},
      {{1, 2}, 0.125, 8, {1, 2, 0.5, false}},
      {{1}, 0.125, 8, {0, 4, 0.5, false}},
      // Between two levels: the finer one, resampled.
      {{1, 2}, 0.3, 8, {0, 1, 0.3, true}},
      {{1, 1.5, 3}, 0.3, 8, {1, 1, 0.45, true}},
      // Coarser than the network wants: enlarged.
      {{1, 2}, 0.6, 8, {0, 1, 0.6, true}},
  };
  for (const Case& c : cases) {
    const StatusOr<LevelChoice> choice = ChooseLevel(
        Slide(c.downsamples), {.um_per_px = c.um_per_px,
                               .target_um_per_px = 0.484,
                               .largest_reduction = c.largest_reduction});
    ASSERT_TRUE(choice.ok()) << choice.status().message();
    EXPECT_EQ(choice->level, c.wanted.level) << c.um_per_px;
    EXPECT_EQ(choice->reduction, c.wanted.reduction) << c.um_per_px;
    EXPECT_NEAR(choice->um_per_px, c.wanted.um_per_px, 1e-4) << c.um_per_px;
    EXPECT_EQ(choice->resample, c.wanted.resample) << c.um_per_px;
  }
}

TEST(LevelChoiceTest, ScalesAreWholeWhereLevelZeroWasDivided) {
  const auto scale = [](int64_t width, int64_t height) {
    SlideInfo slide = Slide({1});
    slide.levels[0].width_px = 34013;
    slide.levels[0].height_px = 46152;
    slide.levels.push_back({.width_px = width, .height_px = height});
    const LevelScale found = ScaleOfLevel(slide, 1);
    return std::pair(found.x, found.y);
  };
  using Scale = std::pair<double, double>;
  EXPECT_EQ(scale(34013, 46152), Scale(1, 1));
  EXPECT_EQ(scale(17006, 23076), Scale(2, 2));  // rounded down.
  EXPECT_EQ(scale(17007, 23076), Scale(2, 2));  // rounded up.
  EXPECT_EQ(scale(132, 180), Scale(256, 256));
  EXPECT_EQ(scale(11337, 15384), Scale(3, 3));
  EXPECT_EQ(scale(17000, 23076), Scale(34013.0 / 17000, 2));
  EXPECT_EQ(scale(1, 1), Scale(46152, 46152));
}

TEST(LevelChoiceTest, ToleranceIsAShareEitherWay) {
  for (const auto& [um_per_px, resample] :
       std::vector<std::pair<double, bool>>{{0.5, false},
                                            {0.5499, false},
                                            {0.5501, true},
                                            {0.4547, false},
                                            {0.4545, true}}) {
    const StatusOr<LevelChoice> choice = ChooseLevel(
        Slide({1}),
        {.um_per_px = um_per_px, .target_um_per_px = 0.5, .tolerance = 0.1});
    EXPECT_EQ(choice.value().resample, resample) << um_per_px;
  }
}

TEST(LevelChoiceTest, LeavesReductionsThatDoNotDivideBlocks) {
  SlideInfo slide = Slide({1});
  slide.levels[0].block_height_px = 250;
  const StatusOr<LevelChoice> choice = ChooseLevel(
      slide,
      {.um_per_px = 0.121, .target_um_per_px = 0.484, .largest_reduction = 8});
  EXPECT_EQ(choice.value().reduction, 2);
  EXPECT_TRUE(choice.value().resample);
}

TEST(LevelChoiceTest, RefusesWhatIsNoScale) {
  const LevelChoiceOptions good = {.um_per_px = 0.25, .target_um_per_px = 0.5};
  LevelChoiceOptions unknown = good, no_target = good, wide = good;
  unknown.um_per_px = 0;
  no_target.target_um_per_px = -1;
  wide.tolerance = 0.6;
  const std::vector<std::pair<LevelChoiceOptions, std::string>> cases = {
      {unknown, "um/px = 0: must be in [0.001, 1000]"},
      {no_target, "target um/px = -1: must be in [0.001, 1000]"},
      {wide, "tolerance = 0.6: must be in [0, 0.5]"}};
  for (const auto& [options, message] : cases) {
    const Status status = ChooseLevel(Slide({1}), options).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), message);
  }
  EXPECT_EQ(ChooseLevel(Slide({}), good).status().message(),
            "slide: has no levels");
}

}  // namespace
}  // namespace cyto8
